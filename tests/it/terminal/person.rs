//! Several people and several terminals: news, questions, what is remembered, what is not lost.

use std::time::Duration;

use super::*;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_commit_by_another_is_told_while_a_line_is_typed() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.enters("set protocols bgp 64512 parameters router-id 192.0.2.1")?;
    terminal.types("set protocols bgp 64512 nei")?;
    terminal.ends_with("64512 nei")?;
    router.configure(&["set interfaces ethernet eth1 description uplink"])?;
    terminal.sees("Active configuration has been changed by user 'root' on 'cli'.")?;
    terminal.ends_with("[edit]\nroot@r1# set protocols bgp 64512 nei")?;
    terminal.types("ghbor 192.0.2.9 remote-as 64513")?;
    terminal.presses(&["Enter"])?;
    terminal.enters("commit")?;
    terminal.enters("show interfaces")?;
    terminal.sees(" description uplink")?;
    assert!(router.show("show configuration commands")?.contains("neighbor 192.0.2.9 remote-as '64513'"));
    Ok(())
}

#[test]
fn changes_outlive_a_broken_connection_and_are_offered_on_what_is_active_then() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.enters("edit protocols bgp 64512")?;
    terminal.enters("set neighbor 192.0.2.1 remote-as 64513")?;
    terminal.ends_with("[edit protocols bgp 64512]\nroot@r1#")?;
    terminal.hangs_up()?;
    router.configure(&["set interfaces ethernet eth1 description uplink"])?;

    let terminal = Terminal::open(&router, "two")?;
    terminal.enters("configure")?;
    terminal.sees("Uncommitted changes of a lost session (")?;
    terminal.sees("[edit protocols bgp 64512]\nroot@r1#")?;
    terminal.enters("top; compare commands")?;
    terminal.sees("set protocols bgp 64512 neighbor 192.0.2.1 remote-as '64513'")?;
    terminal.enters("commit && exit")?;
    terminal.sees("Warning: configuration changes have not been saved.")?;
    let text = router.show("show configuration commands")?;
    assert!(text.contains("neighbor 192.0.2.1") && text.contains("uplink"), "{text}");
    terminal.enters("configure")?;
    terminal.enters("compare")?;
    terminal.sees("No changes between working and active configurations")
}

#[test]
fn a_shell_that_is_told_to_end_keeps_the_changes_for_itself_alone() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.enters("set protocols bgp 64512")?;
    terminal.ends_with("[edit]\nroot@r1#")?;
    router.host().run("kill", &["-HUP", &terminal.shell()?])?.success()?;
    lab.wait_until(SOON, "the shell has ended", || terminal.is_closed())?;
    let modes = router.host().run("find", &[&router.path("state-of-person"), "-name", "lost-*", "-printf", "%m\n"])?;
    assert_eq!(modes.success()?, "600\n");

    let terminal = Terminal::open(&router, "two")?;
    terminal.enters("configure")?;
    terminal.sees("are loaded")?;
    terminal.enters("discard")?;
    terminal.ends_with("Changes have been discarded\n[edit]\nroot@r1#")?;
    let left = router.host().run("find", &[&router.path("state-of-person"), "-name", "lost-*"])?;
    assert_eq!(left.success()?, "");
    Ok(())
}

#[test]
fn a_commit_that_has_to_be_confirmed_asks_first() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("configure")?;
    terminal.enters("set protocols bgp 64512")?;
    terminal.enters("commit-confirm 5")?;
    terminal.sees("in 5 minutes unless changes are confirmed.\nProceed? [confirm]")?;
    terminal.enters("n")?;
    terminal.ends_with("commit-confirm canceled\n[edit]\nroot@r1#")?;
    terminal.enters("commit-confirm 5")?;
    terminal.ends_with("Proceed? [confirm]")?;
    terminal.presses(&["C-c"])?;
    terminal.waits("a second refusal", |screen| screen.matches("commit-confirm canceled").count() == 2)?;
    terminal.enters("commit-confirm 5")?;
    terminal.ends_with("Proceed? [confirm]")?;
    terminal.presses(&["Enter"])?;
    terminal.ends_with("Initialized commit-confirm; 5 minutes to confirm before reload\n[edit]\nroot@r1#")?;
    let other = Terminal::open(&router, "two")?;
    other.sees("waits for 'confirm'")?;
    terminal.enters("confirm")?;
    terminal.ends_with("Reload timer stopped\n[edit]\nroot@r1#")?;
    other.sees("was confirmed by user 'root' and stays.")
}

#[test]
fn colours_are_for_terminals_and_no_color_switches_them_off() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    for (name, before, coloured) in [("one", "env", true), ("two", "env NO_COLOR=1", false)] {
        let terminal = Terminal::open_with(&router, name, before)?;
        terminal.enters("configure")?;
        terminal.enters("set protocols bgp 64512")?;
        terminal.enters("compare; nonsense")?;
        terminal.sees("+protocols {")?;
        terminal.sees("Invalid command: [nonsense]")?;
        let screen = terminal.coloured()?;
        for (text, colour) in [("+protocols {", "\x1b[32m"), ("Invalid command", "\x1b[31m")] {
            let row = screen.lines().find(|row| row.contains(text)).expect("the row was seen");
            assert_eq!(row.contains(colour), coloured, "{screen:?}");
        }
    }
    let script = router.script("configure\nset protocols bgp 64512\ncompare\nexit discard\n")?;
    assert!(!script.text().contains('\x1b'), "{script:?}");
    Ok(())
}

#[test]
fn lines_are_remembered_across_sessions_and_secrets_are_not() -> Result<()> {
    let lab = Lab::new()?;
    let router = router(&lab)?;
    let one = Terminal::open(&router, "one")?;
    let two = Terminal::open(&router, "two")?;
    one.enters("show version")?;
    one.sees("Version:")?;
    two.enters("show interfaces")?;
    two.sees("Codes:")?;
    one.enters("configure; set protocols bgp 64512 neighbor 192.0.2.1 password topsecret")?;
    one.ends_with("[edit]\nroot@r1#")?;
    let history = std::fs::read_to_string(router.path("state-of-person/towpath/history"))?;
    assert!(history.contains("show version") && history.contains("show interfaces"), "{history}");
    assert!(!history.contains("topsecret"), "{history}");
    let later = Terminal::open(&router, "three")?;
    later.presses(&["Up", "Up"])?;
    later.ends_with("root@r1:~$ show version")
}

#[test]
fn a_page_is_as_long_as_the_person_said_and_the_terminal_keeps_its_height() -> Result<()> {
    let lab = Lab::new()?;
    let configuration = "system {\n    host-name r1\n    name-server 192.0.2.1\n    name-server 192.0.2.2\n}\n";
    let router = Router::start_with(&lab, configuration)?;
    let terminal = Terminal::open(&router, "one")?;
    terminal.enters("terminal length 4")?;
    terminal.enters("show configuration")?;
    terminal.waits("a page that ends early", |screen| {
        screen.ends_with("\n:") && screen.contains("system {") && !screen.contains("192.0.2.2")
    })?;
    terminal.presses(&["q"])?;
    terminal.ends_with("root@r1:~$")?;
    terminal.enters("terminal length 30")?;
    terminal.enters("show configuration")?;
    terminal.ends_with("    name-server 192.0.2.2\n}\nroot@r1:~$")
}
