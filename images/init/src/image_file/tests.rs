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

/// Files of a slot, each with its octets.
type Files = Vec<(&'static str, Vec<u8>)>;

/// What comes of a file, and what it held.
fn judged(file: &[u8], key: &str) -> Result<(Manifest, Files), String> {
    let key = PublicKey::from_base64(key).unwrap();
    let mut parts = Parts::new();
    let size = u64::try_from(file.len()).unwrap();
    let manifest = read(&mut Cursor::new(file), size, &key, |manifest, octets| {
        parts.take(manifest, octets, |_| Ok(Vec::new())).map_err(|error| error.to_string())
    })?;
    Ok((manifest, parts.into_files()))
}

#[test]
fn a_signed_file_is_taken_apart() {
    let (manifest, files) = judged(file().as_bytes(), KEY).unwrap();
    assert_eq!(manifest.version, "1.2.3");
    assert_eq!(files, [("vmlinuz", b"KERNEL\n".to_vec()), ("initrd", b"SYSTEM".to_vec())]);
}

#[test]
fn what_the_boot_loader_need_not_read_is_a_file_of_its_own_however_the_portions_fall() {
    let octets = b"KERNELFIRSTREST";
    for (first, files) in [
        ("first 5\n", &[("vmlinuz", "KERNEL"), ("initrd", "FIRST"), ("usr", "REST")][..]),
        ("first 0\n", &[("vmlinuz", "KERNEL"), ("usr", "FIRSTREST")]),
        ("first 9\n", &[("vmlinuz", "KERNEL"), ("initrd", "FIRSTREST")]),
        ("", &[("vmlinuz", "KERNEL"), ("initrd", "FIRSTREST")]),
    ] {
        let text = format!("version 1\narchitecture amd64\nmade 1\nkernel 6\nsystem 9\n{first}");
        let manifest = Manifest::read(&text).unwrap();
        for portion in 1..=octets.len() {
            let mut parts = Parts::new();
            for some in octets.chunks(portion) {
                parts.take(&manifest, some, |_| Ok(Vec::new())).unwrap();
            }
            let found = parts.into_files().into_iter().map(|(name, octets)| (name, String::from_utf8(octets).unwrap()));
            let expected: Vec<_> = files.iter().map(|(name, octets)| (*name, (*octets).to_owned())).collect();
            assert_eq!(found.collect::<Vec<_>>(), expected, "{first:?} in portions of {portion}");
        }
    }
    let more = Manifest::read("version 1\narchitecture amd64\nmade 1\nkernel 6\nsystem 9\nfirst 10\n");
    assert!(more.unwrap_err().contains("'first'"));
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
