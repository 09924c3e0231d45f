//! Sessions as tables: lines as a person types them, and what they read.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

mod completing;
mod lost;
mod meanwhile;
mod pipes;
mod texts;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use api::reply::{Committed, Configuration, Hello, Plan, RefusalReason};
use api::view::system::{LogEntry, LogLevel};
use api::{ApiError, NameKind, News, PendingConfirm, Problem, Refusal, View, Watch};
use config::edit::Candidate;
use config::print;
use grammar::complete::Name;

use super::*;
use crate::command::Program;
use crate::interpreter::{self, OnFailure};
use crate::output::Paging;
use crate::script;
use crate::url::Url;
use crate::world::{Machine, Screen};

const BOOT_FILE: &str = "/config/config.boot";

/// A daemon that commits whatever it is sent, unless told to refuse.
#[derive(Default)]
struct Fake {
    active: Tree,
    saved: Tree,
    revision: u64,
    refuse: Option<Refusal>,
    warn: Vec<Problem>,
    files: BTreeMap<String, String>,
    programs: Vec<String>,
    comments: Vec<Option<String>>,
    forgotten: bool,
    questions: Vec<String>,
    stubborn: bool,
    lost: Option<(u64, Unfinished)>,
    revisions: Vec<Tree>,
    pending: Option<PendingConfirm>,
    operator: bool,
    /// Where the former file is kept at the next `save`.
    former: Option<String>,
    /// How often the active configuration was fetched.
    fetched: usize,
    /// What a monitor has printed, and for how long it goes on.
    told: String,
    seconds: u32,
    bytes: u64,
}

impl Fake {
    fn host_name(&self) -> String {
        self.active.value(&words("system host-name")).unwrap_or("router").to_owned()
    }

    fn configuration(&self, tree: &Tree) -> Reply {
        Reply::Configuration(Configuration {
            revision: Revision(self.revision),
            text: print::file(tree),
            unsaved: self.active != self.saved,
        })
    }

    fn commit(&mut self, candidate: &Candidate) -> Reply {
        if let Some(refusal) = self.refuse.take() {
            return Reply::Refused(refusal);
        }
        if std::mem::take(&mut self.forgotten) {
            return Reply::Error(ApiError::new("unknown-revision", "not kept any more"));
        }
        assert_eq!(candidate.base, Revision(self.revision), "the base is the revision that was fetched last");
        self.active = candidate.apply(&self.active).unwrap();
        config::secret::seal(&mut self.active, |_| "$6$salt$hash".to_owned());
        self.revision += 1;
        Reply::Committed(Committed {
            revision: Revision(self.revision),
            warnings: self.warn.clone(),
            elapsed_ms: 3,
            host_name: self.host_name(),
            unsaved: self.active != self.saved,
            confirm: None,
        })
    }
}

impl Daemon for Fake {
    fn call(&mut self, request: Request) -> Result<Reply, String> {
        Ok(match request {
            Request::Hello { .. } => Reply::Hello(Hello {
                version: "0.1.0".to_owned(),
                host_name: self.host_name(),
                revision: Revision(self.revision),
                unsaved: self.active != self.saved,
                notices: Vec::new(),
                boot_file: BOOT_FILE.to_owned(),
                level: if self.operator { Level::Operator } else { Level::Admin },
                confirm: self.pending.clone(),
            }),
            Request::Configuration(Which::Active) => {
                self.fetched += 1;
                self.configuration(&self.active)
            }
            Request::Configuration(Which::Saved) => self.configuration(&self.saved),
            Request::Check { candidate } => match self.refuse.take() {
                Some(refusal) => Reply::Refused(refusal),
                None => Reply::Checked(Plan {
                    steps: candidate.edits.iter().map(|edit| edit.path().join(" ")).collect(),
                    ..Plan::default()
                }),
            },
            Request::Commit { confirm: Some(_), .. } if self.pending.is_some() => {
                Reply::Error(ApiError::new("confirm-pending", "one waits"))
            }
            Request::Commit { candidate, comment, confirm } => {
                self.comments.push(comment);
                if confirm.is_some() {
                    self.pending =
                        Some(PendingConfirm { revision: Revision(9), user: "alice".to_owned(), until: 1_609_935_533 });
                }
                self.commit(&candidate)
            }
            Request::Confirm => match self.pending.take() {
                Some(_) => Reply::Done(String::new()),
                None => Reply::Error(ApiError::new("no-confirm-pending", "none waits")),
            },
            Request::Revision(revision) => {
                let at = usize::try_from(revision.0).unwrap();
                self.configuration(&self.revisions[at])
            }
            Request::Save { .. } if self.pending.is_some() => {
                Reply::Error(ApiError::new("confirm-pending", "Cannot save").hint("'confirm' first"))
            }
            Request::Save { .. } => {
                self.saved = self.active.clone();
                Reply::Saved { path: BOOT_FILE.to_owned(), former: self.former.take() }
            }
            Request::Revisions => {
                let number = |index: u64| match self.revisions.len() {
                    0 => self.revision,
                    kept => u64::try_from(kept).unwrap() - 1 - index,
                };
                let line = |index: u64| serde_json::json!({"index": index, "revision": number(index), "time": 0, "user": "bob", "via": "cli"});
                let lines = 0..u64::try_from(self.revisions.len().max(1)).unwrap();
                let view = serde_json::json!({"revisions": lines.map(line).collect::<Vec<_>>()});
                Reply::View(View::Revisions(serde_json::from_value(view).unwrap()))
            }
            Request::Show(api::Show::InterfaceCounters { .. }) => {
                self.bytes += 5000;
                let received = serde_json::json!({"bytes": self.bytes, "packets": self.bytes / 100});
                let row = serde_json::json!({"name": "eth0", "counters": {"received": received, "sent": {}}});
                let view = serde_json::json!({"interfaces": [row, {"name": "eth1"}]});
                Reply::View(View::InterfaceCounters(serde_json::from_value(view).unwrap()))
            }
            Request::Show(_) => Reply::View(View::Interfaces(serde_json::from_str(INTERFACES).unwrap())),
            other => Reply::Error(ApiError::new("not-here", format!("{other:?}"))),
        })
    }
}

impl Machine for Fake {
    fn read_file(&mut self, path: &str) -> Result<String, String> {
        self.files.get(path).cloned().ok_or_else(|| format!("Cannot read '{path}': no such file"))
    }

    fn read_octets(&mut self, path: &str, _: u64) -> Result<Vec<u8>, String> {
        self.read_file(path).map(String::into_bytes)
    }

    fn absolute(&mut self, path: &str) -> Result<String, String> {
        Ok(if path.starts_with('/') { path.to_owned() } else { format!("/srv/alice/{path}") })
    }

    fn execute(&mut self, program: &Program) -> Result<bool, String> {
        self.programs.push(format!("{} {}", program.name, program.arguments.join(" ")));
        Ok(true)
    }

    fn told_by(&mut self, program: &Program) -> Result<String, String> {
        self.execute(program)?;
        Ok(if program.arguments.iter().any(|word| word == "json") { "{}\n" } else { "an image\n" }.to_owned())
    }

    fn write_file(&mut self, path: &str, text: &str) -> Result<(), String> {
        if path.starts_with("/full") {
            return Err(format!("Cannot write '{path}': no space left on device"));
        }
        self.files.insert(path.to_owned(), text.to_owned());
        Ok(())
    }

    fn download(&mut self, from: &Url) -> Result<String, String> {
        self.read_file(&from.shown())
    }

    fn upload(&mut self, text: &str, to: &Url) -> Result<(), String> {
        self.write_file(&to.shown(), text)
    }

    fn names(&mut self, _: NameKind, _: &str) -> Vec<Name> {
        Vec::new()
    }

    fn agrees(&mut self, question: &str) -> bool {
        self.questions.push(question.to_owned());
        !self.stubborn
    }

    fn history(&mut self) -> Vec<String> {
        ["show version", "configure", "show history"].map(str::to_owned).to_vec()
    }

    fn watch(&mut self, watch: Watch, words: &dyn Fn(&News) -> String) -> Result<(), String> {
        let entry = LogEntry { time: 1, level: LogLevel::Info, text: format!("{watch:?}") };
        self.told.push_str(&words(&News::Log(entry)));
        Ok(())
    }

    fn record(
        &mut self,
        watch: Watch,
        file: &str,
        head: &[u8],
        _octets: &dyn Fn(&News) -> Vec<u8>,
    ) -> Result<(), String> {
        self.told.push_str(&format!("{watch:?} into {file}, {} octets first", head.len()));
        Ok(())
    }

    fn tell(&mut self, text: &str) -> ControlFlow<()> {
        self.told.push_str(text);
        ControlFlow::Continue(())
    }

    fn is_drawn(&self) -> bool {
        false
    }

    fn rest(&mut self) -> Option<Duration> {
        self.seconds = self.seconds.checked_sub(1)?;
        Some(Duration::from_secs(2))
    }

    fn take_lost(&mut self, _: &str) -> Option<(u64, Unfinished)> {
        self.lost.take()
    }
}

const INTERFACES: &str = r#"{"interfaces":[
    {"name":"eth0","addresses":["192.0.2.1/24"],"adminUp":true,"carrier":true,"mtu":1500},
    {"name":"lo","addresses":["127.0.0.1/8"],"adminUp":true,"carrier":true,"mtu":65536}]}"#;

/// What was printed, complaints marked with `!`.
#[derive(Default)]
struct Transcript(String);

impl Screen for Transcript {
    fn show(&mut self, text: &str, _: Paging) {
        self.0.push_str(text);
    }

    fn complain(&mut self, text: &str) {
        self.0.extend(text.lines().map(|line| format!("!{line}\n")));
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Types lines into a new session, as a person does; answers what the last one printed, and the world.
fn typed_into(mut world: Fake, lines: &[&str]) -> (String, Session, Fake) {
    let (mut session, _) = Session::open("alice", None, &mut world).unwrap();
    let mut transcript = Transcript::default();
    for line in lines {
        transcript = Transcript::default();
        interpreter::run(line, &mut session, &mut world, &mut transcript, OnFailure::GoOn);
    }
    (transcript.0, session, world)
}

/// The same in configuration mode of a fresh router.
fn typed(lines: &[&str]) -> String {
    let world = Fake { files: [("/etc/motd".to_owned(), "hello there\n".to_owned())].into(), ..Fake::default() };
    typed_into(world, &[&["configure"], lines].concat()).0
}

fn refusal(path: &str, message: &str) -> Refusal {
    let problems = vec![Problem { path: words(path), message: message.to_owned() }];
    Refusal { reason: RefusalReason::Invalid, problems }
}

#[test]
fn commands_print_the_texts_that_scripts_know() {
    for (lines, expect) in [
        (&["set system host-name r1"][..], ""),
        (
            &["set system host-name r1", "set system host-name r1"],
            "Configuration path: [system host-name r1] already exists\n",
        ),
        (&["delete system host-name"], "Nothing to delete (the specified node does not exist)\n"),
        (&["discard"], "No changes have been discarded\n"),
        (&["set system host-name r1", "discard"], "Changes have been discarded\n"),
        (&["commit"], "No configuration changes to commit\n"),
        (&["set system host-name r1", "delete system host-name", "commit"], "No configuration changes to commit\n"),
        (&["compare"], "No changes between working and active configurations\n"),
        (&["compare saved"], "No changes between working and saved configurations\n"),
        (&["up"], "Already at the top level\n"),
        (&["top"], ""),
        (&["exit"], ""),
        (
            &["set system host-name r1", "exit"],
            "!Cannot exit: configuration modified.\n!Use 'exit discard' to discard the changes and exit.\n",
        ),
        (&["set system host-name r1", "exit discard"], ""),
        (&["set system host-name r1", "commit", "exit"], "Warning: configuration changes have not been saved.\n"),
        (&["set system host-name r1", "commit", "save", "exit"], ""),
        (&["save"], "Saving configuration to '/config/config.boot'...\nDone\n"),
        (&["save x.boot"], "Saving configuration to '/srv/alice/x.boot'...\nDone\n"),
        (&["save /tmp/x"], "Saving configuration to '/tmp/x'...\nDone\n"),
        (
            &["set system host-name r1", "save"],
            "Warning: you have uncommitted changes that will not be saved.\n\nSaving configuration to '/config/config.boot'...\nDone\n",
        ),
        (&["save /full/x"], "!Cannot write '/full/x': no space left on device\n!Save failed\n"),
        (
            &["set system host-name r1", "load"],
            "!Cannot load: configuration modified.\n!Commit or discard the changes before loading a config file.\n",
        ),
        (
            &["load"],
            "Loading configuration from '/config/config.boot'...\nLoad complete. No configuration changes to commit\n",
        ),
        (
            &["load /etc/motd"],
            "!Warning: line 1: Configuration path: [hello] is not valid: hello there\n!Cannot load '/etc/motd': nothing in it was understood\n",
        ),
        (&["compare abc"], "!Invalid command: compare [abc]\n!Possible: commands, saved, <revision>\n"),
        (&["load /nowhere"], "!Cannot read '/nowhere': no such file\n"),
        (&["edit protocols bgp 64512", "show"], "+neighbor"),
        (&["run show interfaces | count"], "5\n"),
        (&["run show interfaces loopback | match lo"], "lo           127.0.0.1/8                       u/u\n"),
    ] {
        let expect = if expect == "+neighbor" { "Configuration under specified path is empty\n" } else { expect };
        assert_eq!(typed(lines), expect, "{lines:?}");
    }
}

#[test]
fn what_fails_begins_and_ends_as_scripts_expect() {
    for (line, first, last) in [
        ("set protocols bgp 64512 foo", "!Configuration path: protocols bgp 64512 [foo] is not valid", "!Set failed"),
        ("set system host-name", "!Configuration path: [system host-name] requires a value", "!Set failed"),
        ("set protocols bgp 64512 parameters router-id abc", "!\"abc\" is not a valid value of type", "!Set failed"),
        ("delete foo", "!Configuration path: [foo] is not valid", "!Delete failed"),
        ("comment system foo 'x'", "!Configuration path: system [foo] is not valid", "!Comment failed"),
        ("edit system host-name", "!The \"edit\" command cannot be issued at the specified level", ""),
        ("foo", "!Invalid command: [foo]", ""),
        ("co", "!Ambiguous command: [co]", ""),
        ("run", "!Incomplete command: run", ""),
        (
            "show ip bgp",
            "!Configuration path: [ip] is not valid",
            "!To look at the running router, type 'run show ip bgp'",
        ),
        ("set system host-name 'x", "!a ' quote is not closed", ""),
    ] {
        let text = typed(&[line]);
        assert!(text.starts_with(first), "{line}: {text}");
        assert!(text.lines().last().unwrap_or_default().starts_with(last), "{line}: {text}");
    }
}

#[test]
fn a_second_as_is_refused_until_the_first_is_deleted() {
    let text = typed(&["set protocols bgp 64512", "set protocols bgp 64513"]);
    assert!(text.starts_with("!Cannot set value \"64513\"") && text.ends_with("!Set failed\n"), "{text}");
    let lines =
        ["set protocols bgp 64512", "commit", "delete protocols bgp 64512", "set protocols bgp 64513", "commit"];
    assert_eq!(typed(&lines), "", "both go into one commit");
}

#[test]
fn the_walk_through_is_committed_saved_and_shown() {
    let lines = [
        "configure",
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set proto bgp 64512 neigh 192.168.101.202 remote 64512",
        "commit; save",
    ];
    let (text, _, world) = typed_into(Fake::default(), &lines);
    assert_eq!(text, "Saving configuration to '/config/config.boot'...\nDone\n");
    assert_eq!(world.saved, world.active);
    assert_eq!(world.saved.children(&words("protocols bgp 64512 neighbor")), ["192.168.101.201", "192.168.101.202"]);
    let (text, ..) = typed_into(world, &["show configuration commands | match 202"]);
    assert_eq!(text, "set protocols bgp 64512 neighbor 192.168.101.202 remote-as '64512'\n");
}

#[test]
fn a_refused_commit_prints_the_problems_keeps_the_changes_and_saves_nothing_behind_and() {
    let world = Fake {
        refuse: Some(refusal("protocols bgp 64512 neighbor 192.0.2.1", "must set remote-as")),
        ..Fake::default()
    };
    let lines = ["configure", "set protocols bgp 64512 neighbor 192.0.2.1", "commit && save"];
    let (text, session, world) = typed_into(world, &lines);
    assert_eq!(text, "![ protocols bgp 64512 neighbor 192.0.2.1 ]\n!  must set remote-as\n!Commit failed\n");
    assert!(session.has_uncommitted_changes() && world.active.is_empty());
}

#[test]
fn commit_tells_warnings_and_passes_its_comment_on() {
    let warn = vec![Problem { path: words("protocols bgp 64512"), message: "nothing is exchanged".to_owned() }];
    let lines = ["configure", "set protocols bgp 64512", "commit comment 'first node'"];
    let (text, _, world) = typed_into(Fake { warn, ..Fake::default() }, &lines);
    assert_eq!(text, "[ protocols bgp 64512 ]\n  Warning: nothing is exchanged\n");
    assert_eq!(world.comments, [Some("first node".to_owned())]);
}

#[test]
fn a_save_tells_where_the_former_file_is_kept() {
    let world = Fake { former: Some("/config/config.boot.former".to_owned()), ..Fake::default() };
    let (text, ..) = typed_into(world, &["configure", "save; save"]);
    let first = "Saving configuration to '/config/config.boot'...\n";
    let kept = "The former file had parts that were left out; it is kept as '/config/config.boot.former'.\n";
    assert_eq!(text, format!("{first}{kept}Done\n{first}Done\n"));
}

#[test]
fn what_was_committed_is_fetched_again_only_where_the_daemon_changed_it() {
    for (line, fetched) in
        [("set system host-name r1", 1), ("set system login user anna authentication plaintext-password secret", 2)]
    {
        let (text, session, world) = typed_into(Fake::default(), &["configure", line, "commit"]);
        assert_eq!((text.as_str(), world.fetched), ("", fetched), "{line}");
        let (_, working) = session.editing().unwrap();
        assert_eq!((session.has_uncommitted_changes(), working), (false, &world.active), "{line}");
    }
}

#[test]
fn commit_check_shows_the_plan_and_does_nothing() {
    let (text, session, world) = typed_into(Fake::default(), &["configure", "set system host-name r1", "commit check"]);
    assert_eq!(text, "Steps of this commit:\n   1. system host-name r1\n");
    assert!(session.has_uncommitted_changes() && world.active.is_empty());
}

#[test]
fn the_prompt_follows_mode_level_and_host_name() {
    for (lines, above, prompt) in [
        (&[][..], "", "alice@router:~$ "),
        (&["configure"], "[edit]\n", "alice@router# "),
        (&["configure", "edit protocols bgp 64512"], "[edit protocols bgp 64512]\n", "alice@router# "),
        (
            &["configure", "edit protocols bgp 64512", "edit neighbor 192.0.2.1"],
            "[edit protocols bgp 64512 neighbor 192.0.2.1]\n",
            "alice@router# ",
        ),
        (
            &["configure", "edit protocols bgp 64512 neighbor 192.0.2.1", "up"],
            "[edit protocols bgp 64512]\n",
            "alice@router# ",
        ),
        (&["configure", "edit protocols bgp 64512", "up"], "[edit protocols]\n", "alice@router# "),
        (&["configure", "edit protocols bgp 64512", "exit"], "[edit]\n", "alice@router# "),
        (&["configure", "edit protocols bgp 64512", "top"], "[edit]\n", "alice@router# "),
        (&["configure", "edit protocols bgp 64512", "save"], "[edit]\n", "alice@router# "),
        (&["configure", "set system host-name r1", "commit"], "[edit]\n", "alice@r1# "),
        (&["configure", "exit"], "", "alice@router:~$ "),
    ] {
        let (_, session, _) = typed_into(Fake::default(), lines);
        assert_eq!(session.prompt(), (above.to_owned(), prompt.to_owned()), "{lines:?}");
    }
}

#[test]
fn an_operator_looks_and_does_not_configure() {
    let (text, session, _) = typed_into(Fake { operator: true, ..Fake::default() }, &["configure"]);
    assert!(text.starts_with("!Users of level operator may not configure\n"), "{text}");
    assert_eq!(session.prompt().1, "alice@router> ");
}

#[test]
fn how_long_a_page_is_stays_with_the_session() {
    let (_, mut session, _) = typed_into(Fake::default(), &[]);
    assert_eq!(session.length(), None);
    session.set_length(Some(0));
    assert_eq!(session.length(), Some(0));
}

#[test]
fn a_line_with_a_secret_is_told_from_one_without() {
    let (_, session, _) = typed_into(Fake::default(), &["configure", "edit protocols bgp 64512"]);
    for (line, secret) in [
        ("set neighbor 192.0.2.1 password topsecret", true),
        ("set neigh 192.0.2.1 passw topsecret", true),
        ("show; set neighbor 192.0.2.1 password 'a b'", true),
        ("set neighbor 192.0.2.1 password 'open", true),
        ("delete neighbor 192.0.2.1 password", false),
        ("set neighbor 192.0.2.1 description password", false),
        ("commit", false),
    ] {
        assert_eq!(session.holds_secret(line), secret, "{line}");
    }
}

#[test]
fn a_commit_that_has_to_be_confirmed_is_asked_about_and_confirmed() {
    let lines = ["configure", "set system host-name r1", "commit-confirm 5 comment 'try it'"];
    let (text, _, world) = typed_into(Fake::default(), &lines);
    assert_eq!(text, "Initialized commit-confirm; 5 minutes to confirm before reload\n");
    let question = "commit-confirm will automatically reload previous config in 5 minutes unless changes are confirmed.\n\
                    Proceed? [confirm]";
    assert_eq!(world.questions, [question]);
    assert_eq!(world.comments, [Some("try it".to_owned())]);
    let (text, _, world) = typed_into(world, &["configure", "set system host-name r2", "commit-confirm"]);
    assert_eq!(text, "!Another confirm is pending\n");
    let (text, _, world) = typed_into(world, &["configure", "confirm"]);
    assert_eq!(text, "Reload timer stopped\n");
    assert!(world.pending.is_none());
    let (text, session, world) = typed_into(
        Fake { stubborn: true, ..Fake::default() },
        &["configure", "set system host-name r1", "commit-confirm"],
    );
    assert_eq!(text, "!commit-confirm canceled\n");
    assert!(session.has_uncommitted_changes() && world.active.is_empty());
}

#[test]
fn a_revision_is_loaded_compared_and_committed() {
    let tree = |text: &str| Tree::load(text).tree;
    let old = tree("set system host-name r1\nset system time-zone Etc/UTC");
    let active = tree("set system host-name r2");
    let world = || Fake {
        active: active.clone(),
        revision: 1,
        revisions: vec![old.clone(), active.clone()],
        ..Fake::default()
    };
    let (text, ..) = typed_into(world(), &["configure", "compare 1"]);
    assert_eq!(text, "[edit system]\n>host-name r2\n-time-zone Etc/UTC\n");
    let (text, ..) = typed_into(world(), &["configure", "compare 0"]);
    assert_eq!(text, "No changes between working and revision 0 configurations\n");
    let (text, ..) = typed_into(world(), &["configure", "compare 0 1"]);
    assert_eq!(text, "[edit system]\n>host-name r1\n+time-zone Etc/UTC\n");
    let (text, ..) = typed_into(world(), &["configure", "compare 1 1"]);
    assert_eq!(text, "No changes between revisions 1 and 1\n");
    let (text, session, world) = typed_into(world(), &["configure", "rollback 1"]);
    assert_eq!(
        text,
        "Rollback diff has been applied.\nUse \"compare\" to review the changes or \"commit\" to apply them.\n"
    );
    assert_eq!(session.editing().unwrap().1, &old);
    assert_eq!(world.active, active, "nothing is active before the commit");
    let (text, _, world) = typed_into(world, &["configure", "rollback 1; commit"]);
    assert!(text.ends_with("apply them.\n"), "{text}");
    assert_eq!(world.active, old);
}

#[test]
fn files_elsewhere_are_saved_to_and_loaded_from() {
    let (text, _, world) =
        typed_into(Fake::default(), &["configure", "set system host-name r1", "commit", "save scp://bob:pw@host/x"]);
    assert_eq!(text, "Saving configuration to 'scp://bob:****@host/x'...\nDone\n");
    assert!(world.files["scp://bob:****@host/x"].contains("host-name r1"));
    assert!(world.saved.is_empty(), "the boot file is another");
    let world = Fake { files: [("http://host/y".to_owned(), "set system host-name r3".to_owned())].into(), ..world };
    let (text, session, _) = typed_into(world, &["configure", "load http://host/y"]);
    assert!(text.ends_with("Load complete. Use 'commit' to make changes effective.\n"), "{text}");
    assert_eq!(session.editing().unwrap().1.value(&words("system host-name")), Some("r3"));
    assert_eq!(typed(&["save gopher://x/y"]).lines().last(), Some("!Save failed"));
}

#[test]
fn the_person_writes_all_files_but_the_one_that_the_router_starts_with() {
    let lines = ["configure", "set system host-name r1", "commit", "save /tmp/x"];
    let (_, session, world) = typed_into(Fake::default(), &lines);
    assert_eq!(world.files["/tmp/x"], print::file(&world.active));
    assert!(world.saved.is_empty() && session.unsaved);
    let (text, session, world) = typed_into(world, &["configure", "save /config/config.boot"]);
    assert_eq!(text, "Saving configuration to '/config/config.boot'...\nDone\n");
    assert_eq!(world.files.len(), 1, "by any name that one is the daemon's");
    assert!(world.saved == world.active && !session.unsaved);

    let lines = ["configure", "set system host-name r2", "commit-confirm", "save /tmp/y"];
    let (text, _, world) = typed_into(world, &lines);
    assert_eq!(text, "Saving configuration to '/tmp/y'...\nDone\n");
    assert!(world.files["/tmp/y"].contains("host-name r2"), "what waits for 'confirm' may be kept elsewhere");
    let (text, ..) = typed_into(world, &["configure", "save"]);
    assert_eq!(text, "!Cannot save\n!'confirm' first\n!Save failed\n");
}

#[test]
fn paths_are_relative_to_the_level() {
    let lines = ["edit protocols bgp 64512", "set neighbor 192.0.2.1 remote-as 64513", "top", "compare commands"];
    let text = typed(&lines);
    assert!(text.contains("set protocols bgp 64512 neighbor 192.0.2.1 remote-as '64513'\n"), "{text}");
}

#[test]
fn files_are_loaded_and_merged_into_the_working_configuration() {
    let mut world = Fake::default();
    world.files.insert("/a".to_owned(), "system {\n    host-name r2\n    nonsense 1\n}\n".to_owned());
    world.files.insert("/b".to_owned(), "set system time-zone Etc/UTC\n".to_owned());
    let (text, session, mut world) = typed_into(world, &["configure", "load /a"]);
    assert!(text.starts_with("Loading configuration from '/a'...\nWarning: line 3:"), "{text}");
    assert!(text.ends_with("Load complete. Use 'commit' to make changes effective.\n"), "{text}");
    assert_eq!(session.editing().unwrap().1.value(&words("system host-name")), Some("r2"));
    world.active.set(&words("system host-name r1")).unwrap();
    let (text, session, _) = typed_into(world, &["configure", "merge /b"]);
    assert!(text.ends_with("Merge complete. Use 'commit' to make changes effective.\n"), "{text}");
    let tree = session.editing().unwrap().1.clone();
    assert_eq!(tree.value(&words("system host-name")), Some("r1"));
    assert_eq!(tree.value(&words("system time-zone")), Some("Etc/UTC"));
}

#[test]
fn a_file_of_a_newer_release_is_refused_and_one_of_a_relative_is_told() {
    let mut world = Fake::default();
    let newer = "system {\n    host-name r2\n}\n/* === towpath-config-version: \"99\" === */\n";
    let edgeos = "system {\n    host-name r2\n}\n/* === vyatta-config-version: \"ubnt-util@1\" === */\n/* Release version: v1.10.7 */\n";
    world.files.insert("/newer".to_owned(), newer.to_owned());
    world.files.insert("/edgeos".to_owned(), edgeos.to_owned());
    for verb in ["load", "merge"] {
        let (text, session, next) = typed_into(world, &["configure", &format!("{verb} /newer")]);
        assert!(text.starts_with(&format!("!Cannot {verb} '/newer': written by a newer towpath")), "{text}");
        assert!(!session.has_uncommitted_changes());
        let (text, session, next) = typed_into(next, &["configure", &format!("{verb} /edgeos")]);
        assert!(text.contains("The file was written by EdgeOS v1.10.7; its words are translated.\n"), "{text}");
        assert!(session.has_uncommitted_changes());
        world = next;
    }
}

#[test]
fn a_file_of_commands_that_is_merged_may_take_away_too() {
    let mut world = Fake::default();
    world.active.set(&words("system host-name r1")).unwrap();
    world.files.insert("/a".to_owned(), "delete system host-name\nset system time-zone Etc/UTC\n".to_owned());
    let (_, session, _) = typed_into(world, &["configure", "merge /a"]);
    let tree = session.editing().unwrap().1.clone();
    assert_eq!(
        (tree.value(&words("system host-name")), tree.value(&words("system time-zone"))),
        (None, Some("Etc/UTC"))
    );
}

#[test]
fn secrets_are_masked_in_operational_mode_only() {
    let lines = ["configure", "set protocols bgp 64512 neighbor 192.0.2.1 password topsecret", "commit"];
    let (_, _, world) = typed_into(Fake::default(), &lines);
    for (line, shown) in [
        ("show configuration", false),
        ("show configuration commands", false),
        ("show configuration | json", false),
        ("configure; show protocols", true),
    ] {
        let world = Fake { active: world.active.clone(), revision: world.revision, ..Fake::default() };
        let (text, ..) = typed_into(world, &[line]);
        assert_eq!(text.contains("topsecret"), shown, "{line}: {text}");
        assert!(text.contains("password"), "{line}: {text}");
    }
}

#[test]
fn the_json_form_of_a_configuration_is_a_tree() {
    let lines = [
        "set interfaces ethernet eth1 address 192.0.2.1/24",
        "set interfaces ethernet eth1 disable",
        "show interfaces | json",
    ];
    let value: serde_json::Value = serde_json::from_str(&typed(&lines)).unwrap();
    assert_eq!(value, serde_json::json!({"ethernet": {"eth1": {"address": ["192.0.2.1/24"], "disable": {}}}}));
}

#[test]
fn programs_run_with_the_words_as_they_are() {
    let (text, _, world) = typed_into(Fake::default(), &["ping 192.0.2.1 count 2; configure; run ping 192.0.2.2"]);
    assert_eq!(text, "");
    assert_eq!(world.programs, ["ping -c 2 192.0.2.1", "ping 192.0.2.2"]);
    for line in ["ping 192.0.2.1 | count", "configure; run ping 192.0.2.1 | count"] {
        let (text, _, world) = typed_into(Fake::default(), &[line]);
        assert!(text.starts_with("!This command writes to the terminal itself"), "{line}: {text}");
        assert!(world.programs.is_empty(), "{line}");
    }
}

#[test]
fn what_a_program_lists_goes_through_pipes_and_has_a_json_form() {
    for (line, shown) in [
        ("show system image", "an image\n"),
        ("show system image | count", "1\n"),
        ("show system image | json", "{}\n"),
        ("configure; run show system image | match an", "an image\n"),
    ] {
        let (text, _, world) = typed_into(Fake::default(), &[line]);
        assert_eq!((text.as_str(), world.programs.len()), (shown, 2), "{line}");
    }
}

#[test]
fn the_machine_goes_down_only_when_the_person_agrees_and_not_from_within_configuration_mode() {
    let (text, _, world) = typed_into(Fake::default(), &["reboot"]);
    assert_eq!(text, "");
    assert_eq!(
        (world.questions, world.programs),
        (vec!["Proceed with reboot?".to_owned()], vec!["shutdown -r now".to_owned()])
    );
    let (_, _, world) = typed_into(Fake { stubborn: true, ..Fake::default() }, &["poweroff"]);
    assert!(world.programs.is_empty() && world.questions == ["Proceed with poweroff?"]);
    let (_, _, world) = typed_into(Fake::default(), &["reboot now"]);
    assert_eq!(world.programs, ["shutdown -r now"]);
    for line in ["run reboot", "run poweroff now"] {
        let (text, _, world) = typed_into(Fake::default(), &["configure", line]);
        assert_eq!(text, "!Exit from configure mode before rebooting.\n", "{line}");
        assert!(world.programs.is_empty(), "{line}");
    }
}

#[test]
fn an_operator_runs_what_only_looks() {
    let operator = || Fake { operator: true, ..Fake::default() };
    for line in ["reboot", "poweroff now", "restart bgp", "set date 010212302026"] {
        let (text, _, world) = typed_into(operator(), &[line]);
        assert!(text.starts_with("!Users of level operator may not change the machine\n"), "{line}: {text}");
        assert!(world.programs.is_empty(), "{line}");
    }
    let (text, _, world) = typed_into(operator(), &["ping 192.0.2.1 count 1"]);
    assert_eq!((text.as_str(), world.programs), ("", vec!["ping -c 1 192.0.2.1".to_owned()]));
}

#[test]
fn what_happens_is_shown_until_the_person_has_seen_enough() {
    let (text, _, world) = typed_into(Fake::default(), &["monitor log"]);
    assert_eq!((text.as_str(), world.told.as_str()), ("", "1970-01-01 00:00:01 Log { least: Info }\n"));
    let (text, _, world) = typed_into(Fake::default(), &["monitor protocol bgp"]);
    assert_eq!((text.as_str(), world.told.as_str()), ("", "1970-01-01 00:00:01 Bgp\n"));
    let (text, _, world) = typed_into(Fake { seconds: 2, ..Fake::default() }, &["monitor interfaces"]);
    assert_eq!(text, "");
    let rates: Vec<&str> = world.told.lines().filter(|line| line.starts_with("eth0")).collect();
    assert_eq!(rates, ["eth0                 25          20.00k            0               0"; 2]);
    let (text, ..) = typed_into(Fake::default(), &["monitor log | count"]);
    assert!(text.starts_with("!This command writes to the terminal itself"), "{text}");
}

#[test]
fn history_is_numbered_and_cut() {
    let (text, ..) = typed_into(Fake::default(), &["show history"]);
    assert_eq!(text, "    1  show version\n    2  configure\n    3  show history\n");
    let (text, ..) = typed_into(Fake::default(), &["show history 1"]);
    assert_eq!(text, "    3  show history\n");
}

#[test]
fn interfaces_are_cut_to_what_was_asked_for() {
    let (text, ..) = typed_into(Fake::default(), &["show interfaces loopback | match '^(eth|lo)'"]);
    assert_eq!(text, "lo           127.0.0.1/8                       u/u\n");
    let (text, ..) = typed_into(Fake::default(), &["show interfaces ethernet eth0 brief | match '^(eth|lo)'"]);
    assert_eq!(text, "eth0         192.0.2.1/24                      u/u\n");
    let (text, ..) = typed_into(Fake::default(), &["show interfaces eth7 brief"]);
    assert_eq!(text, "!interface eth7 does not exist\n!'show interfaces' lists those that do\n");
    let (text, ..) = typed_into(Fake::default(), &["show interfaces bridge | count"]);
    assert_eq!(text, "3\n");
}

#[test]
fn a_word_of_the_other_mode_says_where_it_belongs() {
    let (text, ..) = typed_into(Fake::default(), &["set system host-name r1"]);
    assert!(text.starts_with("!Invalid command: set system [host-name]"), "{text}");
    assert!(text.ends_with("!This is a command of configuration mode: type 'configure' first\n"), "{text}");
    for (lines, advice) in [
        (&["edit"][..], Some("configuration mode: type 'configure'")),
        (&["delete protocols bgp 64512"], Some("configuration mode: type 'configure'")),
        (&["show foo"], None),
        (&["foo"], None),
        (&["configure", "ping 192.0.2.1"], Some("type 'run ping 192.0.2.1'")),
        (&["configure", "clear"], Some("type 'run clear'")),
        (&["configure", "configure"], Some("You are in configuration mode already")),
        (&["configure", "quit"], Some("type 'exit'")),
        (&["configure", "foo"], None),
    ] {
        let (text, ..) = typed_into(Fake::default(), lines);
        let told = text.lines().last().is_some_and(|last| last.contains(advice.unwrap_or("!Possible: ")));
        assert!(told && text.starts_with("!Invalid command: "), "{lines:?}: {text}");
    }
}

#[test]
fn leaving_the_shell_from_configuration_mode_loses_nothing() {
    let (text, session, _) = typed_into(Fake::default(), &["configure", "set system host-name r1", "run exit"]);
    assert_eq!(text, "!Leave configuration mode first: type 'exit'\n");
    assert!(session.has_uncommitted_changes() && !session.has_left());
}

#[test]
fn a_warning_says_that_it_is_one_below_its_path() {
    let path = ["protocols", "bgp", "64512"].map(str::to_owned).to_vec();
    let warn = vec![
        Problem { path, message: "nothing is exchanged".to_owned() },
        Problem { path: Vec::new(), message: "so it is".to_owned() },
    ];
    let (text, ..) = typed_into(Fake { warn, ..Fake::default() }, &["configure", "set protocols bgp 64512", "commit"]);
    assert_eq!(
        text,
        "[ protocols bgp 64512 ]
  Warning: nothing is exchanged
  Warning: so it is
"
    );
}

#[test]
fn a_script_stops_at_the_first_failure_and_names_its_line() {
    for (text, expect, well) in [
        (
            "configure\nset system host-name r1\ncommit\n\n# a remark\nexit\n",
            "Warning: configuration changes have not been saved.\n",
            true,
        ),
        (
            "configure\r\nset system foo\nset system host-name r1\n",
            "!line 2: Configuration path: system [foo] is not valid",
            false,
        ),
        ("configure\nset system host-name r1\nexit\n", "!line 3: Cannot exit: configuration modified.", false),
        (
            "configure\nset system host-name r1\n",
            "!Warning: the commands ended with uncommitted changes; these are lost.",
            true,
        ),
        ("exit\nnonsense\n", "", true),
        ("configure; nonsense; set system host-name r1\n", "!line 1: Invalid command: [nonsense]", false),
    ] {
        let mut world = Fake::default();
        let (mut session, _) = Session::open("alice", None, &mut world).unwrap();
        let mut transcript = Transcript::default();
        let ended = script::lines(text.as_bytes(), &mut session, &mut world, &mut transcript);
        assert_eq!(ended, well, "{text}");
        assert!(transcript.0.starts_with(expect), "{text}: {}", transcript.0);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_line() {
    let mut world = Fake::default();
    let (mut session, _) = Session::open("alice", None, &mut world).unwrap();
    let mut transcript = Transcript::default();
    assert!(!script::lines(&b"configure\n\xff\xfe\n"[..], &mut session, &mut world, &mut transcript));
    assert_eq!(transcript.0, "!line 2: the line is not a text in UTF-8\n");
}

#[test]
fn commands_of_the_command_line_are_one_session() {
    let mut world = Fake::default();
    let (mut session, _) = Session::open("alice", None, &mut world).unwrap();
    let mut transcript = Transcript::default();
    let given = ["configure", "set system host-name r1", "commit", "bad"].map(str::to_owned);
    assert!(!script::commands(&given, &mut session, &mut world, &mut transcript));
    assert!(transcript.0.starts_with("!command 4: Invalid command: [bad]"), "{}", transcript.0);
    assert_eq!(world.active.value(&words("system host-name")), Some("r1"));
}
