//! The manual of `| json`: which keys each show command has, written from the views themselves.
//!
//! `UPDATE_EXPECT=1` writes it anew. What it says of keys and values is held against every golden view, so that
//! neither can change alone. Never knows a key by itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and reads files"
)]

#[path = "json/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use source::{Field, Item, Shape, Variant, inner, kebab};

const HEAD: &str = "\
# JSON of the show commands

`show … | json` prints the value whose text `show …` prints. Keys are part of the interface: they are not renamed, and
what is added is added beside them. Durations are whole seconds, times are seconds since the Unix epoch, sizes are octets,
unless a key says otherwise. An absent key means that the thing does not apply.

`show bgp` and `show interfaces detail` print a list. `show configuration | json` prints the configuration itself: words
are keys, values are text, repeatable values are lists. `show system commit diff N | json` prints `index` and `changes`,
a list of `set` and `delete` commands; `show system commit file N` a configuration; `show configuration files` a list of
paths; `show history` a list `history` of `number` and `line`; `show tech-support` an object whose keys are commands and
whose values are what each of them prints, or null.

## Commands

| command | value |
|---|---|
";

fn folder(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// Every type that views are made of.
fn items() -> Vec<Item> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder("src/view")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.extend([folder("src/view.rs"), folder("src/request.rs")]);
    files.iter().flat_map(|path| source::items(&fs::read_to_string(path).unwrap())).collect()
}

fn item<'a>(items: &'a [Item], name: &str) -> Option<&'a Item> {
    items.iter().find(|item| item.name == name)
}

fn views(items: &[Item]) -> &[Variant] {
    match item(items, "View").map(|item| &item.shape) {
        Some(Shape::Enum(variants)) => variants,
        _ => panic!("there is no enum View"),
    }
}

/// The words for a type of values; a link where it has a chapter.
fn words(items: &[Item], kind: &str) -> String {
    if let Some(inside) = inner("Option", kind) {
        return words(items, inside);
    }
    if let Some(inside) = inner("Vec", kind) {
        return format!("list of {}", words(items, inside));
    }
    if item(items, kind).is_some() {
        return format!("[{kind}](#{})", kind.to_lowercase());
    }
    let known = match kind {
        "String" => "text",
        "bool" => "true or false",
        "f64" | "i32" | "u8" | "u16" | "u32" | "u64" => "number",
        "[f64; 3]" => "list of 3 numbers",
        "Asn" => "number, an AS",
        "Revision" => "number, a revision",
        "Family" => "`ipv4-unicast` or `ipv6-unicast`",
        "IfName" => "text, an interface",
        "InterfaceAddress" => "text, `192.0.2.1/24`",
        "IpAddr" => "text, an address",
        "Ipv4Addr" => "text, an IPv4 address",
        "Prefix" => "text, `192.0.2.0/24`",
        "BalancerShown" => "`summary`, `services`, `service`, `backends`, `connections` or `statistics`",
        "MacAddress" => "text, `00:53:00:00:00:01`",
        "DampingShown" => "`paths`, `flaps` or `parameters`",
        "PathValidity" => "`valid`, `invalid` or `unknown`",
        "Validity" => "`valid`, `invalid` or `notfound`",
        "SocketAddr" => "text, `192.0.2.1:179` or `[2001:db8::1]:179`",
        other => panic!("the manual has no words for the type {other}"),
    };
    known.to_owned()
}

fn rows(items: &[Item], fields: &[Field]) -> String {
    let row = |field: &Field| {
        let absent = if field.may_be_absent { ", may be absent" } else { "" };
        format!("| `{}` | {}{absent} | {} |\n", field.key, words(items, &field.kind), field.help)
    };
    let rows: String = fields.iter().map(row).collect();
    format!("| key | value | what |\n|---|---|---|\n{rows}")
}

fn chapter(items: &[Item], one: &Item) -> String {
    let mut text = format!("\n### {}\n\n{}\n\n", one.name, one.help);
    match &one.shape {
        Shape::Struct(fields) => text.push_str(&rows(items, fields)),
        Shape::Enum(variants) => {
            text.push_str("One of\n\n");
            for Variant { word, help, payload, fields, .. } in variants {
                let with = match payload {
                    Some(kind) => format!("object with the key `{word}`: {}", words(items, kind)),
                    None if fields.is_empty() => format!("`{word}`"),
                    None => {
                        let keys: Vec<String> = fields
                            .iter()
                            .map(|field| format!("`{}` ({}): {}", field.key, words(items, &field.kind), field.help))
                            .collect();
                        format!("object with the key `{word}`, and in it {}", keys.join("; "))
                    }
                };
                text.push_str(&format!("- {with}: {help}\n"));
            }
        }
    }
    text
}

/// Types that a view leads to, with itself, in the order in which they are read.
fn reachable(items: &[Item], kind: &str, seen: &mut Vec<String>) {
    let kind = inner("Option", kind).or_else(|| inner("Vec", kind)).unwrap_or(kind);
    let Some(one) = item(items, kind).filter(|one| !seen.contains(&one.name)) else { return };
    seen.push(one.name.clone());
    let fields: Vec<&str> = match &one.shape {
        Shape::Struct(fields) => fields.iter().map(|field| field.kind.as_str()).collect(),
        Shape::Enum(variants) => {
            let own = variants.iter().flat_map(|variant| variant.fields.iter().map(|field| field.kind.as_str()));
            own.chain(variants.iter().filter_map(|variant| variant.payload.as_deref())).collect()
        }
    };
    fields.into_iter().for_each(|kind| reachable(items, kind, seen));
}

fn manual(items: &[Item]) -> String {
    let mut text = HEAD.to_owned();
    let mut seen = Vec::new();
    for view in views(items) {
        let kind = view.payload.as_deref().unwrap_or_default();
        let commands = view.help.trim_end_matches('.');
        text.push_str(&format!("| {commands} | {} |\n", words(items, kind)));
        reachable(items, kind, &mut seen);
    }
    text.push_str("\n## Values\n");
    for name in seen {
        text.push_str(&item(items, &name).map(|one| chapter(items, one)).unwrap_or_default());
    }
    text
}

#[test]
fn the_manual_of_json_is_fresh() {
    let path = folder("../../docs/manual/json.md");
    let expected = manual(&items());
    let found = fs::read_to_string(&path).unwrap_or_default();
    if env::var_os("UPDATE_EXPECT").is_some() && found != expected {
        fs::write(&path, &expected).unwrap();
    }
    let differs = found.lines().zip(expected.lines()).find(|(old, new)| old != new);
    assert!(found == expected, "docs/manual/json.md is stale, UPDATE_EXPECT=1 writes it anew: {differs:?}");
}

/// What a value has that its type does not say.
fn strangers(items: &[Item], value: &Value, kind: &str, at: &str, out: &mut Vec<String>) {
    if let Some(inside) = inner("Option", kind) {
        return strangers(items, value, inside, at, out);
    }
    if let (Some(inside), Value::Array(values)) = (inner("Vec", kind), value) {
        return values.iter().for_each(|value| strangers(items, value, inside, at, out));
    }
    let Some(one) = item(items, kind) else {
        return match (value, kind) {
            (Value::Object(_), kind) => out.push(format!("{at}: {kind} is an object")),
            (Value::String(_), "u64" | "u32" | "bool" | "f64" | "Asn") => out.push(format!("{at}: {kind} is text")),
            _ => {}
        };
    };
    let fields = |fields: &[Field], object: &serde_json::Map<String, Value>, out: &mut Vec<String>| {
        for (key, value) in object {
            match fields.iter().find(|field| field.key == *key) {
                Some(field) => strangers(items, value, &field.kind, &format!("{at}.{key}"), out),
                None => out.push(format!("{at}.{key} is not in the manual")),
            }
        }
        let missing = fields.iter().filter(|field| !field.may_be_absent && !object.contains_key(&field.key));
        out.extend(missing.map(|field| format!("{at}.{} is missing", field.key)));
    };
    match (&one.shape, value) {
        (Shape::Struct(known), Value::Object(object)) => fields(known, object, out),
        (Shape::Enum(variants), Value::String(word)) => {
            if !variants.iter().any(|variant| variant.word == *word) {
                out.push(format!("{at}: {word} is not in the manual"));
            }
        }
        (Shape::Enum(variants), Value::Object(object)) => {
            for (word, value) in object {
                match variants.iter().find(|variant| variant.word == *word) {
                    Some(Variant { payload: Some(kind), .. }) => strangers(items, value, kind, at, out),
                    Some(variant) => fields(&variant.fields, value.as_object().unwrap(), out),
                    None => out.push(format!("{at}: {word} is not in the manual")),
                }
            }
        }
        _ => out.push(format!("{at}: not what {kind} is")),
    }
}

#[test]
fn every_view_has_an_example_and_no_example_has_more_than_the_manual_says() {
    let items = items();
    let mut shown = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder("../../tests/golden/show")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        // Read and written once, so that what may be left out of the file is there.
        let view: api::View = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let Value::Object(wrapped) = serde_json::to_value(&view).unwrap() else { panic!("{}", path.display()) };
        for (tag, value) in wrapped {
            let view = views(&items).iter().find(|view| view.word == tag).unwrap();
            let at = path.file_name().unwrap().to_string_lossy().into_owned();
            strangers(&items, &value, view.payload.as_deref().unwrap(), &at, &mut wrong);
            shown.insert(tag);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let without: Vec<&str> =
        views(&items).iter().map(|view| view.word.as_str()).filter(|word| !shown.contains(*word)).collect();
    assert!(without.is_empty(), "views without a golden file: {without:?}");
    assert_eq!(kebab("IdlePrefixCount"), "idle-prefix-count");
}
