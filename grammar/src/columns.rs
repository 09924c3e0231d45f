//! Words and their help side by side, as lists of completions print them.
//!
//! Help begins in one column, so that a list is read downwards. Never knows what is listed.

/// Words longer than this do not push the help of all others away; theirs follows after two blanks.
const WIDEST: usize = 28;

/// The width of the first column: the longest word that has help.
pub(crate) fn width<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> usize {
    let explained = rows.filter(|(_, help)| !help.is_empty());
    explained.map(|(word, _)| word.chars().count()).filter(|length| *length <= WIDEST).max().unwrap_or(0)
}

/// One line of the list, with its newline.
pub(crate) fn row(indent: &str, word: &str, help: &str, width: usize) -> String {
    let line = format!("{indent}{word:<width$}  {help}");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[(&str, &str)]) -> String {
        let width = width(rows.iter().copied());
        rows.iter().map(|(word, help)| row("  ", word, help, width)).collect()
    }

    #[test]
    fn help_begins_in_one_column() {
        let rows = [("ip", "Version 4"), ("configuration", "What is active"), ("log", "The log")];
        assert_eq!(
            list(&rows),
            "  ip             Version 4\n  configuration  What is active\n  log            The log\n"
        );
    }

    #[test]
    fn names_without_help_and_very_long_words_push_nothing_away() {
        let rows = [
            ("<x.x.x.x>", "Neighbor"),
            ("2001:db8:1234:5678:9abc:def0:1234:5678", ""),
            ("<hostname>|<x.x.x.x>|<h:h:h:h:h:h:h:h>", "Host"),
        ];
        let expect = "  <x.x.x.x>  Neighbor\n  2001:db8:1234:5678:9abc:def0:1234:5678\n  \
                      <hostname>|<x.x.x.x>|<h:h:h:h:h:h:h:h>  Host\n";
        assert_eq!(list(&rows), expect);
    }
}
