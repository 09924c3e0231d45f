//! One question to a service, and what its answer says.
//!
//! Never waits longer than it is let, which is for whoever asks; and never reads more than a question needs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;

use bfd::check::{Question, Wish};
use kernel::{probe, tcp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

/// The first line of an answer of HTTP, and some of what follows it.
const STATUS_LINE: usize = 256;
/// The longest datagram that is looked at.
const DATAGRAM: usize = 2048;

/// Asks once; packets carry the mark.
///
/// # Errors
/// In words, what was wrong.
pub(super) async fn ask(mark: u32, number: u64, wish: &Wish) -> Result<(), String> {
    let to = |port: u16| SocketAddr::new(wish.address, port);
    match &wish.question {
        Question::Tcp { port } => connect(mark, to(*port)).await.map(drop).map_err(words),
        Question::Http { port, method, path, host, status } => {
            let stream = connect(mark, to(*port)).await.map_err(words)?;
            let found = request(stream, &format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n")).await?;
            let (least, greatest) = *status;
            if (least..=greatest).contains(&found) { Ok(()) } else { Err(format!("status {found}")) }
        }
        Question::Icmp => echo(mark, number, wish.address).await.map_err(words),
        Question::Udp { port, send, expect } => datagram(mark, to(*port), send, expect.as_deref()).await,
    }
}

fn words(error: io::Error) -> String {
    kernel::words(&error)
}

async fn connect(mark: u32, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    tcp::set_mark(&socket, mark)?;
    tcp::set_no_linger(&socket)?;
    socket.connect(to).await
}

/// The status that a request is answered with.
async fn request(mut stream: TcpStream, head: &str) -> Result<u16, String> {
    let request = format!("{head}User-Agent: towpathd\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(words)?;
    let mut answer = Vec::with_capacity(STATUS_LINE);
    while answer.len() < STATUS_LINE && !answer.contains(&b'\n') {
        let mut octets = [0; STATUS_LINE];
        match stream.read(&mut octets).await.map_err(words)? {
            0 => break,
            count => answer.extend_from_slice(octets.get(..count).unwrap_or_default()),
        }
    }
    status(&answer).ok_or_else(|| "no answer of HTTP".to_owned())
}

/// The number of a status line (RFC 9112 §4).
fn status(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer.split(|octet| *octet == b'\n').next()?).ok()?;
    let mut words = line.trim_end().split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    let digits =
        words.next().filter(|digits| digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    digits.parse().ok()
}

async fn datagram(mark: u32, to: SocketAddr, send: &str, expect: Option<&str>) -> Result<(), String> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await.map_err(words)?;
    tcp::set_mark(&socket, mark).map_err(words)?;
    socket.connect(to).await.map_err(words)?;
    socket.send(send.as_bytes()).await.map_err(words)?;
    let mut octets = vec![0; DATAGRAM];
    let count = socket.recv(&mut octets).await.map_err(words)?;
    let answer = octets.get(..count).unwrap_or_default();
    match expect {
        Some(expect) if !holds(answer, expect.as_bytes()) => Err(format!("the answer does not hold \"{expect}\"")),
        _ => Ok(()),
    }
}

fn holds(answer: &[u8], expect: &[u8]) -> bool {
    expect.is_empty() || answer.windows(expect.len()).any(|part| part == expect)
}

async fn echo(mark: u32, number: u64, host: IpAddr) -> io::Result<()> {
    let socket = probe::echo_socket(host, |socket| tcp::set_mark(socket.as_fd(), mark))?;
    let socket = UdpSocket::from_std(socket)?;
    let [.., id, id2] = mark.to_be_bytes();
    let [.., sequence, sequence2] = number.to_be_bytes();
    let id = u16::from_be_bytes([id, id2]);
    socket.send(&probe::echo_request(host.is_ipv4(), id, u16::from_be_bytes([sequence, sequence2]))).await?;
    let mut octets = [0; 512];
    loop {
        let count = socket.recv(&mut octets).await?;
        if probe::is_echo(octets.get(..count).unwrap_or_default(), host.is_ipv4(), id) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn only_a_status_line_has_a_status() {
        for (answer, expect) in [
            ("HTTP/1.1 200 OK\r\nServer: x\r\n", Some(200)),
            ("HTTP/1.0 503\r\n", Some(503)),
            ("HTTP/2 200\r\n", None),
            ("HTTP/1.1 20x OK\r\n", None),
            ("HTTP/1.1 +20 OK\r\n", None),
            ("SSH-2.0-OpenSSH_9.2\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(answer.as_bytes()), expect, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_request_is_answered_with_a_status_or_with_something_else() {
        for (answer, expect) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", Ok(204)),
            ("HTTP/1.1 500 Oops\r\n\r\n", Ok(500)),
            ("hello\r\n", Err("no answer of HTTP".to_owned())),
            ("", Err("no answer of HTTP".to_owned())),
        ] {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut service, _) = listener.accept().await.unwrap();
            let serving = tokio::spawn(async move {
                let mut asked = [0; 1024];
                let count = service.read(&mut asked).await.unwrap();
                service.write_all(answer.as_bytes()).await.unwrap();
                String::from_utf8(asked[..count].to_vec()).unwrap()
            });
            let heard = request(stream, "GET / HTTP/1.1\r\nHost: x\r\n").await;
            assert_eq!(heard, expect, "{answer:?}");
            let asked = serving.await.unwrap();
            assert!(asked.starts_with("GET / HTTP/1.1\r\nHost: x\r\n") && asked.ends_with("\r\n\r\n"), "{asked}");
        }
    }

    #[test]
    fn a_text_is_found_anywhere_in_an_answer() {
        for (answer, expect, found) in
            [("pong", "pong", true), ("a pong b", "pong", true), ("po", "pong", false), ("", "", true)]
        {
            assert_eq!(holds(answer.as_bytes(), expect.as_bytes()), found, "{answer} {expect}");
        }
    }
}
