//! Where persons ask the first process: a socket that only administrators may open.
//!
//! Never waits for anybody: whoever says nothing is not heard.

use std::fs::{self, File};
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, getsockopt, recvmsg, sockopt};

use crate::request::{GROUP, LONGEST, Request, SOCKET};
use crate::system::told;

/// How many may stand at the door.
const MOST: usize = 16;

/// The door, and who stands there.
pub(crate) struct Door {
    listener: UnixListener,
    waiting: Vec<UnixStream>,
}

/// Somebody's request.
pub(crate) struct Asked {
    /// What is asked for; `None` where the words mean nothing.
    pub(crate) request: Option<Request>,
    /// Where the answer goes.
    pub(crate) stream: UnixStream,
    /// The file that came along, opened with the rights of who asks.
    pub(crate) file: Option<OwnedFd>,
    /// The number of the user.
    pub(crate) user: u32,
}

impl Door {
    /// Opens it for root and the group of administrators.
    ///
    /// # Errors
    /// What stood in the way.
    pub(crate) fn open() -> Result<Self, String> {
        let path = Path::new(SOCKET);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| told("making the folder of the socket", error))?;
        }
        let listener = UnixListener::bind(path).map_err(|error| told(SOCKET, error))?;
        let group = group_number(&fs::read_to_string("/etc/group").unwrap_or_default(), GROUP);
        std::os::unix::fs::chown(path, Some(0), group).map_err(|error| told(SOCKET, error))?;
        let mode = fs::Permissions::from_mode(if group.is_some() { 0o660 } else { 0o600 });
        fs::set_permissions(path, mode).map_err(|error| told(SOCKET, error))?;
        listener.set_nonblocking(true).map_err(|error| told(SOCKET, error))?;
        Ok(Self { listener, waiting: Vec::new() })
    }

    /// What to watch.
    pub(crate) fn all(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.waiting.iter().map(AsFd::as_fd))
    }

    /// Lets in who came, and takes what was asked. Whoever has been silent longest makes room.
    pub(crate) fn take(&mut self) -> Vec<Asked> {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.waiting.len() >= MOST {
                self.waiting.remove(0);
            }
            if stream.set_nonblocking(true).is_ok() {
                self.waiting.push(stream);
            }
        }
        let (mut asked, mut silent) = (Vec::new(), Vec::new());
        for stream in self.waiting.drain(..) {
            match hear(&stream) {
                Heard::Nothing => silent.push(stream),
                Heard::Gone => {}
                Heard::Line(line, file) => {
                    let user = getsockopt(&stream, sockopt::PeerCredentials).map_or(u32::MAX, |known| known.uid());
                    // The answer may wait for its reader; it is short, or the worker's.
                    let _ = stream.set_nonblocking(false);
                    asked.push(Asked { request: Request::read(&line), stream, file, user });
                }
            }
        }
        self.waiting = silent;
        asked
    }
}

enum Heard {
    Nothing,
    Gone,
    Line(String, Option<OwnedFd>),
}

fn hear(stream: &UnixStream) -> Heard {
    let mut octets = [0; LONGEST];
    let mut room = nix::cmsg_space!([i32; 1]);
    let mut parts = [IoSliceMut::new(&mut octets)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let (length, file) = match recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut room), flags) {
        Ok(message) => {
            let handed = message.cmsgs().into_iter().flatten().find_map(|part| match part {
                ControlMessageOwned::ScmRights(files) => files.first().copied(),
                _ => None,
            });
            (message.bytes, handed)
        }
        Err(nix::errno::Errno::EAGAIN) => return Heard::Nothing,
        Err(_) => return Heard::Gone,
    };
    // The number alone owns nothing: the file is opened once more through it, and the number given back.
    let opened = file.and_then(|number| {
        let opened = File::open(format!("/proc/self/fd/{number}")).ok();
        let _ = nix::unistd::close(number);
        opened.map(OwnedFd::from)
    });
    match octets.get(..length) {
        Some(octets) if !octets.is_empty() => Heard::Line(String::from_utf8_lossy(octets).into_owned(), opened),
        _ => Heard::Gone,
    }
}

/// The number of a group in a list of groups.
fn group_number(groups: &str, name: &str) -> Option<u32> {
    groups.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| match fields.as_slice() {
        [group, _, number, ..] if *group == name => number.parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_administrators_is_found_by_its_name() {
        let groups = "root:x:0:\ntowpath-operator:x:501:\ntowpath:x:500:anna\n";
        assert_eq!(group_number(groups, GROUP), Some(500));
        assert_eq!(group_number("towpath\n", GROUP), None);
    }
}
