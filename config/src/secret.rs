//! Passwords that a person types become hashes before anything is kept, compared or shown.
//!
//! Never hashes by itself: how is told by the caller, which also has the salt.

use crate::tree::Tree;

/// Replaces each `plaintext-password` of a user by the `encrypted-password` that `hash` makes of it.
///
/// An empty one, as EdgeOS writes it into its files, stands for nothing and is taken out.
pub fn seal(tree: &mut Tree, mut hash: impl FnMut(&str) -> String) {
    for plain in open(tree) {
        let Some((_, authentication)) = plain.split_last() else { continue };
        let encrypted = |more: &[&str]| [authentication, &words(more)].concat();
        if let Some(password) = tree.value(&plain).map(str::to_owned).filter(|password| !password.is_empty())
            && tree.set(&encrypted(&["encrypted-password", &hash(&password)])).is_err()
        {
            // What cannot be kept as a hash is not kept at all: the user has no password then.
            tree.delete(&encrypted(&["encrypted-password"]));
        }
        tree.delete(&plain);
    }
}

/// Whether a commit would keep the tree as it is: it holds no password that becomes a hash.
#[must_use]
pub fn is_sealed(tree: &Tree) -> bool {
    open(tree).is_empty()
}

/// The paths of the passwords that were typed.
fn open(tree: &Tree) -> Vec<Vec<String>> {
    let users = tree.children(&words(&["system", "login", "user"]));
    let plain = |user: &str| words(&["system", "login", "user", user, "authentication", "plaintext-password"]);
    users.into_iter().map(plain).filter(|path| tree.value(path).is_some()).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
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
            assert!(!is_sealed(&tree), "{lines}");
            seal(&mut tree, |password| format!("$6$hash${}", password.len()));
            let text = print::file(&tree);
            assert!(is_sealed(&tree), "{lines}");
            assert!(text.contains(expect), "{lines}: {text}");
            assert!(!text.contains("plaintext-password") && !text.contains("secret"), "{lines}: {text}");
        }
    }
}
