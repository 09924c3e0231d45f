//! `system syslog …`: which messages go where.

use std::collections::BTreeMap;

use crate::model::reader::Reader;

/// The least level of each facility that goes to one place, in the words of the configuration.
pub type Facilities = BTreeMap<String, String>;

/// `syslog`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Syslog {
    /// `global`
    pub global: Facilities,
    /// `console`
    pub console: Facilities,
    /// `file <name>`
    pub files: BTreeMap<String, Facilities>,
    /// `host <host>`
    pub hosts: BTreeMap<String, Facilities>,
    /// `user <name>`
    pub users: BTreeMap<String, Facilities>,
}

pub(super) fn lower(syslog: &Reader<'_>) -> Syslog {
    let several = |word: &'static str| {
        let places = syslog.instances::<String>(word).into_iter();
        places.map(|(name, place)| (name, facilities(&place))).collect()
    };
    Syslog {
        global: facilities(&syslog.at("global")),
        console: facilities(&syslog.at("console")),
        files: several("file"),
        hosts: several("host"),
        users: several("user"),
    }
}

fn facilities(place: &Reader<'_>) -> Facilities {
    let facilities = place.instances::<String>("facility").into_iter();
    facilities.map(|(name, facility)| (name, facility.leaf_or_default("level"))).collect()
}
