//! Services are asked on their nodes: a task keeps the time, and each question is a task of its own, bounded in number.
//!
//! Never decides who is well: `bfd::check` does. The mark of the packets leads them to the node.

mod ask;

use std::sync::Arc;
use std::time::Instant;

use bfd::check::{Checks as Judge, Verdict, Wish, Wishes};
use engine::Event;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::run::Inbox;

/// Questions that are on their way at once; others wait for their next turn.
const AT_ONCE: usize = 512;

/// What one question came to.
struct Heard {
    mark: u32,
    number: u64,
    result: Result<(), String>,
}

/// The way to the task, which begins with the first wish.
pub(crate) struct Checks {
    inbox: Inbox,
    wishes: Option<UnboundedSender<Wishes>>,
}

impl Checks {
    /// Nobody is asked yet.
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, wishes: None }
    }

    /// Asks these and no others.
    pub(crate) fn want(&mut self, wishes: Wishes) {
        let inbox = &self.inbox;
        let way = self.wishes.get_or_insert_with(|| {
            let (way, wanted) = mpsc::unbounded_channel();
            tokio::spawn(Asking::new(inbox.clone()).run(wanted));
            way
        });
        // The task ends with the process.
        let _ = way.send(wishes);
    }
}

struct Asking {
    judge: Judge,
    inbox: Inbox,
    room: Arc<Semaphore>,
    answers: UnboundedSender<Heard>,
    heard: UnboundedReceiver<Heard>,
}

impl Asking {
    fn new(inbox: Inbox) -> Self {
        let (answers, heard) = mpsc::unbounded_channel();
        Self { judge: Judge::default(), inbox, room: Arc::new(Semaphore::new(AT_ONCE)), answers, heard }
    }

    async fn run(mut self, mut wanted: UnboundedReceiver<Wishes>) {
        loop {
            let due = self.judge.deadline();
            let rest = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                wishes = wanted.recv() => match wishes {
                    Some(wishes) => self.judge.want(Instant::now(), &wishes),
                    None => return,
                },
                Some(heard) = self.heard.recv() => {
                    let verdict = self.judge.heard(heard.mark, heard.number, heard.result);
                    self.tell(verdict.map(|verdict| (heard.mark, verdict)).into_iter().collect());
                }
                () = rest => self.tick(),
            }
        }
    }

    fn tick(&mut self) {
        let mut due = Vec::new();
        let verdicts = self.judge.tick(Instant::now(), |mark, number, wish| due.push((mark, number, wish.clone())));
        for (mark, number, wish) in due {
            self.ask(mark, number, wish);
        }
        self.tell(verdicts);
    }

    fn ask(&mut self, mark: u32, number: u64, wish: Wish) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.judge.not_asked(mark, number);
        };
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let asked = tokio::time::timeout(wish.timeout, ask::ask(mark, number, &wish)).await;
            // What takes too long is judged by the clock of whoever asked.
            if let Ok(result) = asked {
                let _ = answers.send(Heard { mark, number, result });
            }
            drop(place);
        });
    }

    fn tell(&self, verdicts: Vec<(u32, Verdict)>) {
        if !verdicts.is_empty() {
            self.inbox.push(Event::Checked(verdicts));
        }
    }
}
