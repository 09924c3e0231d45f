//! The file that an upgrade comes in: a line that says what it is, a signature of minisign, and what is signed.
//!
//! What is signed is a manifest, an empty line, the kernel and the system, which is one initramfs. Nothing of the file is believed, and nothing
//! is written anywhere, before the signature over all of it holds.

use std::io::{BufRead, Read, Write};

use minisign_verify::{PublicKey, Signature};

use crate::slots::Manifest;

/// The first line of a file.
const MAGIC: &str = "towpath-image 1";
/// No heading is longer, in octets.
const LONGEST_HEADING: u64 = 4096;
/// How much is read at a time, in octets.
const PORTION: usize = 1 << 16;

/// What a file says before what is signed.
struct Heading {
    signature: Signature,
    /// Its octets.
    length: u64,
}

/// Reads a whole file and checks its signature; what is signed goes on to `take`, portion by portion, with the manifest.
/// Until this returns well, nothing of what was taken may be believed.
///
/// # Errors
/// What is wrong with the file, as a sentence without its subject.
pub(crate) fn read(
    file: &mut impl BufRead,
    size: u64,
    key: &PublicKey,
    mut take: impl FnMut(&Manifest, &[u8]) -> Result<(), String>,
) -> Result<Manifest, String> {
    let heading = read_heading(file)?;
    let mut verifier = key.verify_stream(&heading.signature).map_err(|error| match error {
        minisign_verify::Error::UnexpectedKeyId => "is signed with a key that this router does not know".to_owned(),
        _ => "has a signature that cannot be used".to_owned(),
    })?;
    let text = read_lines_until_empty(file).map_err(|error| format!("has no manifest: {error}"))?;
    let manifest = Manifest::read(&text).map_err(|error| format!("has a manifest that cannot be used: {error}"))?;
    verifier.update(text.as_bytes());
    verifier.update(b"\n");
    let before = heading.length.saturating_add(length(&text)).saturating_add(1);
    let whole = before.saturating_add(manifest.kernel).saturating_add(manifest.system);
    if size != whole {
        return Err(format!("has {size} octets of {whole}: it is not whole, or something was added"));
    }
    let mut portion = vec![0; PORTION];
    loop {
        let read = file.read(&mut portion).map_err(|error| format!("cannot be read: {error}"))?;
        let Some(octets) = portion.get(..read).filter(|octets| !octets.is_empty()) else { break };
        verifier.update(octets);
        take(&manifest, octets)?;
    }
    verifier
        .finalize()
        .map_err(|_| "has a signature that does not fit its contents: it was changed or damaged".to_owned())?;
    Ok(manifest)
}

fn read_heading(file: &mut impl BufRead) -> Result<Heading, String> {
    let mut text = Vec::new();
    let mut lines = file.take(LONGEST_HEADING);
    let mut line = |text: &mut Vec<u8>| {
        let from = text.len();
        let _ = lines.read_until(b'\n', text);
        text.get(from..).map(|line| String::from_utf8_lossy(line).trim_end().to_owned()).unwrap_or_default()
    };
    if line(&mut text) != MAGIC {
        return Err("is no image of Towpath".to_owned());
    }
    let lines: Vec<String> = (0..4).map(|_| line(&mut text)).collect();
    if lines.first().is_some_and(|first| first == "unsigned") {
        return Err("is not signed".to_owned());
    }
    let signature =
        Signature::decode(&lines.join("\n")).map_err(|_| "is not signed, or its signature is damaged".to_owned())?;
    Ok(Heading { signature, length: u64::try_from(text.len()).unwrap_or(u64::MAX) })
}

fn read_lines_until_empty(file: &mut impl BufRead) -> Result<String, String> {
    let mut text = String::new();
    let mut lines = file.take(LONGEST_HEADING);
    loop {
        let from = text.len();
        match lines.read_line(&mut text) {
            Ok(0) => return Err("it ends too early".to_owned()),
            Ok(1) if text.get(from..) == Some("\n") => {
                text.truncate(from);
                return Ok(text);
            }
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// Parts what is signed into the files of a slot.
#[derive(Debug)]
pub(crate) struct Parts<W> {
    files: Vec<(&'static str, W)>,
    written: u64,
}

impl<W: Write> Parts<W> {
    pub(crate) fn new() -> Self {
        Self { files: Vec::new(), written: 0 }
    }

    /// Takes a portion in; `create` makes a file once its first octet is there.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub(crate) fn take(
        &mut self,
        manifest: &Manifest,
        mut octets: &[u8],
        mut create: impl FnMut(&str) -> std::io::Result<W>,
    ) -> std::io::Result<()> {
        let mut end: u64 = 0;
        for (name, length) in manifest.files() {
            end = end.saturating_add(length);
            let left = usize::try_from(end.saturating_sub(self.written)).unwrap_or(usize::MAX);
            let (here, behind) = octets.split_at(left.min(octets.len()));
            if here.is_empty() {
                continue;
            }
            if self.files.last().is_none_or(|(last, _)| *last != name) {
                self.files.push((name, create(name)?));
            }
            if let Some((_, file)) = self.files.last_mut() {
                file.write_all(here)?;
            }
            self.written = self.written.saturating_add(u64::try_from(here.len()).unwrap_or(u64::MAX));
            octets = behind;
        }
        Ok(())
    }

    /// What was written to, each with its name.
    pub(crate) fn into_files(self) -> Vec<(&'static str, W)> {
        self.files
    }
}

#[cfg(test)]
mod tests;
