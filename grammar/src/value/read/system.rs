//! Values of `system …` that end up in files of the system: accounts, keys, settings of the kernel.
//!
//! Each is so narrow that no value can break out of the line or the path that it will stand in.

/// As the account tools take it (`NAME_REGEX` of Debian and Vyatta's own pattern).
pub(super) fn user_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('$').unwrap_or(text);
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if first && text.len() <= 32 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "invalid user name {}; up to 32 letters, digits, hyphens and underscores are wanted, beginning with a letter",
        crate::value::printable(text)
    ))
}

pub(super) fn full_name(text: &str) -> Result<String, String> {
    let bad = |c: char| c.is_control() || c == ':';
    if text.chars().count() <= 100 && !text.contains(bad) {
        return Ok(text.to_owned());
    }
    Err("a name of up to 100 characters without colons is wanted".to_owned())
}

pub(super) fn directory(text: &str) -> Result<String, String> {
    let path = text.strip_suffix('/').unwrap_or(text);
    let good = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@'))
    };
    match path.strip_prefix('/') {
        Some(below) if text.len() <= 255 && below.split('/').all(good) => Ok(path.to_owned()),
        _ => Err("the absolute path of a directory is wanted, such as /srv/anna".to_owned()),
    }
}

/// Never longer than what the hash is still quick for.
pub(super) fn plain_password(text: &str) -> Result<String, String> {
    if text.len() <= 128 && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err("a password of up to 128 octets without control characters is wanted".to_owned())
}

/// The characters of a hash, and `!` or `*` for an account that no password opens.
pub(super) fn password_hash(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '$' | '.' | '/' | '=' | ',' | '!' | '*' | '_' | '-');
    let locked = text.starts_with(['!', '*']);
    let hashed = text.starts_with('$') && text.matches('$').count() >= 2;
    let traditional = text.len() == 13;
    if text.len() <= 256 && text.chars().all(good) && (locked || hashed || traditional) {
        return Ok(text.to_owned());
    }
    Err("a hash such as $6$... is wanted; use plaintext-password for a password that is not hashed yet".to_owned())
}

pub(super) fn key_name(text: &str) -> Result<String, String> {
    let bad = |c: char| c.is_control() || c.is_whitespace();
    if !text.is_empty() && text.len() <= 128 && !text.contains(bad) {
        return Ok(text.to_owned());
    }
    Err("a name of up to 128 octets without blanks is wanted, such as anna@laptop".to_owned())
}

pub(super) fn public_key(text: &str) -> Result<String, String> {
    let body = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(body.len());
    let base64 = body.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'));
    if base64 && padding <= 2 && (16..=16384).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err("Invalid public key character not base-64; give the key alone, without its type and its name".to_owned())
}

pub(super) fn log_file(text: &str) -> Result<String, String> {
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if first && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        return Ok(text.to_owned());
    }
    Err("the name of a file in /var/log/user is wanted, without a directory".to_owned())
}

/// Settings of the network only: the others belong to the machine, not to the router.
pub(super) fn sysctl_name(text: &str) -> Result<String, String> {
    let good = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '@'))
            && part.split('/').all(|between| !between.is_empty())
    };
    let mut parts = text.split('.');
    if parts.next() == Some("net") && text.len() <= 128 && parts.clone().count() >= 2 && parts.all(good) {
        return Ok(text.to_owned());
    }
    Err("the name of a setting below net is wanted, such as net.ipv4.tcp_syncookies; others are not the router's"
        .to_owned())
}

pub(super) fn sysctl_value(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | ',' | ':' | '/' | '+');
    if !text.trim().is_empty() && text.len() <= 128 && text.chars().all(good) {
        return Ok(text.trim().to_owned());
    }
    Err("numbers or words are wanted, such as 1 or \"4096 16384 65536\"".to_owned())
}
