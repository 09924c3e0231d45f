//! Configurations made of the schema, so that every word takes part in the laws from the day it is written.
//!
//! Statements are the schema's examples and a few other values. A draw takes some instances and most of what may stand
//! below each; what the rules refuse of it is left out. Never makes what a commit would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use config::check::{self, Context};
use config::parse::Parsed;
use config::{Model, Tree};
use grammar::schema::{Node, ROOT, Shape};
use grammar::value::ValueKind;
use proptest::prelude::*;

/// Values besides the examples; each kind takes those that are of it.
const OTHERS: &[&str] = &[
    "eth1",
    "br1",
    "dum0",
    "64999",
    "1400",
    "7",
    "0",
    "198.51.100.7",
    "198.51.100.9/24",
    "198.51.100.0/24",
    "2001:db8:7::7",
    "2001:db8:7::9/64",
    "2001:db8:7::/48",
    "00:53:00:00:00:77",
    "Europe/Berlin",
    "/srv/other",
    "another",
];

/// The same for values that nobody may read.
const SECRETS: &[&str] = &["$6$salt$another", "AAAAB3NzaC1yc2EAAAADAQABAAAA", "0ther-s3cret"];

/// How many values a leaf takes part with, and how many a word that names instances.
const LEAF_VALUES: usize = 3;
const INSTANCES: usize = 2;

/// Everything that can be said.
#[derive(Default)]
pub(super) struct Vocabulary {
    /// The statements, by the instance that they stand below.
    statements: BTreeMap<Vec<String>, Vec<Vec<String>>>,
    /// The words alone, without values.
    words: BTreeMap<Vec<String>, BTreeSet<String>>,
    /// Values that nobody may read.
    pub(super) secrets: BTreeSet<String>,
}

pub(super) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut vocabulary = Vocabulary::default();
    for child in ROOT.children {
        vocabulary.walk(child, &[], &[], &[]);
    }
    vocabulary
});

impl Vocabulary {
    fn walk(&mut self, node: &'static Node, above: &[String], instance: &[String], words: &[&str]) {
        let path = [above, &[node.name.to_owned()]].concat();
        let words = [words, &[node.name]].concat();
        // Without an instance, the first two words tell what belongs together.
        let of_two = if path.len() == 2 { path.clone() } else { instance.to_vec() };
        match node.shape {
            Shape::Inner => self.below(node, &path, &of_two, &words),
            Shape::Flag => self.say(path, &of_two, &words),
            Shape::Tag(kind) => {
                for value in values(node, kind, INSTANCES) {
                    let path = [&path[..], &[value]].concat();
                    self.below(node, &path, &path, &words);
                }
            }
            Shape::Leaf(kind) | Shape::Multi(kind) => {
                for value in values(node, kind, LEAF_VALUES) {
                    if node.secret {
                        self.secrets.insert(value.clone());
                    }
                    self.say([&path[..], &[value]].concat(), &of_two, &words);
                }
            }
        }
    }

    fn below(&mut self, node: &'static Node, path: &[String], instance: &[String], words: &[&str]) {
        if matches!(node.shape, Shape::Tag(_)) || node.presence {
            self.say(path.to_vec(), instance, words);
        }
        for child in node.children {
            self.walk(child, path, instance, words);
        }
    }

    fn say(&mut self, statement: Vec<String>, instance: &[String], words: &[&str]) {
        self.words.entry(statement.clone()).or_default().insert(words.join(" "));
        self.statements.entry(instance.to_vec()).or_default().push(statement);
    }

    /// The names of all instances of a word.
    pub(super) fn instances(&self, above: &[&str]) -> BTreeSet<String> {
        let below = self.statements.keys().filter(|instance| instance.iter().zip(above).all(|(one, two)| one == two));
        below.filter_map(|instance| instance.get(above.len()).cloned()).collect()
    }
}

fn values(node: &Node, kind: ValueKind, most: usize) -> Vec<String> {
    let others = match kind {
        _ if node.secret => SECRETS.to_vec(),
        ValueKind::Choice(words) => words.iter().map(|(word, _)| *word).collect(),
        _ => OTHERS.to_vec(),
    };
    let all = node.example.into_iter().chain(others).filter_map(|text| kind.parse(text).ok());
    let mut values = Vec::new();
    for value in all {
        if !values.contains(&value) && values.len() < most {
            values.push(value);
        }
    }
    values
}

/// What falls to a statement by this luck.
fn lot(luck: u64, of: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (luck, of).hash(&mut hasher);
    hasher.finish()
}

/// A configuration that a commit would accept.
#[derive(Clone, Default)]
pub(super) struct Sample {
    tree: Tree,
    pub(super) model: Model,
}

impl Sample {
    /// Takes some statements of these instances: of one many, of another few. Which, and which value is the last word,
    /// is a matter of luck.
    fn of(instances: &[&'static Vec<String>], luck: u64) -> Self {
        let lot = |of: &Vec<String>| lot(luck, of);
        let mut said = Vec::new();
        for instance in instances {
            let share = lot(instance) % 8;
            // What stands directly below an instance is what it mostly cannot do without.
            let is_drawn = |statement: &[String], lot: u64| {
                lot % 8 <= share || (statement.len() == instance.len() + 2 && lot % 8 != share)
            };
            let statements = VOCABULARY.statements[*instance].iter().map(|statement| (lot(statement), statement));
            said.extend(statements.filter(|(lot, statement)| is_drawn(statement, *lot)));
        }
        said.sort();
        let mut tree = Tree::default();
        for (_, statement) in said {
            // A second instance of a word that may have one is refused, which is as good.
            let _ = tree.set(statement);
        }
        config::secret::seal(&mut tree, |_| "$6$salt$sealed".to_owned());
        Self::sound(tree, luck)
    }

    /// Half of what the rules refuse goes, until they refuse nothing: of two that exclude each other, one stays. Of an
    /// instance that is refused as a whole, one statement goes at a time.
    fn sound(mut tree: Tree, luck: u64) -> Self {
        loop {
            let errors = match check::accept(&tree, &Context::default()) {
                Ok(model) => return Self { tree, model },
                Err(errors) => errors,
            };
            let before = tree.clone();
            let mut leaves = tree.leaves();
            leaves.sort_by_key(|leaf| lot(luck.wrapping_add(1), leaf));
            for error in &errors[..errors.len().div_ceil(2)] {
                // What the reason mentions is more likely to be at fault than the rest of the instance.
                let mut below: Vec<_> = leaves.iter().filter(|leaf| leaf.starts_with(&error.path)).collect();
                let ends = |leaf: &[String]| leaf[error.path.len().max(leaf.len() - 2)..].to_vec();
                below.sort_by_key(|leaf| !ends(leaf).iter().any(|word| error.message.contains(word.as_str())));
                if let Some(leaf) = below.first() {
                    tree.delete(leaf);
                }
            }
            if tree == before {
                let parsed = Parsed { tree, problems: Vec::new(), maimed: Vec::new(), version: None, added: None };
                tree = check::admit(&parsed, &Context::default()).tree;
            }
        }
    }

    /// The same with one more statement, if the rules allow it.
    fn with(&self, statement: &[String]) -> Option<Self> {
        let mut tree = self.tree.clone();
        tree.set(statement).ok()?;
        config::secret::seal(&mut tree, |_| "$6$salt$sealed".to_owned());
        let model = check::accept(&tree, &Context::default()).ok()?;
        Some(Self { tree, model })
    }

    /// The words that it says, without values.
    fn words(&self) -> impl Iterator<Item = &'static String> {
        let leaves = self.tree.leaves().into_iter();
        let above = leaves.flat_map(|leaf| (1..=leaf.len()).map(|depth| leaf[..depth].to_vec()).collect::<Vec<_>>());
        above.filter_map(|path| VOCABULARY.words.get(&path)).flatten()
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.leaves().iter().try_for_each(|leaf| writeln!(f, "set {}", leaf.join(" ")))
    }
}

/// A sound configuration of some instances.
pub(super) fn sample() -> impl Strategy<Value = Sample> {
    let all: Vec<&Vec<String>> = VOCABULARY.statements.keys().collect();
    let most = all.len() / 8;
    let statements: Vec<&Vec<String>> = VOCABULARY.words.keys().collect();
    let more = prop::collection::vec(prop::sample::select(statements), 0..4);
    (prop::sample::subsequence(all, 0..=most), any::<u64>(), more).prop_map(|(instances, luck, more)| {
        let drawn = Sample::of(&instances, luck);
        more.into_iter().fold(drawn, |sample, statement| sample.with(statement).unwrap_or(sample))
    })
}

#[test]
fn nearly_every_word_of_the_schema_comes_up_in_a_few_draws() {
    let all: BTreeSet<&String> = VOCABULARY.words.values().flatten().collect();
    let mut missing = all.clone();
    for luck in 0..20 {
        for tops in
            [["interfaces", "service"], ["system", ""], ["policy", ""], ["policy", "protocols"], ["balancer", ""]]
        {
            let of_tops = VOCABULARY.statements.keys().filter(|one| tops.contains(&one[0].as_str()));
            let some = of_tops.filter(|one| lot(luck, one) % 8 < 4);
            for word in Sample::of(&some.collect::<Vec<_>>(), luck).words() {
                missing.remove(word);
            }
        }
    }
    // A few want company that luck seldom gives: a list of that name, a later rule of that number.
    assert!(missing.len() * 7 < all.len(), "of {} words, no draw has {missing:#?}", all.len());
}
