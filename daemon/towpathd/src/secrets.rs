//! What connections are signed with, on sockets: TCP MD5 (RFC 2385) or TCP-AO (RFC 5925).
//!
//! Never decides who needs which.

use std::io;
use std::os::fd::AsFd;

use config::model::key_chain::{AoAlgorithm, AoKey, Secret};
use kernel::{tcp, tcp_ao};
use nouns::Prefix;

/// Signs segments to and from peers; `dials`: the socket opens a connection, and begins with the first key.
pub(crate) fn set(socket: &impl AsFd, peers: Prefix, secret: &Secret, dials: bool) -> io::Result<()> {
    match secret {
        Secret::Md5(password) => tcp::set_md5_key(socket, peers, password),
        Secret::Ao(keys) => {
            let mut all = keys.iter().enumerate();
            all.try_for_each(|(number, key)| tcp_ao::add(socket, peers, of_kernel(key), dials && number == 0))
        }
    }
}

/// Signs them no more.
pub(crate) fn remove(socket: &impl AsFd, peers: Prefix, secret: &Secret) -> io::Result<()> {
    match secret {
        Secret::Md5(_) => tcp::clear_md5_key(socket, peers),
        Secret::Ao(keys) => keys.iter().try_for_each(|key| tcp_ao::remove(socket, peers, (key.send_id, key.recv_id))),
    }
}

/// A sentence about a refusal.
pub(crate) fn refused(peers: Prefix, secret: &Secret, error: &io::Error) -> String {
    let option = match secret {
        Secret::Md5(_) => "CONFIG_TCP_MD5SIG",
        Secret::Ao(_) => "CONFIG_TCP_AO",
    };
    format!("the kernel refused the {secret} of {peers}: {error}; a kernel with {option} has it")
}

fn of_kernel(key: &AoKey) -> tcp_ao::Key<'_> {
    tcp_ao::Key {
        send_id: key.send_id,
        recv_id: key.recv_id,
        algorithm: match key.algorithm {
            AoAlgorithm::HmacSha1 => tcp_ao::Algorithm::HmacSha1,
            AoAlgorithm::Aes128Cmac => tcp_ao::Algorithm::Aes128Cmac,
        },
        secret: key.secret.as_bytes(),
    }
}
