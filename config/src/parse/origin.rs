//! Who wrote a file, told by the machine's own remarks at its end.
//!
//! Never reads the configuration itself.

use grammar::parse::FileVersion;

use crate::print::VERSION;

/// Why a file is refused: a newer release wrote it, in words that this one may misunderstand.
pub(super) fn newer(version: &FileVersion) -> Option<String> {
    if version.flavor != "towpath" {
        return None;
    }
    let number = version.components.trim();
    // A number beyond all measure is newer still.
    let known = number.parse::<u64>().is_ok_and(|number| number <= VERSION);
    let release = version.release.as_deref().map(|release| format!(" of release {release}")).unwrap_or_default();
    (!known).then(|| {
        format!(
            "written by a newer towpath{release}: its words are of version {}, this release knows those up to {VERSION}; \
             install that release, or take the version line out of the file to read what can be understood",
            number.chars().filter(|c| c.is_ascii_graphic()).take(20).collect::<String>()
        )
    })
}

/// The relative that wrote a file, with its release.
pub(super) fn relative(version: &FileVersion) -> Option<String> {
    let release = version.release.as_deref().unwrap_or_default();
    let release: String = release.chars().filter(|c| !c.is_control()).take(60).collect();
    let name = match version.flavor.as_str() {
        "vyos" => "VyOS",
        // EdgeOS counts its releases v1.10.7, Vyatta VC6.6 and VyOS before 1.3 just 1.2.9.
        "vyatta" if version.components.contains("ubnt") || release.starts_with("v1.") || release.starts_with("v2.") => {
            "EdgeOS"
        }
        "vyatta" if release.starts_with(|c: char| c.is_ascii_digit()) || release.starts_with("VyOS") => "VyOS",
        "vyatta" => "Vyatta",
        _ => return None,
    };
    let release = release.trim_start_matches("VyOS").trim();
    Some(if release.is_empty() { name.to_owned() } else { format!("{name} {release}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(flavor: &str, components: &str, release: &str) -> FileVersion {
        let release = (!release.is_empty()).then(|| release.to_owned());
        FileVersion { flavor: flavor.to_owned(), components: components.to_owned(), release }
    }

    #[test]
    fn a_relative_is_known_by_its_remarks() {
        for (flavor, components, release, expect) in [
            ("vyatta", "firewall@5:ubnt-util@1", "v1.10.7.5127989", Some("EdgeOS v1.10.7.5127989")),
            ("vyatta", "firewall@5:system@4", "v2.0.9", Some("EdgeOS v2.0.9")),
            ("vyatta", "quagga@2:system@6", "VC6.6R1", Some("Vyatta VC6.6R1")),
            ("vyatta", "quagga@7:system@11", "1.2.9", Some("VyOS 1.2.9")),
            ("vyatta", "quagga@2:system@6", "VyOS 1.1.8", Some("VyOS 1.1.8")),
            ("vyos", "bgp@5:system@27", "1.4.0", Some("VyOS 1.4.0")),
            ("vyos", "bgp@5:system@27", "", Some("VyOS")),
            ("towpath", "1", "0.1.0", None),
        ] {
            assert_eq!(relative(&version(flavor, components, release)).as_deref(), expect, "{release}");
        }
    }

    #[test]
    fn only_a_newer_version_of_our_own_is_refused() {
        for (flavor, number, refused) in [
            ("towpath", "0", false),
            ("towpath", "1", false),
            ("towpath", "2", true),
            ("towpath", "99999999999999999999999", true),
            ("towpath", "one", true),
            ("vyos", "bgp@5", false),
        ] {
            assert_eq!(newer(&version(flavor, number, "9.9.9")).is_some(), refused, "{number}");
        }
    }
}
