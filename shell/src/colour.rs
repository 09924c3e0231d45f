//! Colours, for people at terminals only.
//!
//! `NO_COLOR` and a terminal that knows none switch them off. Never changes a letter of a text.

/// Whether texts are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colours {
    on: bool,
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";

impl Colours {
    /// As a terminal, `NO_COLOR` and `TERM` have it: <https://no-color.org>.
    #[must_use]
    pub(crate) fn of(terminal: bool, no_color: Option<&str>, term: Option<&str>) -> Self {
        let unwanted = no_color.is_some_and(|value| !value.is_empty());
        Self { on: terminal && !unwanted && !matches!(term, None | Some("" | "dumb")) }
    }

    /// A configuration, each line as its first column says.
    #[must_use]
    pub(crate) fn marked(self, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        let line = |line: &str| match line.chars().next() {
            Some('+') => paint(GREEN, line),
            Some('-') => paint(RED, line),
            Some('>') => paint(YELLOW, line),
            Some('[') => paint(BOLD, line),
            _ => line.to_owned(),
        };
        text.split_inclusive('\n').map(|whole| line(whole.trim_end_matches('\n')) + newline(whole)).collect()
    }

    /// What went wrong; a warning is no error.
    #[must_use]
    pub(crate) fn complaint(self, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        text.split_inclusive('\n').map(|whole| paint(RED, whole.trim_end_matches('\n')) + newline(whole)).collect()
    }

    /// What stands before the cursor: the last line is the prompt itself.
    #[must_use]
    pub(crate) fn prompt(self, prompt: &str) -> String {
        let start = prompt.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let (above, last) = prompt.split_at(start);
        // The signs at the end stay plain: programs that drive the shell wait for them.
        let end = last.find([':', '#', '>']).unwrap_or(last.len());
        let (name, signs) = last.split_at(end);
        if self.on { format!("{above}{}{signs}", paint(BOLD, name)) } else { prompt.to_owned() }
    }
}

fn newline(line: &str) -> &'static str {
    if line.ends_with('\n') { "\n" } else { "" }
}

fn paint(colour: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\x1b[{colour}m{text}\x1b[0m") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_can_be_switched_off() {
        for (terminal, no_color, term, on) in [
            (true, None, Some("xterm"), true),
            (true, Some(""), Some("xterm"), true),
            (true, Some("1"), Some("xterm"), false),
            (false, None, Some("xterm"), false),
            (true, None, Some("dumb"), false),
            (true, None, None, false),
        ] {
            assert_eq!(Colours::of(terminal, no_color, term), Colours { on }, "{terminal} {no_color:?} {term:?}");
        }
    }

    #[test]
    fn lines_are_coloured_by_their_first_column_and_keep_their_letters() {
        let text = "[edit system]\n>host-name r1\n+time-zone x\n-a\n b\n";
        let coloured = Colours { on: true }.marked(text);
        assert!(coloured.contains("\x1b[33m>host-name r1\x1b[0m\n\x1b[32m+time-zone x\x1b[0m\n"), "{coloured}");
        let mut plain = coloured;
        for sign in ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
            plain = plain.replace(sign, "");
        }
        assert_eq!(plain, text);
        assert_eq!(Colours { on: false }.marked(text), text);
        assert_eq!(Colours { on: false }.complaint("Set failed\n"), "Set failed\n");
        assert_eq!(Colours { on: true }.prompt("[edit]\na@r# "), "[edit]\n\x1b[1ma@r\x1b[0m# ");
        assert_eq!(Colours { on: true }.prompt("a@r# "), "\x1b[1ma@r\x1b[0m# ");
    }
}
