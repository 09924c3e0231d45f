//! `init`: the first process of the appliance, and what only it may do.
//!
//! One program with several names: the kernel starts it as process 1, persons and scripts call it as `shutdown`,
//! `towpath-image` and so on to ask that process for something. What shall be done is decided by functions of plain values;
//! the rest does it. It never thinks about routes.

mod applets;
mod confine;
mod disk;
mod door;
mod first_boot;
mod hardware;
mod health;
mod image_file;
mod install;
mod logs;
mod machine;
mod modules;
mod names;
mod packed;
mod pci;
mod request;
mod services;
mod slots;
mod system;
mod upgrade;

use std::fs::File;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let name = arguments.next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments: Vec<String> = arguments.collect();
    if std::process::id() == 1 {
        system::say(&machine::live());
        // The kernel panics, starts again, and the boot loader counts.
        return ExitCode::FAILURE;
    }
    match arguments.split_first() {
        Some((first, words)) if first == "worker" => work(words),
        Some((first, words)) if first == confine::WORD => become_program(words),
        _ => applets::run(&name, &arguments),
    }
}

/// The process that becomes the router; comes back only where it cannot.
fn become_program(words: &[String]) -> ExitCode {
    let Err(error) = confine::become_program(words);
    println!("{error}");
    ExitCode::FAILURE
}

/// The process that works on images: its standard input is the file, its standard output who asked.
fn work(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["image", words @ ..] => File::open("/proc/self/fd/0")
            .map_err(|error| format!("There is no file: {error}"))
            .and_then(|input| upgrade::work(words, &input)),
        ["install", words @ ..] => match install::Wish::read(words) {
            Some(wish) => install::work(&wish, |line| println!("{line}")).map(|done| println!("{done}")),
            None => Err("These words mean nothing here".to_owned()),
        },
        _ => Err("These words mean nothing here".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}{}", request::FAILED, error.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}
