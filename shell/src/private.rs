//! `| strip-private`: a text that can be shown to strangers.
//!
//! Secrets, names of hosts and users, the first half of each address and AS numbers are replaced by marks, always
//! by the same ones, so that the shape of a configuration stays readable. What a mark stands for is not told.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Words whose next word is nobody's business, and what stands in its place.
const HIDDEN: &[(&str, &str)] = &[
    ("password", "xxxxxx"),
    ("plaintext-password", "xxxxxx"),
    ("encrypted-password", "xxxxxx"),
    ("passphrase", "xxxxxx"),
    ("pre-shared-secret", "xxxxxx"),
    ("secret", "xxxxxx"),
    ("key", "xxxxxx"),
    ("public-keys", "xxxxxx"),
    ("host-name", "xxxxxx"),
    ("domain-name", "xxxxxx"),
    ("host-mapping", "xxxxxx"),
    ("user", "xxxxxx"),
    ("hostName", "xxxxxx"),
    ("domainName", "xxxxxx"),
    ("bgp", "XXXXXX"),
    ("remote-as", "XXXXXX"),
    ("local-as", "XXXXXX"),
    ("system-as", "XXXXXX"),
    ("remoteAs", "XXXXXX"),
    ("localAs", "XXXXXX"),
    ("asn", "XXXXXX"),
    ("AS", "XXXXXX"),
    ("as", "XXXXXX"),
    ("number", "XXXXXX"),
];

/// The text without what is private.
#[must_use]
pub(crate) fn strip(text: &str) -> String {
    text.lines().map(|line| strip_line(line) + "\n").collect()
}

/// A line is words, bare or in quotes, and what stands between them.
fn strip_line(line: &str) -> String {
    let mut stripped = String::with_capacity(line.len());
    let mut mark = None;
    // The first column may tell what is new or gone; it is no part of a word.
    let (column, mut rest) = line.split_at(usize::from(line.starts_with(['+', '-', '>'])));
    stripped.push_str(column);
    while let Some(sign) = rest.chars().next() {
        let (word, end) = match sign {
            '"' | '\'' => {
                stripped.push(sign);
                let inside = rest.get(1..).unwrap_or_default();
                let length = inside.find(sign).unwrap_or(inside.len());
                (inside.get(..length).unwrap_or_default(), length.saturating_add(1))
            }
            sign if is_gap(sign) || is_colon(rest) => {
                // What stands in braces or on the other side of a comma belongs to another word.
                if matches!(sign, '{' | '}' | ',' | ';') {
                    mark = None;
                }
                stripped.push(sign);
                rest = rest.get(sign.len_utf8()..).unwrap_or_default();
                continue;
            }
            _ => {
                let ends = |(at, sign): (usize, char)| {
                    is_gap(sign) || matches!(sign, '"' | '\'') || rest.get(at..).is_some_and(is_colon)
                };
                let length = rest.char_indices().find(|place| ends(*place)).map_or(rest.len(), |(at, _)| at);
                (rest.get(..length).unwrap_or_default(), length)
            }
        };
        match mark.take() {
            Some(mark) if hides(mark, word) => stripped.push_str(mark),
            _ => stripped.push_str(&without_address(word)),
        }
        mark = HIDDEN.iter().find(|(name, _)| *name == word).map(|(_, mark)| *mark);
        rest = rest.get(end..).unwrap_or_default();
        if matches!(sign, '"' | '\'') && rest.starts_with(sign) {
            stripped.push(sign);
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    stripped
}

/// The colon behind a key of JSON; those within an address have no blank behind them.
fn is_colon(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|behind| behind.is_empty() || behind.starts_with(' '))
}

fn is_gap(sign: char) -> bool {
    sign.is_whitespace() || matches!(sign, '{' | '}' | ',' | ';' | '[' | ']' | '(' | ')')
}

/// A mark for AS numbers replaces numbers only: `bgp` may stand before many words.
fn hides(mark: &str, word: &str) -> bool {
    mark == "xxxxxx" || (!word.is_empty() && word.chars().all(|sign| sign.is_ascii_digit()))
}

/// A word whose first half is hidden where it is an address, with a length behind it or not.
fn without_address(word: &str) -> String {
    let (address, length) = word.split_at(word.find(['/', '%']).unwrap_or(word.len()));
    if let Ok(address) = address.parse::<Ipv4Addr>() {
        let [_, _, third, fourth] = address.octets();
        return format!("xxx.xxx.{third}.{fourth}{length}");
    }
    if let Ok(address) = address.parse::<Ipv6Addr>() {
        let [_, _, _, _, fifth, sixth, seventh, eighth] = address.segments();
        return format!("xxxx:xxxx:xxxx:xxxx:{fifth:x}:{sixth:x}:{seventh:x}:{eighth:x}{length}");
    }
    let mac: Vec<&str> = word.split(':').collect();
    match mac.as_slice() {
        [_, _, _, _, _, last] if mac.iter().all(|part| part.len() == 2 && u8::from_str_radix(part, 16).is_ok()) => {
            format!("xx:xx:xx:xx:xx:{last}")
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_words_are_replaced_and_the_shape_stays() {
        for (line, expect) in [
            ("    bgp 64512 {", "    bgp XXXXXX {"),
            (
                "set protocols bgp 64512 neighbor 192.0.2.1 remote-as '64513'",
                "set protocols bgp XXXXXX neighbor xxx.xxx.2.1 remote-as 'XXXXXX'",
            ),
            ("        password \"top secret\"", "        password \"xxxxxx\""),
            ("        neighbor 2001:db8::1 {", "        neighbor xxxx:xxxx:xxxx:xxxx:0:0:0:1 {"),
            ("    host-name r1", "    host-name xxxxxx"),
            ("  \"remoteAs\": 64512,", "  \"remoteAs\": XXXXXX,"),
            ("  \"address\": \"192.0.2.1\",", "  \"address\": \"xxx.xxx.2.1\","),
            (
                "BGP router identifier 192.0.2.1, local AS number 64512",
                "BGP router identifier xxx.xxx.2.1, local AS number XXXXXX",
            ),
            ("    address 10.0.0.1/24", "    address xxx.xxx.0.1/24"),
            ("    hw-id 52:54:00:12:34:56", "    hw-id xx:xx:xx:xx:xx:56"),
            ("user bob {", "user xxxxxx {"),
            ("  mtu 1500", "  mtu 1500"),
            ("show bgp summary", "show bgp summary"),
        ] {
            assert_eq!(strip(line), format!("{expect}\n"), "{line}");
        }
    }

    #[test]
    fn the_same_text_is_always_stripped_the_same_way() {
        let once = strip("neighbor 192.0.2.1 password x");
        assert_eq!(strip(&once), once);
    }
}
