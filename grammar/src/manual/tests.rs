//! The manual holds every word.

use super::reference;

#[test]
fn the_manual_names_words_commands_and_pipes() {
    let manual = reference();
    for line in [
        "### protocols",
        "- `bgp <1-4294967294>`: Border Gateway Protocol; only one; example `64512`",
        "    - `ebgp-requires-policy disable|enable`: Whether external neighbors need a policy (RFC 8212); default `enable`; example `disable`",
        "  - `address <x.x.x.x/x>|<h:h:h:h:h:h:h:h/x>`: Address with its prefix length; repeatable; example `192.168.101.1/24`",
        "        - `why`: Why each path was chosen or not",
        "- `commit`: Make the changes active",
        "- `| match PATTERN`: Print lines that match a pattern",
    ] {
        assert!(manual.lines().any(|found| found == line), "{line}\n{manual}");
    }
}

#[test]
fn words_that_may_follow_in_many_places_are_listed_once() {
    let manual = reference();
    let soft = manual.lines().filter(|line| line.trim_start().starts_with("- `soft`")).count();
    assert_eq!(soft, 1);
    assert!(manual.contains("- `reset`: Start something afresh; goes on like `clear`\n"), "{manual}");
    assert!(
        manual.contains("- `<1-1000000>`: How many; goes on like `ping <hostname>|<x.x.x.x>|<h:h:h:h:h:h:h:h>`\n"),
        "{manual}"
    );
}
