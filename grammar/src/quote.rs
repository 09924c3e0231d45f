//! Quoting: how a value is written so that it reads back as itself.
//!
//! Both spellings read back in a file and on a typed line. Line ends cannot be quoted: no value holds one.

/// As in a configuration file: bare where possible, else in double quotes with `"` and `\` escaped.
#[must_use]
pub fn quote(text: &str) -> String {
    if !text.is_empty() && !needs_quotes(text) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// As in the `set` form: always in single quotes, and a single quote itself as `'\''`.
#[must_use]
pub fn quote_single(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn needs_quotes(text: &str) -> bool {
    // Nearly every word: an address, a number, a name.
    if text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".:/-_".contains(&octet)) && !text.starts_with("//") {
        return false;
    }
    // A byte order mark would be skipped as a blank, like the two that white space already covers.
    let special = |c: char| c.is_whitespace() || c.is_control() || "*{};\"'\\|&#\u{FEFF}".contains(c);
    text.starts_with("//") || text.chars().any(special)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use proptest::prelude::*;

    use super::*;
    use crate::parse;

    #[test]
    fn values_are_bare_unless_something_in_them_is_special() {
        for (text, expect) in [
            ("eth0", "eth0"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("$6$ab", "$6$ab"),
            ("http://x/y", "http://x/y"),
            ("", r#""""#),
            ("two words", r#""two words""#),
            ("a;b", r#""a;b""#),
            ("*", r#""*""#),
            ("{}", r#""{}""#),
            (r"a\b", r#""a\\b""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            ("//x", r#""//x""#),
        ] {
            assert_eq!(quote(text), expect);
        }
        assert_eq!(quote_single("it's"), r"'it'\''s'");
        assert_eq!(quote_single(""), "''");
    }

    proptest! {
        #[test]
        fn a_quoted_value_reads_back_on_a_line_and_in_a_file(text in r"[^\n\r]{0,20}") {
            for quoted in [quote(&text), quote_single(&text)] {
                let commands = parse::line(&format!("set {quoted}")).unwrap();
                prop_assert_eq!(&commands[0].words[1].text, &text);
            }
            let (statements, errors) = parse::config(&format!("key {}\n", quote(&text)));
            prop_assert!(errors.is_empty());
            prop_assert_eq!(&statements[0].words[1].text, &text);
        }

        #[test]
        fn special_characters_read_back(text in r#"[ab \\"'*{};|&#/$]{0,12}"#) {
            for quoted in [quote(&text), quote_single(&text)] {
                let commands = parse::line(&format!("set {quoted}")).unwrap();
                prop_assert_eq!(commands.len(), 1);
                prop_assert_eq!(&commands[0].words[1].text, &text);
            }
            let (statements, errors) = parse::config(&format!("key {}\n", quote(&text)));
            prop_assert!(errors.is_empty());
            prop_assert_eq!(&statements[0].words[1].text, &text);
        }
    }
}
