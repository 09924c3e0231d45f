//! `protocols key-chain …`: keys by which TCP knows its peers (TCP-AO).

use super::{Node, leaf, tag};
use crate::value::ValueKind;

const IDENTIFIER: ValueKind = ValueKind::U32 { min: 0, max: 255 };
const ALGORITHMS: &[(&str, &str)] =
    &[("aes-128-cmac-96", "AES-128-CMAC, 96 bits of it"), ("hmac-sha-1-96", "HMAC of SHA-1, 96 bits of it")];

pub(super) static KEY_CHAIN: Node = tag(
    "key-chain",
    "Keys of TCP connections (TCP-AO, RFC 5925)",
    ValueKind::KeyName,
    "CORE",
    &[&tag(
        "key",
        "Key; the one with the lowest number is sent with",
        IDENTIFIER,
        "1",
        &[
            &leaf("cryptographic-algorithm", "How segments are signed", ValueKind::Choice(ALGORITHMS), "hmac-sha-1-96")
                .default("hmac-sha-1-96"),
            &leaf("key-string", "The key itself, 1 to 80 characters", ValueKind::Password, "s3cret").secret(),
            &leaf("recv-id", "Number that the other side sends it by, if not this one", IDENTIFIER, "1"),
            &leaf("send-id", "Number that it is sent by, if not this one", IDENTIFIER, "1"),
        ],
    )],
);
