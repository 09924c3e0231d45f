//! Images from a web server: one that comes whole, and those that do not.
//!
//! The server is a thread of the test. It never says anything that the test does not ask for.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use scenarios::appliance::{Parts, Place};

use crate::boot_partition::flatten;
use crate::disks::{DATA, tool};
use crate::{logged_in, user_data};

/// Answers one request: the whole, half of it and the end, half of it and silence, or that there is no such thing.
fn answer(stream: &TcpStream, whole: &[u8]) -> Result<bool> {
    let mut lines = BufReader::new(stream).lines();
    let asked = lines.next().context("nothing was asked")??;
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let half = whole.get(..whole.len() / 2).unwrap_or_default();
    let body = match asked.split(' ').nth(1) {
        Some("/whole") => whole,
        Some("/half" | "/still") => half,
        _ => &[],
    };
    let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
    let length = if body.is_empty() { 0 } else { whole.len() };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)?;
    Ok(asked.contains("/still"))
}

/// A server of these octets: its port, and a word each time that half of them are sent and the rest is kept back.
fn server(whole: Vec<u8>) -> Result<(u16, Receiver<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let (tell, told): (Sender<()>, _) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            if answer(&stream, &whole).is_ok_and(|still| still) {
                kept.push(stream);
                let _ = tell.send(());
            }
        }
    });
    Ok((port, told))
}

#[test]
fn an_image_is_taken_from_a_web_server_and_nothing_stays_of_one_that_was_broken_off() -> Result<()> {
    let place = Place::new("fetched")?;
    let (port, still) = server(std::fs::read(place.image().file())?)?;
    let mut machine = logged_in(&place, &Parts::default().seeded(&user_data()))?;
    machine.shows("show interfaces | no-more", "10.0.2.15/24")?;
    let add = |name: &str| format!("add system image http://10.0.2.2:{port}/{name}");
    for name in ["missing", "half"] {
        let said = machine.says(&add(name))?;
        assert!(said.contains("The image could not be fetched from http://10.0.2.2"), "{name}: {said}");
    }
    machine.enters(&add("still"))?;
    still.recv_timeout(Duration::from_secs(300)).context("half of the image was not taken")?;
    // Whoever types this wants the prompt back.
    machine.enters("\u{3}")?;
    machine.sees(":~$")?;
    machine.shows(&add("whole"), "The image is installed as 0.1.0~2")?;
    machine.enters("poweroff now")?;
    machine.goes_off()?;
    let plain = place.path("plain.img");
    flatten(&place.path("disk.qcow2"), &plain)?;
    let look = tool("debugfs").args(["-R", "ls -p /tmp"]).arg(format!("{}?offset={DATA}", plain.display())).output()?;
    let kept = String::from_utf8(look.stdout)?;
    ensure!(kept.contains("/../"), "the data partition has no /tmp: {kept}");
    assert!(!kept.contains("/image-"), "something of an image stays on the data partition: {kept}");
    Ok(())
}
