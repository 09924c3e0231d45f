//! The manual: a page for each part of the configuration and each kind of command, written from the tables.
//!
//! Never says what the tables do not say, so it cannot be out of date; what people need besides is in the guide.

mod commands;
mod configuration;
mod man;
#[cfg(test)]
mod tests;

/// A page of the manual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its file, below the folder of the manual.
    pub file: String,
    /// The whole page: Markdown, or the language of `man`.
    pub text: String,
}

/// Every page that is written from the tables, the index first.
#[must_use]
pub fn pages() -> Vec<Page> {
    let configuration = configuration::pages();
    let commands = commands::pages();
    let index = Page { file: "reference.md".to_owned(), text: index(&configuration, &commands) };
    std::iter::once(index).chain(configuration).chain(commands).chain(man::pages()).collect()
}

/// What the pages are called and about: the heading of each, linked, and its first sentence.
fn index(configuration: &[Page], commands: &[Page]) -> String {
    let listed = |pages: &[Page]| -> String {
        let lines = pages.iter().map(|page| {
            let mut lines = page.text.lines().filter(|line| !line.is_empty());
            let title = lines.next().unwrap_or_default().trim_start_matches(['#', ' ']).to_owned();
            format!("- [{title}]({}): {}\n", page.file, lines.next().unwrap_or_default())
        });
        lines.collect()
    };
    format!(
        "# Reference\n\nEvery word, with what it takes, its default and an example. In the shell, `?` says the same. \
         [The guide](guide.md) is for those who come from EdgeOS or VyOS, [the keys of JSON](json.md) for \
         scripts.\n\n## Configuration\n\n{}\n## Commands\n\n{}",
        listed(configuration),
        listed(commands)
    )
}
