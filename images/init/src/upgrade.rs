//! What is done with images: listed, added, chosen, renamed, deleted.
//!
//! An image is checked before anything of it is written, and the slot of the good image is never touched. Each change
//! leads over states of the disk from which the machine starts.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use minisign_verify::PublicKey;

use crate::disk::BOOT_FOLDER;
use crate::image_file::{self, Parts};
use crate::slots::{self, Choice, Manifest, Slot};
use crate::system::{self, told};

/// The key that images have to be signed with.
const KEY: &str = "/etc/towpath/image.pub";
/// What an image consists of, beside its manifest.
const FILES: &[&str] = &[slots::PACKED, "initrd", "vmlinuz"];
/// The architecture of this machine, as Debian spells it.
const ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") { "amd64" } else { std::env::consts::ARCH };

/// The images of a boot partition.
pub(crate) struct Images {
    folder: PathBuf,
    /// The slot that the machine was started from.
    running: Option<Slot>,
}

impl Images {
    /// Those of this machine.
    ///
    /// # Errors
    /// When it was not started from a disk.
    pub(crate) fn of_machine() -> Result<Self, String> {
        let running = running().ok_or("This machine was not started from a disk with images")?;
        Ok(Self { folder: PathBuf::from(BOOT_FOLDER), running: Some(running) })
    }

    /// Those of a copy of this machine's boot partition.
    ///
    /// # Errors
    /// When it was not started from a disk.
    pub(crate) fn installed_at(folder: &str) -> Result<Self, String> {
        Ok(Self { folder: PathBuf::from(folder), ..Self::of_machine()? })
    }

    /// Leaves the image that runs alone there, by this name, and has it started.
    ///
    /// # Errors
    /// What the disk says, or that the image is not whole.
    pub(crate) fn keep_running(&self, name: &str) -> Result<(), String> {
        let slot = self.running.ok_or("No image runs")?;
        let manifest = self.manifest(slot).ok_or("The image that runs is not on the disk")??;
        self.clear(slot.other())?;
        self.put_manifest(slot, &Manifest { name: name.to_owned(), ..manifest })?;
        self.choose(&Choice { good: Some(slot), ..Choice::default() })
    }

    /// What the image that runs is called.
    pub(crate) fn name(&self) -> Option<String> {
        Some(self.manifest(self.running?)?.ok()?.name)
    }

    fn environment(&self) -> PathBuf {
        self.folder.join("grub/grubenv")
    }

    pub(crate) fn choice(&self) -> Choice {
        let mut choice = Choice::read(&fs::read_to_string(self.environment()).unwrap_or_default());
        // Without a word the boot loader starts the first slot.
        choice.good = choice.good.or(Some(Slot::A));
        choice
    }

    /// Writes the boot loader's variables in place: no other sector of the disk changes.
    pub(crate) fn choose(&self, choice: &Choice) -> Result<(), String> {
        let write = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.environment())?;
            file.write_all_at(choice.write().as_bytes(), 0)?;
            file.sync_all()
        };
        write().map_err(|error| told("The boot loader's variables cannot be written", error))
    }

    fn slot(&self, slot: Slot) -> PathBuf {
        self.folder.join("slots").join(slot.name())
    }

    /// What a slot holds: nothing, an image, or what is left of one that could not be written to its end.
    fn manifest(&self, slot: Slot) -> Option<Result<Manifest, String>> {
        let folder = self.slot(slot);
        let text = match fs::read_to_string(folder.join("manifest")) {
            Ok(text) => text,
            Err(_) if FILES.iter().any(|name| folder.join(name).exists()) => {
                return Some(Err("it is not whole".to_owned()));
            }
            Err(_) => return None,
        };
        Some(Manifest::read(&text).and_then(|manifest| {
            let size = |name: &str| fs::metadata(folder.join(name)).map(|file| file.len()).unwrap_or_default();
            let whole = manifest.files().iter().all(|(name, octets)| size(name) == *octets);
            whole.then_some(manifest).ok_or("it is not whole".to_owned())
        }))
    }

    fn named(&self, name: &str) -> Result<(Slot, Manifest), String> {
        let held = Slot::ALL.into_iter().filter_map(|slot| Some((slot, self.manifest(slot)?.ok()?)));
        held.into_iter()
            .find(|(_, manifest)| manifest.name == name)
            .ok_or(format!("There is no image '{name}'; 'show system image' lists them"))
    }

    /// Both slots that hold something, the first one first.
    fn held(&self) -> Vec<Held> {
        let choice = self.choice();
        let next = choice.trying.map(|(slot, _)| slot).or(choice.good);
        let held = Slot::ALL.into_iter().filter_map(|slot| {
            Some(Held {
                slot,
                manifest: self.manifest(slot)?.ok(),
                next: next == Some(slot),
                running: self.running == Some(slot),
                on_trial: choice.trying.is_some_and(|(trying, _)| trying == slot),
                failed: choice.failed == Some(slot),
            })
        });
        held.collect()
    }

    /// The list, as `show system image` shows it.
    pub(crate) fn list(&self) -> String {
        let rows = (1..).zip(self.held()).map(|(number, held)| format!("  {number:>2}: {}\n", held.told()));
        format!("The system currently has the following image(s) installed:\n\n{}", rows.collect::<String>())
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> String {
        let rows: Vec<String> = self.held().iter().map(Held::json).collect();
        format!("{{\n  \"images\": [\n{}\n  ]\n}}\n", rows.join(",\n"))
    }

    /// Adds an image: its name.
    ///
    /// # Errors
    /// Why not; the good image is as it was.
    pub(crate) fn add(&self, file: &File, key: &PublicKey, mut say: impl FnMut(&str)) -> Result<String, String> {
        let running = self.running.ok_or("No image runs")?;
        let (mut choice, slot) = (self.choice(), running.other());
        if choice.good == Some(slot) {
            return Err("The image that runs has not proved itself yet, and the other one is the good one: \
                        wait, or restart into it first"
                .to_owned());
        }
        let size = file.metadata().map_err(|error| told("The file cannot be read", error))?.len();
        say("Checking the signature of the image...");
        let manifest = image_file::read(&mut BufReader::new(file), size, key, |_, _| Ok(()))
            .map_err(|error| format!("The file {error}"))?;
        if manifest.architecture != ARCHITECTURE {
            return Err(format!("The file is for {}; this machine is {ARCHITECTURE}", manifest.architecture));
        }
        say(&format!("The image is {} and its signature is good.", manifest.version));
        // From here on nothing leads to the slot until all of it is on the disk.
        choice.forget(slot);
        self.choose(&choice)?;
        self.clear(slot)?;
        say("Writing the image...");
        let written = self.write(slot, file, size, key);
        if written.is_err() {
            let _ = self.clear(slot);
        }
        let mut manifest = written?;
        let others: Vec<String> = Slot::ALL
            .into_iter()
            .filter(|other| *other != slot)
            .filter_map(|other| Some(self.manifest(other)?.ok()?.name))
            .collect();
        manifest.name = unique(&manifest.version, &others);
        self.put_manifest(slot, &manifest)?;
        choice.try_next(slot);
        self.choose(&choice)?;
        Ok(manifest.name)
    }

    fn write(&self, slot: Slot, file: &File, size: u64, key: &PublicKey) -> Result<Manifest, String> {
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::StorageFull => "There is not enough room on the boot partition".to_owned(),
            _ => told("The image cannot be written", error),
        };
        let folder = self.slot(slot);
        fs::create_dir_all(&folder).map_err(failed)?;
        let create = |name: &str| File::create(folder.join(name));
        let mut parts = Parts::new();
        let mut file = file;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        // Read and checked once more: somebody may have changed the file meanwhile.
        let take = |manifest: &Manifest, octets: &[u8]| parts.take(manifest, octets, create).map_err(failed);
        let manifest = image_file::read(&mut BufReader::new(file), size, key, take).map_err(|error| {
            if error.starts_with(|c: char| c.is_uppercase()) { error } else { format!("The file {error}") }
        })?;
        for (_, file) in parts.into_files() {
            file.sync_all().map_err(failed)?;
        }
        sync_folder(&folder).map_err(failed)?;
        Ok(manifest)
    }

    fn put_manifest(&self, slot: Slot, manifest: &Manifest) -> Result<(), String> {
        system::write_whole(&self.slot(slot).join("manifest"), manifest.write().as_bytes(), 0o644)
            .map_err(|error| told("The manifest of the image cannot be written", error))
    }

    /// Empties a slot; first goes what says that it is whole.
    fn clear(&self, slot: Slot) -> Result<(), String> {
        let folder = self.slot(slot);
        for name in ["manifest", "manifest.new"].iter().chain(FILES) {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(told("The slot cannot be emptied", error));
                }
                _ => {}
            }
        }
        let _ = sync_folder(&folder);
        Ok(())
    }

    /// The image shall be started from now on.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn set_default(&self, name: &str) -> Result<String, String> {
        let (slot, _) = self.named(name)?;
        let mut choice = self.choice();
        choice.try_next(slot);
        self.choose(&choice)?;
        Ok(format!("The default boot image is now {name}."))
    }

    /// Deletes an image.
    ///
    /// # Errors
    /// Why not: the image that runs and the good one stay.
    pub(crate) fn delete(&self, name: &str) -> Result<String, String> {
        let (slot, _) = self.named(name)?;
        let mut choice = self.choice();
        if self.running == Some(slot) {
            return Err(format!("The image '{name}' runs and cannot be deleted"));
        }
        if choice.good == Some(slot) {
            return Err(format!(
                "The image '{name}' is the good one and cannot be deleted until another has proved itself"
            ));
        }
        choice.forget(slot);
        self.choose(&choice)?;
        self.clear(slot)?;
        Ok(format!("The image '{name}' is deleted."))
    }

    /// Calls an image otherwise.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn rename(&self, name: &str, new: &str) -> Result<String, String> {
        let (slot, manifest) = self.named(name)?;
        if !slots::is_name(new) {
            return Err(format!("'{new}' is no name for an image: letters, digits and . _ + ~ -"));
        }
        if self.named(new).is_ok() {
            return Err(format!("There is an image '{new}' already"));
        }
        self.put_manifest(slot, &Manifest { name: new.to_owned(), ..manifest })?;
        Ok(format!("The image '{name}' is called '{new}' now."))
    }
}

/// A slot that holds something.
struct Held {
    slot: Slot,
    /// What is known of the image; nothing where it is not whole.
    manifest: Option<Manifest>,
    /// Whether it is started next.
    next: bool,
    running: bool,
    on_trial: bool,
    failed: bool,
}

impl Held {
    fn told(&self) -> String {
        let mut text =
            self.manifest.as_ref().map_or("an image that is not whole", |manifest| &manifest.name).to_owned();
        for (is, words) in [
            (self.next, " (default boot)"),
            (self.running, " (running image)"),
            (self.on_trial, " (not proved yet)"),
            (self.failed, " (did not become healthy)"),
        ] {
            text.push_str(if is { words } else { "" });
        }
        text
    }

    fn json(&self) -> String {
        let of = |text: fn(&Manifest) -> &str| {
            let text = self.manifest.as_ref().map(text);
            // Whatever would end the text or change its meaning has no place in a name.
            let clean =
                |text: &str| text.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect::<String>();
            text.map_or("null".to_owned(), |text| format!("\"{}\"", clean(text)))
        };
        let (name, version) = (of(|manifest| &manifest.name), of(|manifest| &manifest.version));
        let Self { slot, manifest, next, running, on_trial, failed } = self;
        format!(
            "    {{\n      \"name\": {name},\n      \"version\": {version},\n      \"slot\": \"{}\",\n      \"whole\": {},\n      \
             \"default-boot\": {next},\n      \"running\": {running},\n      \"on-trial\": {on_trial},\n      \"failed\": {failed}\n    }}",
            slot.name(),
            manifest.is_some()
        )
    }
}

/// The version, or with a number behind it where an image is called so already.
fn unique(version: &str, taken: &[String]) -> String {
    let numbered = (2..).map(|number: u32| format!("{version}~{number}"));
    std::iter::once(version.to_owned()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default()
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The slot that the boot loader started, as it says on the kernel's command line.
pub(crate) fn running() -> Option<Slot> {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    line.split_whitespace().find_map(|word| Slot::named(word.strip_prefix("towpath.slot=")?))
}

/// What the worker does: `image add|default|delete|rename …`, with the file as its standard input.
///
/// # Errors
/// Why not.
pub(crate) fn work(words: &[&str], input: &File) -> Result<(), String> {
    let images = Images::of_machine()?;
    let say = |line: &str| {
        let mut out = std::io::stdout();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    system::remount(BOOT_FOLDER, false)?;
    let done = match words {
        ["add"] => public_key().and_then(|key| images.add(input, &key, say)).map(|name| {
            format!(
                "The image is installed as {name}. It is tried at the next start; if it does not become healthy, \
                     the machine comes back to this one by itself."
            )
        }),
        ["default", name] => images.set_default(name),
        ["delete", name] => images.delete(name),
        ["rename", name, new] => images.rename(name, new),
        _ => Err("These words mean nothing here".to_owned()),
    };
    nix::unistd::sync();
    let _ = system::remount(BOOT_FOLDER, true);
    say(&done?);
    Ok(())
}

fn public_key() -> Result<PublicKey, String> {
    let text = fs::read_to_string(KEY).map_err(|error| told("There is no key to check images with", error))?;
    PublicKey::decode(&text).map_err(|_| "The key to check images with is damaged".to_owned())
}

#[cfg(test)]
mod tests;
