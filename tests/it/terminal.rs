//! What a person sees at a terminal: prompts, completion, pager, ^C, a window that changes, news, a broken connection.
//!
//! The real shell against the real daemon, in a terminal of its own.

mod person;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;
use scenarios::terminal::Terminal;

/// A router with a name of its own, so that prompts are the same everywhere.
fn router(lab: &Lab) -> Result<Router> {
    Router::start_with(lab, "system {\n    host-name r1\n}\n")
}

/// More neighbors than a screen has rows.
fn long_router(lab: &Lab) -> Result<Router> {
    let neighbor = |n: u32| format!("        neighbor 192.0.2.{n} {{\n            remote-as 64513\n        }}\n");
    let neighbors: String = (1..=20).map(neighbor).collect();
    Router::start_with(
        lab,
        &format!("protocols {{\n    bgp 64512 {{\n{neighbors}    }}\n}}\nsystem {{\n    host-name r1\n}}\n"),
    )
}

#[test]
fn prompts_follow_the_mode_and_the_level() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    for line in ["configure", "edit protocols bgp 64512", "set neighbor 192.0.2.1 remote-as 64513", "exit", "show"] {
        terminal.enters(line)?;
        terminal.waits("the next prompt", |screen| screen.ends_with('#') && screen.contains(line))?;
    }
    terminal.ends_with(
        "root@r1:~$ configure
[edit]
root@r1# edit protocols bgp 64512
[edit protocols bgp 64512]
root@r1# set neighbor 192.0.2.1 remote-as 64513
[edit protocols bgp 64512]
root@r1# exit
[edit]
root@r1# show
+protocols {
+    bgp 64512 {
+        neighbor 192.0.2.1 {
+            remote-as 64513
+        }
+    }
+}
 system {
     host-name r1
 }
[edit]
root@r1#",
    )?;
    terminal.enters("exit")?;
    terminal.sees("Cannot exit: configuration modified.")?;
    terminal.enters("exit discard")?;
    terminal.ends_with("root@r1# exit discard\nroot@r1:~$")?;
    terminal.presses(&["C-d"])?;
    lab.wait_until(std::time::Duration::from_secs(10), "^D leaves", || terminal.is_closed())
}

#[test]
fn tab_completes_once_and_lists_twice() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.ends_with("root@r1#")?;
    terminal.types("set pro")?;
    terminal.presses(&["Tab"])?;
    terminal.ends_with("root@r1# set protocols")?;
    terminal.types("bg")?;
    terminal.presses(&["Tab"])?;
    terminal.ends_with("root@r1# set protocols bgp")?;
    terminal.types("64512 neighbor 192.0.2.1 remote-as ")?;
    terminal.presses(&["Tab", "Tab"])?;
    terminal.ends_with(
        "[edit]
root@r1# set protocols bgp 64512 neighbor 192.0.2.1 remote-as
Possible completions:
     <1-4294967294>  AS of the neighbor
     external        Any AS but the local one
     internal        The local AS

[edit]
root@r1# set protocols bgp 64512 neighbor 192.0.2.1 remote-as",
    )?;
    terminal.types("i")?;
    terminal.presses(&["Tab", "Enter"])?;
    terminal.enters("compare commands")?;
    terminal.sees("set protocols bgp 64512 neighbor 192.0.2.1 remote-as 'internal'\n[edit]")
}

#[test]
fn a_question_mark_lists_within_words_and_is_a_letter_within_a_text() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.ends_with("root@r1#")?;
    terminal.types("commit?")?;
    terminal.ends_with(
        "root@r1# commit
Possible completions:
     commit          Make the changes active
     commit-confirm  Make the changes active until they are confirmed

[edit]
root@r1# commit",
    )?;
    terminal.presses(&["C-u"])?;
    terminal.types("set protocols bgp 64512 neighbor 192.0.2.1 description \"?")?;
    terminal.waits("the kind of the value", |screen| {
        screen.contains("     <text>  ") && screen.ends_with("192.0.2.1 description \"")
    })?;
    terminal.types("why?\"")?;
    terminal.presses(&["Enter"])?;
    terminal.enters("compare commands")?;
    terminal.sees("set protocols bgp 64512 neighbor 192.0.2.1 description 'why?'")
}

#[test]
fn a_long_text_is_paged_by_the_height_of_the_window_unless_it_must_not_be() -> Result<()> {
    let lab = Lab::new()?;
    let router = long_router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    let first = "protocols {";
    terminal.enters("show configuration")?;
    terminal.waits("a page", |screen| screen.contains(first) && screen.ends_with(':'))?;
    terminal.presses(&["q"])?;
    terminal.ends_with("root@r1:~$")?;
    terminal.enters("show configuration | no-more")?;
    terminal.waits("the end", |screen| screen.ends_with("host-name r1\n}\nroot@r1:~$"))?;
    terminal.enters("show configuration | match remote-as | count")?;
    terminal.ends_with("20\nroot@r1:~$")?;
    terminal.resizes(100, 90)?;
    terminal.enters("show configuration")?;
    terminal.waits("all of it at once", |screen| {
        screen.ends_with("host-name r1\n}\nroot@r1:~$") && screen.matches("show configuration\n").count() >= 1
    })?;
    Ok(())
}

#[test]
fn control_c_stops_the_running_command_only_and_control_z_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.enters("set protocols bgp 64512")?;
    terminal.enters("run ping 127.0.0.1")?;
    terminal.sees("icmp_seq=2")?;
    terminal.presses(&["C-z"])?;
    terminal.sees("icmp_seq=3")?;
    terminal.presses(&["C-c"])?;
    terminal.sees("packets transmitted")?;
    terminal.ends_with("[edit]\nroot@r1#")?;
    terminal.types("set system nonsense")?;
    terminal.presses(&["C-z", "C-c"])?;
    terminal.ends_with("root@r1# set system nonsense\n[edit]\nroot@r1#")?;
    terminal.enters("compare")?;
    terminal.ends_with("+protocols {\n+    bgp 64512 {\n+    }\n+}\n[edit]\nroot@r1#")
}

#[test]
fn a_window_that_changes_its_size_keeps_the_line() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.ends_with("root@r1#")?;
    terminal.types("set protocols bgp 64512 neighbor 192.0.2.1 description ")?;
    terminal.resizes(40, 20)?;
    terminal.types("'to the second rack'")?;
    terminal.resizes(120, 30)?;
    terminal.presses(&["Enter"])?;
    terminal.enters("compare commands")?;
    terminal.sees("set protocols bgp 64512 neighbor 192.0.2.1 description 'to the second rack'\n[edit]\nroot@r1#")
}
