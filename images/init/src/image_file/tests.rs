//! Files that are whole, and files that are not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::io::Cursor;

use super::*;

/// Made with minisign, for these tests alone.
const KEY: &str = "RWQsJbmrPd9N0ehXdZsmTIoo6xYZ8Amo4ELIhX1u2XB09qeCGrXz+kao";
const OTHER: &str = "RWTm8+Oe/3cnp85Kha9DpGNMK705CrZgo6rLzA0oP8elb1o1ahohmzQ8";
const SIGNATURE: &str = "untrusted comment: towpath image
RUQsJbmrPd9N0UUFtSJOSjMybcjiv9r2vhKV2ISfm/5xGUdonw83MT0OZEC4D51My3u3MVMjcSKtQi4WwOPPzKUt1+mH2BGBfAg=
trusted comment: towpath 1.2.3
xo5jUt1OrZGmskobBvw4r+C7uF6nJuIMT3/Ty3e7wgpo404n7aGHVx9PGtAdth+VtIjMoCLtpsuwTzasvHGsCg==
";
const PAYLOAD: &str =
    "version 1.2.3\nname 1.2.3\narchitecture amd64\nmade 1700000000\nkernel 7\nsystem 6\n\nKERNEL\nSYSTEM";

fn file() -> String {
    format!("{MAGIC}\n{SIGNATURE}{PAYLOAD}")
}

/// What comes of a file, and what it held.
fn judged(file: &[u8], key: &str) -> Result<(Manifest, String, String), String> {
    let key = PublicKey::from_base64(key).unwrap();
    let mut parts = Parts::new(Vec::new(), Vec::new());
    let size = u64::try_from(file.len()).unwrap();
    let manifest = read(&mut Cursor::new(file), size, &key, |manifest, octets| {
        parts.take(manifest, octets).map_err(|error| error.to_string())
    })?;
    let (kernel, system) = parts.into_files();
    Ok((manifest, String::from_utf8(kernel).unwrap(), String::from_utf8(system).unwrap()))
}

#[test]
fn a_signed_file_is_taken_apart() {
    let (manifest, kernel, system) = judged(file().as_bytes(), KEY).unwrap();
    assert_eq!((manifest.version.as_str(), kernel.as_str(), system.as_str()), ("1.2.3", "KERNEL\n", "SYSTEM"));
}

#[test]
fn every_other_file_is_refused_in_words() {
    let whole = file();
    let changed = whole.replace("SYSTEM", "SYSTEN");
    let longer = format!("{whole}x");
    let unsigned = format!("{MAGIC}\nunsigned\n\n\n\n{PAYLOAD}");
    let bare = format!("{MAGIC}\n{PAYLOAD}");
    let promises_more = whole.replace("kernel 7", "kernel 9");
    for (file, key, words) in [
        (changed.as_bytes(), KEY, "changed or damaged"),
        (&whole.as_bytes()[..whole.len() - 1], KEY, "it is not whole"),
        (&whole.as_bytes()[..300], KEY, "has no manifest"),
        (&whole.as_bytes()[..100], KEY, "is not signed, or its signature is damaged"),
        (longer.as_bytes(), KEY, "something was added"),
        (whole.as_bytes(), OTHER, "a key that this router does not know"),
        (unsigned.as_bytes(), KEY, "is not signed"),
        (bare.as_bytes(), KEY, "is not signed, or its signature is damaged"),
        (promises_more.as_bytes(), KEY, "it is not whole"),
        (b"\x7fELF and so on", KEY, "is no image of Towpath"),
        (&[0xff; 10_000], KEY, "is no image of Towpath"),
        (b"", KEY, "is no image of Towpath"),
    ] {
        let refusal = judged(file, key).unwrap_err();
        assert!(refusal.contains(words), "{refusal:?} should say {words:?}");
    }
}

#[test]
fn a_file_that_ends_or_differs_anywhere_is_never_taken() {
    let whole = file();
    for end in 0..whole.len() {
        assert!(judged(&whole.as_bytes()[..end], KEY).is_err(), "cut at {end}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone().into_bytes();
        changed[at] ^= 1;
        // The first comment of a signature is for persons, and nobody signs it.
        let comment = at > MAGIC.len() && at < MAGIC.len() + 34;
        assert!(comment || judged(&changed, KEY).is_err(), "changed at {at}");
    }
}
