//! The pages of `man`: written by hand, with the lists of words filled in from the tables.
//!
//! Never lists a word by hand.

use super::Page;
use crate::commands::OPERATIONAL;
use crate::commands::configuration::VERBS;
use crate::commands::pipe::PIPES;
use crate::schema::ROOT;

/// File, and text with `@…@` where a list belongs.
const TEMPLATES: &[(&str, &str)] = &[
    ("man/towpath.1", include_str!("man/towpath.1.in")),
    ("man/config.boot.5", include_str!("man/config.boot.5.in")),
    ("man/towpathd.8", include_str!("man/towpathd.8.in")),
];

pub(super) fn pages() -> Vec<Page> {
    let operational = OPERATIONAL.iter().map(|step| (step.label(), step.help.to_owned()));
    let verbs = VERBS.iter().map(|(name, help, _)| ((*name).to_owned(), (*help).to_owned()));
    let pipes = PIPES.iter().map(|(name, help, argument)| (format!("{name}{}", argument.label()), (*help).to_owned()));
    let words = ROOT.children.iter().map(|node| (node.name.to_owned(), node.help.to_owned()));
    let lists = [
        ("@OPERATIONAL@", list(operational)),
        ("@CONFIGURATION@", list(verbs)),
        ("@PIPES@", list(pipes)),
        ("@WORDS@", list(words)),
    ];
    let filled =
        |template: &str| lists.iter().fold(template.to_owned(), |text, (place, list)| text.replace(place, list));
    TEMPLATES.iter().map(|(file, text)| Page { file: (*file).to_owned(), text: filled(text) }).collect()
}

/// A list of words in bold, each with its help.
fn list(words: impl Iterator<Item = (String, String)>) -> String {
    let entries = words.map(|(word, help)| format!(".TP\n.B {}\n{}", escaped(&word), escaped(&help)));
    entries.collect::<Vec<_>>().join("\n")
}

/// A text as `man` takes it: a hyphen would become a dash, and a point at the beginning a command.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
