//! `system login …`: accounts and what they are greeted with.

use crate::schema::{Node, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static LOGIN: Node = inner(
    "login",
    "Who may log in",
    &[
        &inner(
            "banner",
            "What is shown to who logs in; \\n begins a new line",
            &[
                &leaf("post-login", "Text after the login", ValueKind::Text { max: 2000 }, "Welcome"),
                &leaf("pre-login", "Text before the login", ValueKind::Text { max: 2000 }, "Authorized access only"),
            ],
        ),
        &tag("user", "Account of a person", ValueKind::UserName, "anna", USER),
    ],
);

static USER: &[&Node] = &[
    &inner(
        "authentication",
        "How the user proves who they are",
        &[
            &leaf("encrypted-password", "Password, hashed as crypt(5) has it", ValueKind::PasswordHash, "$6$salt$hash")
                .secret(),
            &leaf("plaintext-password", "Password, hashed by the commit", ValueKind::PlainPassword, "secret").secret(),
            &tag(
                "public-keys",
                "SSH key of the user",
                ValueKind::KeyName,
                "anna@laptop",
                &[
                    &leaf("key", "Key in base64", ValueKind::PublicKey, "AAAAC3NzaC1lZDI1NTE5AAAA").secret(),
                    &leaf("options", "What the key may do", ValueKind::Text { max: 512 }, "no-port-forwarding"),
                    &leaf("type", "Type of the key", ValueKind::Choice(KEY_TYPES), "ssh-ed25519"),
                ],
            ),
        ],
    ),
    &leaf("full-name", "Full name of the user", ValueKind::FullName, "Anna Berg"),
    &leaf("home-directory", "Home directory", ValueKind::Directory, "/srv/anna"),
    &leaf("level", "What the user may do", ValueKind::Choice(LEVELS), "admin").default("admin"),
];

const LEVELS: &[(&str, &str)] = &[("admin", "Administrators: everything"), ("operator", "Operators: look, not change")];

const KEY_TYPES: &[(&str, &str)] = &[
    ("ecdsa-sha2-nistp256", "ECDSA over P-256"),
    ("ecdsa-sha2-nistp384", "ECDSA over P-384"),
    ("ecdsa-sha2-nistp521", "ECDSA over P-521"),
    ("sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA on a security key"),
    ("sk-ssh-ed25519@openssh.com", "Ed25519 on a security key"),
    ("ssh-dss", "DSA, refused by newer servers"),
    ("ssh-ed25519", "Ed25519"),
    ("ssh-rsa", "RSA"),
];
