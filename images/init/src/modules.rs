//! Which kernel modules a device asks for, and what they need first.
//!
//! Reads the lists that `depmod` makes as text. Never loads anything.

use std::collections::{BTreeMap, BTreeSet};

/// What `modules.dep`, `modules.alias` and `modules.builtin` say of a kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    /// A module's file below the folder of the kernel's modules, and the files that it needs, in the order of the list.
    files: BTreeMap<String, (String, Vec<String>)>,
    /// Patterns in the order of the list, each with its module, by the bus that they begin with; those that leave the bus
    /// open have none.
    aliases: BTreeMap<String, Vec<(String, String)>>,
    builtin: BTreeSet<String>,
}

impl Catalogue {
    /// Reads the three lists; lines that say nothing are passed over.
    pub(crate) fn read(dependencies: &str, aliases: &str, builtin: &str) -> Self {
        let files = dependencies.lines().filter_map(|line| {
            let (file, needs) = line.split_once(':')?;
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            Some((name_of(file), (file.to_owned(), needs)))
        });
        let mut by_bus: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for line in aliases.lines().filter_map(|line| line.strip_prefix("alias ")) {
            let mut words = line.split_whitespace();
            if let (Some(pattern), Some(module)) = (words.next(), words.next()) {
                let bus = bus_of(pattern).filter(|bus| !bus.contains(['*', '?', '[']));
                let rows = by_bus.entry(bus.unwrap_or_default().to_owned()).or_default();
                rows.push((pattern.to_owned(), same_dashes(module)));
            }
        }
        let builtin = builtin.lines().map(name_of).collect();
        Self { files: files.collect(), aliases: by_bus, builtin }
    }

    /// The modules that a device with this `modalias`, or a caller of `modprobe` with this word, is meant to get.
    pub(crate) fn wanted(&self, word: &str) -> Vec<String> {
        let name = same_dashes(word);
        if self.files.contains_key(&name) || self.builtin.contains(&name) {
            return vec![name];
        }
        let buses: BTreeSet<&str> = bus_of(word).into_iter().chain([""]).collect();
        let rows = buses.into_iter().rev().filter_map(|bus| self.aliases.get(bus)).flatten();
        let matching = rows.filter(|(pattern, _)| matches(pattern.as_bytes(), word.as_bytes()));
        let mut found: Vec<String> = Vec::new();
        for (_, module) in matching {
            if !found.contains(module) {
                found.push(module.clone());
            }
        }
        found
    }

    /// Whether the kernel has it without loading anything.
    pub(crate) fn is_builtin(&self, module: &str) -> bool {
        self.builtin.contains(module)
    }

    /// The files to load for a module, what it needs before itself; empty for one that is built in or not there.
    pub(crate) fn files_for(&self, module: &str) -> Vec<&str> {
        let Some((file, needs)) = self.files.get(module) else { return Vec::new() };
        // `depmod` lists what is needed from the nearest to the farthest.
        needs.iter().rev().map(String::as_str).chain([file.as_str()]).collect()
    }
}

/// The module's name of a path: `kernel/drivers/net/virtio-net.ko` is `virtio_net`.
fn name_of(path: &str) -> String {
    let file = path.trim().rsplit('/').next().unwrap_or_default();
    same_dashes(file.split(".ko").next().unwrap_or_default())
}

/// The bus that a pattern or a device's word begins with: `pci` of `pci:v00008086…`.
fn bus_of(word: &str) -> Option<&str> {
    word.split_once(':').map(|(bus, _)| bus)
}

/// The kernel takes `-` and `_` in names for the same.
fn same_dashes(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether a pattern with `*`, `?` and `[...]` matches the whole text; linear in the text for each star.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on when what stands behind the last star does not fit.
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        let fits = match (pattern.split_first(), text.split_first()) {
            (Some((b'*', rest)), _) => {
                again = Some((rest, text));
                pattern = rest;
                continue;
            }
            (None, None) => return true,
            (Some((b'[', rest)), Some((letter, _))) => one_of(rest, *letter),
            (Some((sign, rest)), Some((letter, _))) if *sign == b'?' || sign == letter => Some(rest),
            _ => None,
        };
        match (fits, text.split_first(), again) {
            (Some(rest), Some((_, behind)), _) => (pattern, text) = (rest, behind),
            (_, _, Some((from, at))) => {
                let Some((_, behind)) = at.split_first() else { return false };
                again = Some((from, behind));
                (pattern, text) = (from, behind);
            }
            _ => return false,
        }
    }
}

/// What stands behind a bracket whose letters and ranges hold this letter.
fn one_of(bracket: &[u8], letter: u8) -> Option<&[u8]> {
    let end = bracket.iter().position(|sign| *sign == b']')?;
    let (mut set, rest) = (bracket.get(..end)?, bracket.get(end..)?.split_first()?.1);
    let mut held = false;
    while let Some((first, behind)) = set.split_first() {
        set = behind;
        match behind {
            [b'-', last, others @ ..] => {
                held |= (*first..=*last).contains(&letter);
                set = others;
            }
            _ => held |= *first == letter,
        }
    }
    held.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko\n\
                       kernel/fs/jbd2/jbd2.ko:\nkernel/lib/crc16.ko:\n\
                       kernel/drivers/net/virtio_net.ko: kernel/net/core/failover.ko\n\
                       kernel/net/core/failover.ko:\nnonsense\n";
    const ALIAS: &str = "# a comment\nalias fs-ext4 ext4\nalias virtio:d00000001v* virtio_net\n\
                         alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000\nalias usb:v0[0-3A]d? odd-one\n\
                         alias *:any third\nalias x?z:b fourth\n";
    const BUILTIN: &str = "kernel/drivers/tty/serial/8250/8250.ko\nkernel/net/unix/unix-diag.ko\n";

    fn catalogue() -> Catalogue {
        Catalogue::read(DEP, ALIAS, BUILTIN)
    }

    #[test]
    fn a_device_gets_the_modules_whose_patterns_it_matches() {
        for (word, modules) in [
            ("virtio:d00000001v00001AF4", &["virtio_net"][..]),
            ("virtio:d00000002v00001AF4", &[]),
            ("pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00", &["e1000"]),
            ("pci:v00008086d0000100E", &[]),
            ("fs-ext4", &["ext4"]),
            ("usb:v02dx", &["odd_one"]),
            ("usb:v0Ad1", &["odd_one"]),
            ("usb:v04dx", &[]),
            ("virtio-net", &["virtio_net"]),
            ("unix_diag", &["unix_diag"]),
            ("hid:any", &["third"]),
            ("xyz:b", &["fourth"]),
            ("", &[]),
        ] {
            assert_eq!(catalogue().wanted(word), modules, "{word}");
        }
    }

    #[test]
    fn what_a_module_needs_is_loaded_before_it() {
        let catalogue = catalogue();
        let expected = ["kernel/lib/crc16.ko", "kernel/fs/jbd2/jbd2.ko", "kernel/fs/ext4/ext4.ko"];
        assert_eq!(catalogue.files_for("ext4"), expected);
        assert!(catalogue.files_for("unix_diag").is_empty() && catalogue.is_builtin("unix_diag"));
        assert!(catalogue.files_for("nothing").is_empty() && !catalogue.is_builtin("nothing"));
    }

    #[test]
    fn stars_are_tried_anew_until_the_rest_fits() {
        for (pattern, text, fits) in [
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyybz", false),
            ("*", "", true),
            ("**x", "x", true),
            ("a*", "b", false),
            ("a[b", "ab", false),
            ("?", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
        let long = "a".repeat(5000);
        assert!(!matches(b"*a*a*a*a*a*a*b", long.as_bytes()));
    }
}
