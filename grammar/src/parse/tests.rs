//! Shapes: lines, configurations, and the places of what is wrong with them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::prelude::*;

use super::*;

/// `a b | c; d && e` with words in brackets, to compare with.
fn shown(commands: &[Command]) -> String {
    let words = |words: &[Word]| words.iter().map(|word| format!("[{}]", word.text)).collect::<String>();
    let mut text = String::new();
    for command in commands {
        text.push_str(&words(&command.words));
        for pipe in &command.pipes {
            text.push('|');
            text.push_str(&words(pipe));
        }
        text.push_str(if command.after == Joiner::Always { ";" } else { "&&" });
    }
    text
}

#[test]
fn lines_are_split_into_commands_words_and_pipes() {
    for (text, expect) in [
        ("", ""),
        ("   ", ""),
        ("commit; save", "[commit];[save];"),
        ("commit ; save ; exit", "[commit];[save];[exit];"),
        (";;commit;;", "[commit];"),
        ("commit && save", "[commit]&&[save];"),
        ("commit&&save", "[commit]&&[save];"),
        ("show ip bgp | match 172 | count", "[show][ip][bgp]|[match][172]|[count];"),
        ("set a 'two words'", "[set][a][two words];"),
        (r#"set a "say \"hi\"""#, r#"[set][a][say "hi"];"#),
        (r#"set a "a\b\\c""#, r"[set][a][a\b\c];"),
        (r"set a 'a\b'", r"[set][a][a\b];"),
        (r"set a two\ words", "[set][a][two words];"),
        (r"set a 'it'\''s'", "[set][a][it's];"),
        ("set a ''", "[set][a][];"),
        ("set a 'a;b|c&&d#e'", "[set][a][a;b|c&&d#e];"),
        ("set a AT&T", "[set][a][AT&T];"),
        ("set a b#c # remark; nothing", "[set][a][b#c];"),
        ("# only a remark", ""),
        ("one\ntwo\r\nthree", "[one];[two];[three];"),
        ("set\ta\u{a0}b", "[set][a][b];"),
        ("clear ip bgp *", "[clear][ip][bgp][*];"),
        ("set a größe", "[set][a][größe];"),
    ] {
        assert_eq!(shown(&line(text).unwrap()), expect, "{text:?}");
    }
}

#[test]
fn a_line_that_is_wrong_is_refused_at_its_place() {
    for (text, kind, column) in [
        ("set a 'open", ParseErrorKind::UnclosedQuote('\''), 7),
        ("set ä \"open", ParseErrorKind::UnclosedQuote('"'), 7),
        ("set a \\", ParseErrorKind::StrayBackslash, 7),
        ("show |", ParseErrorKind::MissingCommand("|"), 6),
        ("| count", ParseErrorKind::MissingCommand("|"), 1),
        ("show || count", ParseErrorKind::MissingCommand("|"), 7),
        ("show | ; exit", ParseErrorKind::MissingCommand("|"), 6),
        ("commit &&", ParseErrorKind::MissingCommand("&&"), 8),
        ("&& save", ParseErrorKind::MissingCommand("&&"), 1),
        ("commit && ; save", ParseErrorKind::MissingCommand("&&"), 8),
    ] {
        let error = line(text).unwrap_err();
        assert_eq!((error.kind, error.line, error.column), (kind, 1, column), "{text:?}");
    }
}

#[test]
fn a_word_knows_its_place_and_whether_it_was_quoted() {
    let words = line("set ä 'b c'").unwrap().remove(0).words;
    let places: Vec<_> = words.iter().map(|word| (word.start, word.end, word.quoted)).collect();
    assert_eq!(places, [(0, 3, false), (4, 6, false), (7, 12, true)]);
}

/// Statements indented by their depth, to compare with.
fn tree(statements: &[Statement], depth: usize, out: &mut String) {
    for statement in statements {
        let words: Vec<_> = statement.words.iter().map(|word| format!("[{}]", word.text)).collect();
        let comment = statement.comment.as_ref().map(|text| format!(" /{text}/")).unwrap_or_default();
        out.push_str(&format!("{}{}:{}{comment}", " ".repeat(depth), statement.line, words.concat()));
        out.push_str(if statement.children.is_some() { "{\n" } else { "\n" });
        tree(statement.children.as_deref().unwrap_or_default(), depth + 1, out);
    }
}

fn read(text: &str) -> (String, Vec<(usize, usize, ParseErrorKind)>) {
    let (statements, errors) = config(text);
    let mut out = String::new();
    tree(&statements, 0, &mut out);
    (out, errors.iter().map(|error| (error.line, error.column, error.kind)).collect())
}

#[test]
fn a_configuration_is_read_with_comments_and_quotes() {
    let text = r#"interfaces {
    /* to the nodes */
    ethernet eth1 {
        address 192.168.101.1/24
        description "to the \"nodes\""
    }
    loopback lo {
    }
}
protocols { bgp 64512 { parameters { router-id 192.168.101.1; } } }
system {
    host-name 'r1'
}


/* Warning: Do not remove the following line. */
/* === vyatta-config-version: "bgp@1:system@20" === */
/* Release version: v2.0.9 */
"#;
    let expect = r#"1:[interfaces]{
 3:[ethernet][eth1]{ /to the nodes/
  4:[address][192.168.101.1/24]
  5:[description][to the "nodes"]
 7:[loopback][lo]{
10:[protocols]{
 10:[bgp][64512]{
  10:[parameters]{
   10:[router-id][192.168.101.1]
11:[system]{
 12:[host-name][r1]
"#
    .replace("[eth1]{ /to the nodes/", "[eth1] /to the nodes/{");
    assert_eq!(read(text), (expect, vec![]));
    let version = version(text).unwrap();
    assert_eq!(version.flavor, "vyatta");
    assert_eq!(version.components, "bgp@1:system@20");
    assert_eq!(version.release.as_deref(), Some("v2.0.9"));
}

#[test]
fn the_remarks_of_vyos_are_read_as_well() {
    let text = "system {\n}\n\n// Warning: Do not remove the following line.\n// vyos-config-version: \"bgp@4\"\n// Release version: 1.4.0\n";
    assert_eq!(read(text), ("1:[system]{\n".to_owned(), vec![]));
    let version = version(text).unwrap();
    assert_eq!((version.flavor.as_str(), version.components.as_str()), ("vyos", "bgp@4"));
    assert_eq!(super::version("system {\n}\n"), None);
}

#[test]
fn what_is_understood_comes_up_beside_what_is_wrong() {
    use ParseErrorKind::*;
    for (text, expect, errors) in [
        ("a b\n}\nc d\n", "1:[a][b]\n3:[c][d]\n", vec![(2, 1, UnexpectedClose)]),
        ("a {\n b c\n", "1:[a]{\n 2:[b][c]\n", vec![(1, 3, UnclosedBlock)]),
        ("a \"x\nb c\n", "2:[b][c]\n", vec![(1, 3, UnclosedQuote('"'))]),
        ("a 'x\nb c\n", "2:[b][c]\n", vec![(1, 3, UnclosedQuote('\''))]),
        ("{\n x y\n}\nb c\n", "4:[b][c]\n", vec![(1, 1, NamelessBlock)]),
        ("a b\n/* open\nc d\n", "1:[a][b]\n", vec![(2, 1, UnclosedComment)]),
        ("a { b { c d", "1:[a]{\n 1:[b]{\n  1:[c][d]\n", vec![(1, 3, UnclosedBlock), (1, 7, UnclosedBlock)]),
    ] {
        assert_eq!(read(text), (expect.to_owned(), errors), "{text:?}");
    }
}

#[test]
fn blocks_nest_only_so_deep() {
    let deep = |depth: usize| format!("{}\n{}\nafter x\n", "a {".repeat(depth), "}".repeat(depth));
    let (statements, errors) = config(&deep(64));
    assert_eq!((statements.len(), errors.len()), (2, 0));
    let (statements, errors) = config(&deep(100_000));
    assert_eq!(statements.len(), 2);
    assert_eq!(errors.iter().map(|error| error.kind).collect::<Vec<_>>(), [ParseErrorKind::TooDeep]);
}

#[test]
fn errors_are_listed_up_to_a_limit() {
    let (_, errors) = config(&"}\n".repeat(5000));
    assert_eq!(errors.len(), 1001);
    assert_eq!(errors.last().unwrap().kind, ParseErrorKind::TooManyErrors);
}

#[test]
fn long_texts_are_read_whole() {
    let lines: String = (0..10_000)
        .map(|n| format!("set protocols static route 10.{}.{}.0/24 next-hop 192.0.2.1\n", n / 256, n % 256))
        .collect();
    assert_eq!(line(&lines).unwrap().len(), 10_000);
    assert_eq!(config(&lines).0.len(), 10_000);
    let long = "x".repeat(1_000_000);
    assert_eq!(line(&long).unwrap()[0].words[0].text.len(), 1_000_000);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = line(&text);
        let _ = config(&text);
        let _ = version(&text);
    }

    #[test]
    fn any_mix_of_signs_is_read_or_refused(text in r#"[ab \\"'{};|&#/*\n\r\t]{0,60}"#) {
        let _ = line(&text);
        let (statements, errors) = config(&text);
        prop_assert!(errors.iter().all(|error| error.start <= error.end && error.end <= text.len()));
        prop_assert!(statements.iter().all(|statement| !statement.words.is_empty()));
    }

    #[test]
    fn plain_lines_are_read_as_the_grammar_reads_them(
        text in r#"([ab .,$!-]{0,4}|"a b"|'a "b'|"\\""|\{|\}|\{\n|\}\n|;|#|&&|\||/\*|\*/|/\*/|//|\\|'|"|\n|\r\n|\r|\t|é|\u{a0}|\u{feff}){0,30}"#
    ) {
        prop_assert_eq!(super::command::line(&text), super::command::by_grammar(&text));
        prop_assert_eq!(super::config::config(&text), super::config::by_grammar(&text));
    }
}
