//! Which of the two images the machine starts: the block of variables that the boot loader shares with us, and what is
//! known of each slot.
//!
//! A function of texts; never touches the disk. The boot loader lowers `tries` before it starts an image that has not
//! proved itself, and starts the good one when none is left. It counts the starts of the good one, too, until one lasts, and
//! puts the other one on trial when none does.

use std::collections::BTreeMap;

/// The size of GRUB's environment block, in octets. It is written in place, as GRUB itself does.
pub(crate) const BLOCK: usize = 1024;
const HEADING: &str = "# GRUB Environment Block\n";
/// How often an image may be started until it has to have proved itself.
pub(crate) const TRIES: u32 = 2;

/// The file of a slot with the packed `/usr`, where the boot loader does not read it.
pub(crate) const PACKED: &str = "usr";

/// One of the two places for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    A,
    B,
}

impl Slot {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::A, Self::B];

    /// Its folder's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The slot with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.name() == name)
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What the boot loader goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The image that has proved itself.
    pub(crate) good: Option<Slot>,
    /// The image that shall be tried, and how often it still may be.
    pub(crate) trying: Option<(Slot, u32)>,
    /// The image that was tried last and did not become healthy; the good one, where it is the one that cannot be started.
    pub(crate) failed: Option<Slot>,
    /// How often the good image was started in a row, since a start lasted.
    pub(crate) starts: u32,
}

impl Choice {
    /// Reads a block of variables; what is not understood counts as not there.
    pub(crate) fn read(block: &str) -> Self {
        let lines = block.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        let variables: BTreeMap<&str, &str> = lines.collect();
        let slot = |name: &str| variables.get(name).and_then(|value| Slot::named(value));
        let number = |name: &str| variables.get(name).and_then(|value| value.parse().ok()).unwrap_or_default();
        let trying = slot("try").map(|slot| (slot, number("tries")));
        Self { good: slot("good"), trying, failed: slot("failed"), starts: number("starts") }
    }

    /// The block, of exactly [`BLOCK`] octets.
    pub(crate) fn write(&self) -> String {
        let mut block = HEADING.to_owned();
        let mut line = |name: &str, value: &str| block.push_str(&format!("{name}={value}\n"));
        let name = |slot: Option<Slot>| slot.map(Slot::name).unwrap_or_default();
        line("good", name(self.good));
        line("try", name(self.trying.map(|(slot, _)| slot)));
        line("tries", &self.trying.map(|(_, tries)| tries.to_string()).unwrap_or_default());
        line("failed", name(self.failed));
        line("starts", &if self.starts == 0 { String::new() } else { self.starts.to_string() });
        block.push_str(&"#".repeat(BLOCK.saturating_sub(block.len())));
        block
    }

    /// The image of this slot shall be tried at the next start.
    pub(crate) fn try_next(&mut self, slot: Slot) {
        self.failed = self.failed.filter(|failed| *failed != slot);
        self.trying = (self.good != Some(slot)).then_some((slot, TRIES));
    }

    /// The image of this slot runs and is healthy. Whether that is news.
    pub(crate) fn proved(&mut self, slot: Slot) -> bool {
        let before = self.clone();
        if self.trying.is_some_and(|(trying, _)| trying == slot) {
            self.trying = None;
            self.good = Some(slot);
        }
        self.failed = self.failed.filter(|failed| *failed != slot);
        self.starts = 0;
        *self != before
    }

    /// What runs has lasted, or ends because somebody wants it to. Whether that is news.
    pub(crate) fn lasted(&mut self) -> bool {
        std::mem::take(&mut self.starts) != 0
    }

    /// Whether the good image could not be started, so that another one is on trial in its place.
    pub(crate) fn is_without_a_good_one(&self) -> bool {
        self.failed.is_some() && self.failed == self.good
    }

    /// The image of this slot runs and has shown that it will not become healthy: it is not tried again.
    pub(crate) fn failed_its_trial(&mut self, slot: Slot) {
        self.trying = self.trying.map(|(trying, tries)| (trying, if trying == slot { 0 } else { tries }));
    }

    /// The slot will hold another image, or none: nothing may lead to it meanwhile.
    pub(crate) fn forget(&mut self, slot: Slot) {
        self.trying = self.trying.filter(|(trying, _)| *trying != slot);
        self.failed = self.failed.filter(|failed| *failed != slot);
    }
}

/// What is known of the image in a slot: the lines of its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The version of the software, which is the image's name unless a person renames it.
    pub(crate) version: String,
    /// What persons call it.
    pub(crate) name: String,
    /// Processor architecture, as Debian spells it.
    pub(crate) architecture: String,
    /// When its sources were changed last, in seconds since the Unix epoch.
    pub(crate) made: u64,
    /// Octets of the kernel.
    pub(crate) kernel: u64,
    /// Octets of the system, which is one initramfs.
    pub(crate) system: u64,
    /// How many of them the boot loader has to read; all, where nothing is said. The rest, an archive of its own, is a file
    /// beside them, which the first process reads through the kernel's drivers.
    pub(crate) first: Option<u64>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Which line is missing.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let lines: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
        let text =
            |name: &str| lines.get(name).map(|value| (*value).to_owned()).ok_or(format!("it has no line '{name}'"));
        let number = |name: &str| {
            let value = text(name)?;
            value.parse().map_err(|_| format!("its line '{name}' is no number"))
        };
        let version = text("version")?;
        let name = text("name").unwrap_or_else(|_| version.clone());
        let manifest = Self {
            version,
            name,
            architecture: text("architecture")?,
            made: number("made")?,
            kernel: number("kernel")?,
            system: number("system")?,
            first: lines.contains_key("first").then(|| number("first")).transpose()?,
        };
        if manifest.first.is_some_and(|first| first > manifest.system) {
            return Err("its line 'first' is more than there is".to_owned());
        }
        Ok(manifest)
    }

    /// The manifest as a file.
    pub(crate) fn write(&self) -> String {
        let Self { version, name, architecture, made, kernel, system, first } = self;
        let first = first.map(|first| format!("first {first}\n")).unwrap_or_default();
        format!(
            "version {version}\nname {name}\narchitecture {architecture}\nmade {made}\nkernel {kernel}\nsystem {system}\n{first}"
        )
    }

    /// The files of a slot that the image is made of, in their order in a file for upgrades, with their octets.
    pub(crate) fn files(&self) -> [(&'static str, u64); 3] {
        let first = self.first.unwrap_or(self.system);
        [("vmlinuz", self.kernel), ("initrd", first), (PACKED, self.system.saturating_sub(first))]
    }
}

/// Whether a person may call an image so.
pub(crate) fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c);
    (1..=64).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often `images/grub.cfg` starts the good image in a row before it puts the other one on trial.
    const STARTS: u32 = 4;

    /// What `images/grub.cfg` does with the variables at each start, where both slots hold an image: the slot that is started.
    fn boot(choice: &mut Choice) -> Option<Slot> {
        if choice.trying.is_none() && choice.starts == STARTS {
            choice.starts = 0;
            choice.failed = choice.good;
            choice.trying = choice.good.map(|good| (good.other(), TRIES));
        }
        match choice.trying {
            Some((slot, tries)) if tries > 0 => {
                choice.trying = Some((slot, tries - 1));
                return Some(slot);
            }
            Some((slot, _)) => *choice = Choice { good: choice.good, failed: Some(slot), ..Choice::default() },
            None => {}
        }
        choice.starts += 1;
        choice.good
    }

    #[test]
    fn a_block_is_always_of_the_same_size_and_reads_as_it_is_written() {
        for good in [None, Some(Slot::A), Some(Slot::B)] {
            for trying in [None, Some((Slot::A, 2)), Some((Slot::B, 0))] {
                for failed in [None, Some(Slot::B)] {
                    for starts in [0, 3] {
                        let choice = Choice { good, trying, failed, starts };
                        let block = choice.write();
                        assert_eq!(block.len(), BLOCK);
                        assert!(block.starts_with("# GRUB Environment Block\n"));
                        assert_eq!(Choice::read(&block), choice);
                    }
                }
            }
        }
        assert_eq!(Choice::read("good=c\ntry=\ntries=x\n####"), Choice::default());
    }

    #[test]
    fn an_image_that_knows_that_it_is_bad_is_left_at_once() {
        let mut choice = Choice { good: Some(Slot::A), ..Choice::default() };
        choice.try_next(Slot::B);
        assert_eq!(boot(&mut choice), Some(Slot::B));
        choice.failed_its_trial(Slot::A);
        assert_eq!(choice.trying, Some((Slot::B, TRIES - 1)), "another one is on trial");
        choice.failed_its_trial(Slot::B);
        assert_eq!(boot(&mut choice), Some(Slot::A));
        assert_eq!((choice.trying, choice.failed), (None, Some(Slot::B)));
    }

    #[test]
    fn an_image_that_never_becomes_healthy_is_tried_twice_and_then_left() {
        let mut choice = Choice { good: Some(Slot::A), ..Choice::default() };
        choice.try_next(Slot::B);
        let starts: Vec<_> = (0..4).filter_map(|_| boot(&mut choice)).collect();
        assert_eq!(starts, [Slot::B, Slot::B, Slot::A, Slot::A]);
        assert_eq!(choice.failed, Some(Slot::B));
    }

    #[test]
    fn one_that_becomes_healthy_is_the_good_one_from_then_on() {
        let mut choice = Choice { good: Some(Slot::A), ..Choice::default() };
        choice.try_next(Slot::B);
        assert_eq!(boot(&mut choice), Some(Slot::B));
        assert!(choice.proved(Slot::B));
        assert!(!choice.proved(Slot::B), "that is no news");
        assert_eq!(choice, Choice { good: Some(Slot::B), ..Choice::default() });
        assert_eq!(boot(&mut choice), Some(Slot::B));
    }

    #[test]
    fn a_good_image_that_never_lasts_is_left_for_the_other_one_and_comes_back_when_that_is_no_better() {
        let mut choice = Choice { good: Some(Slot::A), ..Choice::default() };
        let starts: Vec<_> = (0..11).filter_map(|_| boot(&mut choice)).collect();
        let [a, b] = Slot::ALL;
        assert_eq!(starts, [a, a, a, a, b, b, a, a, a, a, b]);
        assert_eq!(choice.good, Some(Slot::A), "nothing but a proof makes another one good");
        assert!(choice.is_without_a_good_one());
        assert!(choice.proved(Slot::B));
        assert_eq!(choice, Choice { good: Some(Slot::B), failed: Some(Slot::A), ..Choice::default() });
        assert!(!choice.is_without_a_good_one());
        assert_eq!(boot(&mut choice), Some(Slot::B));
    }

    #[test]
    fn a_good_image_that_lasts_now_and_then_is_never_left() {
        let mut choice = Choice { good: Some(Slot::A), ..Choice::default() };
        for _ in 0..5 {
            let starts: Vec<_> = (0..STARTS).filter_map(|_| boot(&mut choice)).collect();
            assert!(starts.iter().all(|slot| *slot == Slot::A), "{starts:?}");
            assert!(choice.lasted());
            assert!(!choice.lasted(), "that is no news");
        }
    }

    #[test]
    fn the_good_image_needs_no_try_and_proves_nothing_of_the_other() {
        let mut choice = Choice { good: Some(Slot::A), ..Choice::default() };
        choice.try_next(Slot::A);
        assert_eq!(choice.trying, None);
        choice.try_next(Slot::B);
        assert!(!choice.proved(Slot::A));
        assert_eq!(choice.trying, Some((Slot::B, TRIES)));
        choice.forget(Slot::B);
        assert_eq!(boot(&mut choice), Some(Slot::A));
    }

    #[test]
    fn a_manifest_reads_as_it_is_written() {
        let manifest = Manifest {
            version: "1.2.3".to_owned(),
            name: "spare".to_owned(),
            architecture: "amd64".to_owned(),
            made: 1_700_000_000,
            kernel: 8,
            system: 9,
            first: None,
        };
        let parted = Manifest { first: Some(4), ..manifest.clone() };
        assert_eq!(Manifest::read(&parted.write()), Ok(parted));
        assert_eq!(Manifest::read(&manifest.write()), Ok(manifest));
        assert_eq!(Manifest::read("version 1\n"), Err("it has no line 'architecture'".to_owned()));
        let odd = "version 1\narchitecture amd64\nmade never\nkernel 1\nsystem 1\n";
        assert_eq!(Manifest::read(odd), Err("its line 'made' is no number".to_owned()));
    }

    #[test]
    fn names_are_short_and_hold_no_signs() {
        for (name, good) in [
            ("1.2.3", true),
            ("1.2.3~rc1", true),
            ("", false),
            ("-x", false),
            ("a b", false),
            ("../a", false),
            ("a/b", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
        assert!(!is_name(&"a".repeat(65)));
    }
}
