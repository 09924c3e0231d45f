//! The client against a socket that answers, breaks or is not there.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;

use api::{Answer, Which};

use super::*;

/// A folder of its own for each test.
fn socket(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("towpath-client-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("socket")
}

/// Accepts as many connections as there are numbers, answers so many calls on each, then closes it.
/// Answers the requests that it got.
fn serve(path: &Path, answers: &'static [usize]) -> JoinHandle<Vec<Request>> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let mut seen = Vec::new();
        for &count in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            for turn in 0.. {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 {
                    break;
                }
                let call = codec::decode_call(line.as_bytes()).unwrap();
                seen.push(call.request.clone());
                if turn == count {
                    break;
                }
                let answer = Answer { id: call.id, reply: Reply::Done(format!("{turn}")) };
                reader.get_mut().write_all(codec::encode_answer(&answer).unwrap().as_bytes()).unwrap();
            }
        }
        seen
    })
}

fn hello() -> Request {
    Request::Hello { user: "alice".to_owned(), via: "cli".to_owned(), tty: None }
}

#[test]
fn a_daemon_that_is_not_there_is_told_with_what_to_do() {
    let complaint =
        Client::new(Path::new("/nonexistent/towpathd.sock"), Interrupt::default()).call(hello()).unwrap_err();
    assert!(complaint.contains("/nonexistent/towpathd.sock") && complaint.contains("systemctl start"), "{complaint}");
}

#[test]
fn after_a_restart_the_client_introduces_itself_and_asks_again() {
    let path = socket("restart");
    let server = serve(&path, &[1, 2]);
    let mut client = Client::new(&path, Interrupt::default());
    client.call(hello()).unwrap();
    let question = Request::Configuration(Which::Active);
    assert_eq!(client.call(question.clone()).unwrap(), Reply::Done("1".to_owned()));
    drop(client);
    assert_eq!(server.join().unwrap(), [hello(), question.clone(), hello(), question]);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn a_change_is_never_asked_twice() {
    let path = socket("once");
    let server = serve(&path, &[1]);
    let mut client = Client::new(&path, Interrupt::default());
    client.call(hello()).unwrap();
    let save = Request::Save { named: false };
    let complaint = client.call(save.clone()).unwrap_err();
    assert!(complaint.contains("Whether it was done is not known"), "{complaint}");
    assert_eq!(server.join().unwrap(), [hello(), save]);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}
