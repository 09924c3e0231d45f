//! Passwords that a person types become hashes before anything is kept, compared or shown.
//!
//! Never hashes by itself: how is told by the caller, which also has the salt.

use crate::tree::Tree;

/// Replaces each `plaintext-password` of a user by the `encrypted-password` that `hash` makes of it.
///
/// An empty one, as EdgeOS writes it into its files, stands for nothing and is taken out.
pub fn seal(tree: &mut Tree, mut hash: impl FnMut(&str) -> String) {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let names = tree.children(&words(&["system", "login", "user"])).into_iter().map(str::to_owned);
    for name in names.collect::<Vec<_>>() {
        let authentication = ["system", "login", "user", &name, "authentication"];
        let plain = words(&[&authentication[..], &["plaintext-password"]].concat());
        let Some(password) = tree.value(&plain).map(str::to_owned) else { continue };
        if !password.is_empty() {
            let sealed = words(&[&authentication[..], &["encrypted-password", &hash(&password)]].concat());
            if tree.set(&sealed).is_err() {
                // What cannot be kept as a hash is not kept at all: the user has no password then.
                tree.delete(&words(&[&authentication[..], &["encrypted-password"]].concat()));
            }
        }
        tree.delete(&plain);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use crate::fixtures::tree;
    use crate::print;

    #[test]
    fn a_typed_password_becomes_a_hash_and_an_empty_one_nothing() {
        for (lines, expect) in [
            ("set system login user anna authentication plaintext-password secret", "encrypted-password $6$hash"),
            (
                "set system login user anna authentication encrypted-password $6$old$old
                 set system login user anna authentication plaintext-password secret",
                "encrypted-password $6$hash",
            ),
            (
                "set system login user anna authentication encrypted-password $6$old$old
                 set system login user anna authentication plaintext-password \"\"",
                "encrypted-password $6$old$old",
            ),
            ("set system login user anna authentication plaintext-password \"\"", "user anna"),
        ] {
            let mut tree = tree(lines);
            seal(&mut tree, |password| format!("$6$hash${}", password.len()));
            let text = print::file(&tree);
            assert!(text.contains(expect), "{lines}: {text}");
            assert!(!text.contains("plaintext-password") && !text.contains("secret"), "{lines}: {text}");
        }
    }
}
