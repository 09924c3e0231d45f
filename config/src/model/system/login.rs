//! `system login …`: accounts and banners.
//!
//! Passwords are hashes here: what a person types is hashed before a tree is read (`crate::secret`).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::model::reader::Reader;

/// `login`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// `banner pre-login`
    pub pre_login: Option<String>,
    /// `banner post-login`
    pub post_login: Option<String>,
    /// `user <name>`
    pub users: BTreeMap<String, User>,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    #[default]
    Admin,
    /// Look, not change.
    Operator,
}

/// `user <name>`
#[derive(Clone, Default, PartialEq, Eq)]
pub struct User {
    /// `full-name`, never empty.
    pub full_name: Option<String>,
    /// `level`
    pub level: Level,
    /// `home-directory`
    pub home: Option<String>,
    /// `authentication encrypted-password`
    pub password: Option<String>,
    /// `authentication public-keys <name>`
    pub keys: BTreeMap<String, PublicKey>,
}

/// `public-keys <name>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKey {
    /// `type`
    pub kind: Option<String>,
    /// `key`, in base64.
    pub key: Option<String>,
    /// `options`, as `sshd(8)` has them.
    pub options: Option<String>,
}

impl User {
    /// Whether there is a way to log in.
    #[must_use]
    pub fn can_log_in(&self) -> bool {
        let password = self.password.as_ref().is_some_and(|hash| !hash.starts_with(['!', '*']));
        password || self.keys.values().any(|key| key.key.is_some() && key.kind.is_some())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
        })
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "admin" => Ok(Self::Admin),
            "operator" => Ok(Self::Operator),
            _ => Err("Allowed levels are \"admin\" and \"operator\"".to_owned()),
        }
    }
}

/// A hash is a secret, too: it is left out.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("full_name", &self.full_name)
            .field("level", &self.level)
            .field("home", &self.home)
            .field("password", &self.password.as_ref().map(|_| "****"))
            .field("keys", &self.keys.keys())
            .finish()
    }
}

pub(super) fn lower(login: &Reader<'_>) -> Login {
    let banner = login.at("banner");
    Login {
        pre_login: banner.leaf("pre-login"),
        post_login: banner.leaf("post-login"),
        users: login.instances::<String>("user").into_iter().map(|(name, place)| (name, user(&place))).collect(),
    }
}

fn user(place: &Reader<'_>) -> User {
    let authentication = place.at("authentication");
    // Hashed and taken out before a tree becomes a model; here it would stand for nothing.
    let _ = authentication.leaf::<String>("plaintext-password");
    User {
        full_name: place.leaf("full-name").filter(|name: &String| !name.is_empty()),
        level: place.leaf_or_default("level"),
        home: place.leaf("home-directory"),
        password: authentication.leaf("encrypted-password"),
        keys: keys(&authentication),
    }
}

fn keys(authentication: &Reader<'_>) -> BTreeMap<String, PublicKey> {
    let keys = authentication.instances::<String>("public-keys").into_iter();
    let key = |place: &Reader<'_>| PublicKey {
        kind: place.leaf("type"),
        key: place.leaf("key"),
        options: place.leaf("options"),
    };
    keys.map(|(name, place)| (name, key(&place))).collect()
}
