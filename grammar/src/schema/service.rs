//! `service …`: what the router offers to others over the network.
//!
//! Never says how a service is started.

use super::{Node, flag, inner, leaf, multi};
use crate::value::ValueKind;

pub(super) static SERVICE: Node = inner("service", "Services of the router", &[&SSH]);

static SSH: Node = inner(
    "ssh",
    "Secure shell",
    &[
        &inner(
            "access-control",
            "Who may log in over SSH",
            &[&inner("allow", "Only these", WHO), &inner("deny", "All but these", WHO)],
        ),
        &flag("allow-root", "Let root log in"),
        &multi("ciphers", "Cipher that is offered", ValueKind::Choice(CIPHERS), "aes256-gcm@openssh.com"),
        &flag("disable-host-validation", "Do not look up the names of clients"),
        &flag("disable-password-authentication", "Accept keys only"),
        &multi("key-exchange", "Key exchange that is offered", ValueKind::Choice(KEY_EXCHANGES), "curve25519-sha256"),
        &multi("listen-address", "Address to listen on, all without", ValueKind::Address, "192.0.2.1"),
        &leaf("loglevel", "How much is logged", ValueKind::Choice(LOG_LEVELS), "info").default("info"),
        &multi("mac", "Message authentication that is offered", ValueKind::Choice(MACS), "hmac-sha2-256"),
        &leaf("port", "TCP port to listen on", ValueKind::U32 { min: 1, max: 65535 }, "22").default("22"),
        &leaf("protocol-version", "Version of the protocol (always v2)", ValueKind::Choice(VERSIONS), "v2"),
    ],
)
.presence();

static WHO: &[&Node] = &[
    &multi("group", "Members of a group", ValueKind::UserName, "towpath"),
    &multi("user", "One user", ValueKind::UserName, "anna"),
];

const VERSIONS: &[(&str, &str)] = &[("v2", "SSH version 2")];

const LOG_LEVELS: &[(&str, &str)] = &[
    ("error", "Errors only"),
    ("fatal", "Fatal errors only"),
    ("info", "Logins and errors"),
    ("quiet", "Nothing"),
    ("verbose", "Fingerprints of keys, too"),
];

const CIPHERS: &[(&str, &str)] = &[
    ("3des-cbc", "Triple DES, for very old clients"),
    ("aes128-cbc", "AES with 128 bits, CBC, for old clients"),
    ("aes128-ctr", "AES with 128 bits, CTR"),
    ("aes128-gcm@openssh.com", "AES with 128 bits, GCM"),
    ("aes192-cbc", "AES with 192 bits, CBC, for old clients"),
    ("aes192-ctr", "AES with 192 bits, CTR"),
    ("aes256-cbc", "AES with 256 bits, CBC, for old clients"),
    ("aes256-ctr", "AES with 256 bits, CTR"),
    ("aes256-gcm@openssh.com", "AES with 256 bits, GCM"),
    ("chacha20-poly1305@openssh.com", "ChaCha20 with Poly1305"),
];

const KEY_EXCHANGES: &[(&str, &str)] = &[
    ("curve25519-sha256", "Curve25519"),
    ("curve25519-sha256@libssh.org", "Curve25519 (the name before the standard)"),
    ("diffie-hellman-group-exchange-sha1", "Negotiated group, SHA-1, for old clients"),
    ("diffie-hellman-group-exchange-sha256", "Negotiated group"),
    ("diffie-hellman-group1-sha1", "1024 bits, SHA-1, for very old clients"),
    ("diffie-hellman-group14-sha1", "2048 bits, SHA-1, for old clients"),
    ("diffie-hellman-group14-sha256", "2048 bits"),
    ("diffie-hellman-group16-sha512", "4096 bits"),
    ("diffie-hellman-group18-sha512", "8192 bits"),
    ("ecdh-sha2-nistp256", "P-256"),
    ("ecdh-sha2-nistp384", "P-384"),
    ("ecdh-sha2-nistp521", "P-521"),
    ("sntrup761x25519-sha512@openssh.com", "Curve25519 with NTRU Prime"),
];

const MACS: &[(&str, &str)] = &[
    ("hmac-md5", "MD5, for very old clients"),
    ("hmac-sha1", "SHA-1, for old clients"),
    ("hmac-sha1-etm@openssh.com", "SHA-1 over the cipher text, for old clients"),
    ("hmac-sha2-256", "SHA-256"),
    ("hmac-sha2-256-etm@openssh.com", "SHA-256 over the cipher text"),
    ("hmac-sha2-512", "SHA-512"),
    ("hmac-sha2-512-etm@openssh.com", "SHA-512 over the cipher text"),
    ("umac-128-etm@openssh.com", "UMAC with 128 bits over the cipher text"),
    ("umac-128@openssh.com", "UMAC with 128 bits"),
    ("umac-64-etm@openssh.com", "UMAC with 64 bits over the cipher text"),
    ("umac-64@openssh.com", "UMAC with 64 bits"),
];
