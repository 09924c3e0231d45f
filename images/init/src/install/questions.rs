//! What `install image` asks a person, in VyOS's order: whether, the name, the disk, its contents, the size, the
//! configuration.
//!
//! Talks over a reader and a writer, so that tests answer. Never writes to a disk.

use std::io::{BufRead, Write};

use super::disks::{self, Disk, most_data, told};
use super::{LEAST_DATA, Wish};
use crate::slots;

/// What a person wants, or why nothing shall be done.
///
/// # Errors
/// A refusal, or that nobody answers any more.
pub(crate) fn ask(name: &str, input: &mut impl BufRead, output: &mut impl Write) -> Result<Wish, String> {
    Talk { input, output }.run(name, &disks::all())
}

const CANCELLED: &str = "The installation is cancelled; nothing was written";

struct Talk<'a, I, O> {
    input: &'a mut I,
    output: &'a mut O,
}

impl<I: BufRead, O: Write> Talk<'_, I, O> {
    fn run(&mut self, name: &str, all: &[Disk]) -> Result<Wish, String> {
        self.say("This installs the image that runs onto a disk of this machine.")?;
        self.yes("Would you like to continue?", false)?.then_some(()).ok_or(CANCELLED)?;
        let name = self.line("What would you like to name this image?", name)?;
        if !slots::is_name(&name) {
            return Err(format!("'{name}' is no name for an image: letters, digits and . _ + ~ -"));
        }
        let disk = self.disk(all)?;
        disk.fit(None)?;
        let all_data = format!("The installation deletes all data on /dev/{}. Continue?", disk.name);
        self.yes(&all_data, false)?.then_some(()).ok_or(CANCELLED)?;
        let data = if self.yes("Would you like to use all the free space on the disk?", true)? {
            None
        } else {
            let most = most_data(disk.size);
            let question = format!("How many MiB shall the data partition have ({LEAST_DATA} to {most})?");
            let answer = self.line(&question, &most.to_string())?;
            Some(answer.parse().map_err(|_| format!("'{answer}' is no number of MiB"))?)
        };
        disk.fit(data)?;
        let copy = self.yes("Would you like to copy the saved configuration and the host keys?", true)?;
        Ok(Wish { disk: disk.name, name, data, copy })
    }

    fn disk(&mut self, all: &[Disk]) -> Result<Disk, String> {
        let free: Vec<&Disk> = all.iter().filter(|disk| disk.mounted.is_empty()).collect();
        let Some(first) = free.first() else {
            return Err("There is no other disk to install onto; nothing was written".to_owned());
        };
        self.say("The following disks were found:")?;
        for disk in all {
            let note = if disk.mounted.is_empty() { "" } else { ", in use" };
            self.say(&format!("  /dev/{} ({}{note})", disk.name, told(disk.size)))?;
        }
        let answer = self.line("Which one should be used for the installation?", &format!("/dev/{}", first.name))?;
        let name = answer.trim_start_matches("/dev/");
        all.iter()
            .find(|disk| disk.name == name)
            .cloned()
            .ok_or(format!("There is no disk '{answer}'; nothing was written"))
    }

    fn yes(&mut self, question: &str, usual: bool) -> Result<bool, String> {
        loop {
            let answer = self.asked(&format!("{question} [{}] ", if usual { "Y/n" } else { "y/N" }))?;
            match answer.to_lowercase().as_str() {
                "" => return Ok(usual),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.say("Please answer yes or no.")?,
            }
        }
    }

    fn line(&mut self, question: &str, usual: &str) -> Result<String, String> {
        let answer = self.asked(&format!("{question} (Default: {usual}) "))?;
        Ok(if answer.is_empty() { usual.to_owned() } else { answer })
    }

    fn asked(&mut self, question: &str) -> Result<String, String> {
        write!(self.output, "{question}").and_then(|()| self.output.flush()).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        match self.input.read_line(&mut answer) {
            Ok(1..) => Ok(answer.trim().to_owned()),
            _ => Err(format!("\n{CANCELLED}")),
        }
    }

    fn say(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.output, "{line}").map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str, mebibytes: u64, mounted: &[&str]) -> Disk {
        let mounted = mounted.iter().map(|place| (*place).to_owned()).collect();
        Disk { name: name.to_owned(), size: mebibytes << 20, mounted, read_only: false }
    }

    fn talk(answers: &str, all: &[Disk]) -> (Result<Wish, String>, String) {
        let mut said = Vec::new();
        let wish = Talk { input: &mut answers.as_bytes(), output: &mut said }.run("1.2.3", all);
        (wish, String::from_utf8_lossy(&said).into_owned())
    }

    #[test]
    fn the_usual_answers_install_onto_the_disk_that_is_free() {
        let all = [disk("vda", 2048, &["/boot", "/data"]), disk("vdb", 2048, &[])];
        let (wish, said) = talk("yes\n\n\ny\n\n\n", &all);
        let expected = Wish { disk: "vdb".to_owned(), name: "1.2.3".to_owned(), data: None, copy: true };
        assert_eq!(wish, Ok(expected), "{said}");
        assert!(said.contains("/dev/vda (2048 MiB, in use)\n  /dev/vdb (2048 MiB)\n"), "{said}");
        let (wish, said) = talk("y\nspare\n/dev/vdb\ny\nn\n500\nn\n", &all);
        let expected = Wish { disk: "vdb".to_owned(), name: "spare".to_owned(), data: Some(500), copy: false };
        assert_eq!(wish, Ok(expected), "{said}");
    }

    #[test]
    fn whatever_is_not_a_yes_writes_nothing() {
        let all = [disk("vda", 2048, &["/data"]), disk("vdb", 300, &[]), disk("vdc", 2048, &[])];
        for (answers, words) in [
            ("", "cancelled"),
            ("\n", "cancelled"),
            ("n\n", "cancelled"),
            ("y\n\n\n", "/dev/vdb is too small"),
            ("y\na b\n", "no name"),
            ("y\n\nvda\n", "in use"),
            ("y\n\n/dev/sdz\n", "no disk"),
            ("y\n\nvdc\n\n", "cancelled"),
            ("y\n\nvdc\ny\nn\n10\n", "too little"),
            ("y\n\nvdc\ny\nn\nmuch\n", "no number"),
            ("y\n\nvdc\ny\nwhat\n", "cancelled"),
        ] {
            let (wish, said) = talk(answers, &all);
            assert!(wish.as_ref().is_err_and(|error| error.contains(words)), "{answers:?}: {wish:?} {said}");
        }
        assert!(talk("y\n\n", &all[..1]).0.is_err_and(|error| error.contains("no other disk")));
    }
}
