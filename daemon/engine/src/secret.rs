//! Passwords become hashes that the system's own login understands: SHA-512 crypt.
//!
//! Never draws chance by itself: the rim gives a seed at the start, and a salt has to be unlike others, not secret.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64ct::{Base64ShaCrypt, Encoding};

/// The characters of a salt (`crypt(5)`).
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The longest salt that counts.
const SALT_LENGTH: u64 = 16;

/// The `number`-th salt of a seed.
#[must_use]
pub fn salt(seed: u128, number: u64) -> String {
    let letter = |at: u64| {
        let mut hasher = DefaultHasher::new();
        (seed, number, at).hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % 64).unwrap_or_default();
        char::from(ALPHABET.get(index).copied().unwrap_or(b'.'))
    };
    (0..SALT_LENGTH).map(letter).collect()
}

/// The hash of a password, as `/etc/shadow` has it: `$6$salt$hash`, with the usual 5000 rounds.
#[must_use]
pub fn hash(password: &str, salt: &str) -> String {
    let digest = sha_crypt::sha512_crypt(password.as_bytes(), salt.as_bytes(), sha_crypt::Params::RECOMMENDED);
    format!("$6${salt}${}", Base64ShaCrypt::encode_string(&in_order(&digest)))
}

/// The octets of a digest in the order in which SHA-512 crypt writes them: three lanes of 21, walked in turns, and the
/// last one.
fn in_order(digest: &[u8; 64]) -> Vec<u8> {
    let lanes = (0..21).map(|turn| 22 * turn).flat_map(|at| [at + 42, at + 21, at]).map(|at| at % 63);
    lanes.chain([63]).filter_map(|at| digest.get(at).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_crypt() {
        // What `openssl passwd -6 -salt` makes of them.
        for (password, salt, expect) in [
            (
                "Hello world!",
                "saltstring",
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ),
            (
                "pässwörd mit leer",
                "./09AZaz./09AZaz",
                "$6$./09AZaz./09AZaz$Ai4FOClfZid5LjtDYo6bX9DaJ5Y2Q.m0njsy5RsPDr1g5HBcS8NH3KKkN8C3Cilpv.4/CSlW09ECqTK7aK/v./",
            ),
            ("x", "s", "$6$s$SBlV1TrR7m/.1RRLMAAvh/x6acOyBKfXVqXOixcaFNbUhqE84RFnq6y5mvfWTW8EA6yIr1RuWU8IRsKA/9jfE."),
        ] {
            assert_eq!(hash(password, salt), expect);
        }
    }

    #[test]
    fn no_two_passwords_share_a_salt() {
        let salts: std::collections::BTreeSet<String> =
            (0..100).flat_map(|number| [salt(1, number), salt(2, number)]).collect();
        assert_eq!(salts.len(), 200);
        assert!(salts.iter().all(|salt| salt.len() == 16));
    }
}
