//! Types of views as their source says them: names, documentation, keys as they are written to JSON.
//!
//! Reads one item a line, as rustfmt lays them out; never knows more of Rust than that.

/// A struct or an enum.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) may_be_absent: bool,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) word: String,
    pub(crate) help: String,
    /// `Variant(Type)`
    pub(crate) payload: Option<String>,
    /// `Variant { … }`
    pub(crate) fields: Vec<Field>,
}

/// What stands above an item: documentation and attributes.
#[derive(Debug, Default)]
struct Above {
    help: Vec<String>,
    attributes: Vec<String>,
}

impl Above {
    fn help(&mut self) -> String {
        std::mem::take(&mut self.help).join(" ")
    }

    fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|line| line.contains(attribute))
    }
}

/// The item of a generic type: `u64` of `Option<u64>`.
pub(crate) fn inner<'a>(generic: &str, kind: &'a str) -> Option<&'a str> {
    kind.strip_prefix(generic)?.strip_prefix('<')?.strip_suffix('>')
}

/// The structs and enums of a file that are written to JSON.
pub(crate) fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut above = Above::default();
    let (mut inside, mut camel) = (false, false);
    for line in text.lines() {
        let word = line.trim();
        if let Some(help) = word.strip_prefix("///") {
            above.help.push(help.trim().replace('|', "\\|"));
        } else if word.starts_with("#[") {
            above.attributes.push(word.to_owned());
        } else if let Some((kind, name)) = opening(line).filter(|_| above.has("Serialize")) {
            camel = above.has("camelCase");
            let shape = if kind == "struct" { Shape::Struct(Vec::new()) } else { Shape::Enum(Vec::new()) };
            items.push(Item { name, help: above.help(), shape });
            above = Above::default();
            inside = true;
        } else if line == "}" {
            inside = false;
        } else if let Some(item) = items.last_mut().filter(|_| inside) {
            member(item, word, &mut above, camel);
            above = Above::default();
        } else {
            above = Above::default();
        }
    }
    items
}

fn opening(line: &str) -> Option<(&str, String)> {
    let (kind, rest) = line.strip_prefix("pub ")?.split_once(' ')?;
    let name = rest.strip_suffix(" {")?;
    ["struct", "enum"].contains(&kind).then(|| (kind, name.to_owned()))
}

/// One line within a struct or an enum.
fn member(item: &mut Item, line: &str, above: &mut Above, camel: bool) {
    let line = line.trim_end_matches(',');
    match &mut item.shape {
        Shape::Struct(fields) => {
            fields.extend(line.strip_prefix("pub ").and_then(|line| field(line, above, camel)));
        }
        Shape::Enum(variants) if line.starts_with(char::is_uppercase) => {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric()).collect();
            let payload = line.strip_prefix(&name).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
            variants.push(Variant {
                word: kebab(&name),
                help: above.help(),
                // Where a value lies is no matter of the interface.
                payload: payload.map(|kind| inner("Box", kind).unwrap_or(kind).to_owned()),
                fields: Vec::new(),
            });
        }
        Shape::Enum(variants) => {
            if let (Some(variant), Some(field)) = (variants.last_mut(), field(line, above, camel)) {
                variant.fields.push(field);
            }
        }
    }
}

fn field(line: &str, above: &mut Above, camel: bool) -> Option<Field> {
    let (name, kind) = line.split_once(": ")?;
    let may_be_absent = above.has("skip_serializing_if");
    let key = if camel { camel_case(name) } else { name.to_owned() };
    Some(Field { key, kind: kind.to_owned(), help: above.help(), may_be_absent })
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let mut letters = part.chars();
        let head = letters.next().map(|letter| letter.to_ascii_uppercase());
        text + &head.into_iter().chain(letters).collect::<String>()
    })
}

/// `NextHops` is `next-hops`.
pub(crate) fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
