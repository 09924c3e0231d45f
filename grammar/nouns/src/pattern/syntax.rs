//! From the spelling of a pattern to a small program, after Thompson.
//!
//! Never runs the program.

use super::PatternError;

/// Nodes that a program may have.
const NODES: usize = 600;
/// How deep brackets may stand in each other.
const DEPTH: usize = 32;
/// What `_` stands for within a text.
const SEPARATORS: &str = ",{}() ";

/// A set of ASCII characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(pub(super) u128);

impl Set {
    fn of(octet: u8) -> Self {
        Self(1_u128.checked_shl(u32::from(octet)).unwrap_or(0))
    }

    pub(super) fn has(self, octet: u8) -> bool {
        self.0 & Self::of(octet).0 != 0
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One node of the program; the numbers are other nodes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    /// One character of the set.
    One(Set, usize),
    /// Either way.
    Either(usize, usize),
    /// Only before the first character.
    Begin(usize),
    /// Only behind the last character.
    End(usize),
    /// Found.
    Found,
}

/// The program; `Node::Found` is its node 0.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) start: usize,
}

/// What a pattern says.
#[derive(Clone, Debug)]
enum Tree {
    Empty,
    One(Set),
    Begin,
    End,
    Sequence(Vec<Tree>),
    Choice(Vec<Tree>),
    /// At least so often, at most so often.
    Repeat(Box<Tree>, u16, Option<u16>),
}

/// Reads a pattern.
pub(super) fn parse(text: &str) -> Result<Program, PatternError> {
    if text.is_empty() {
        return Err(wrong("it is empty"));
    }
    if !text.bytes().all(|octet| (b' '..=b'~').contains(&octet)) {
        return Err(wrong("only printable ASCII characters can stand in it"));
    }
    let mut reader = Reader { octets: text.as_bytes(), depth: 0 };
    let tree = reader.choice()?;
    if !reader.octets.is_empty() {
        return Err(wrong("')' without '('"));
    }
    let mut program = Program { nodes: vec![Node::Found], start: 0 };
    program.start = program.add(&tree, 0)?;
    Ok(program)
}

fn wrong(reason: &str) -> PatternError {
    PatternError::Syntax(reason.to_owned())
}

struct Reader<'a> {
    octets: &'a [u8],
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.octets.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.octets.split_first()?;
        self.octets = rest;
        Some(*first)
    }

    fn choice(&mut self) -> Result<Tree, PatternError> {
        let mut ways = vec![self.sequence()?];
        while self.peek() == Some(b'|') {
            self.take();
            ways.push(self.sequence()?);
        }
        Ok(Tree::Choice(ways))
    }

    fn sequence(&mut self) -> Result<Tree, PatternError> {
        let mut parts = Vec::new();
        while let Some(octet) = self.peek().filter(|octet| !matches!(octet, b'|' | b')')) {
            self.take();
            let atom = self.atom(octet)?;
            parts.push(self.repeated(atom)?);
        }
        Ok(Tree::Sequence(parts))
    }

    fn atom(&mut self, octet: u8) -> Result<Tree, PatternError> {
        Ok(match octet {
            b'^' => Tree::Begin,
            b'$' => Tree::End,
            b'.' => Tree::One(Set(u128::MAX)),
            b'_' => {
                let separators = SEPARATORS.bytes().map(Set::of).fold(Set::default(), Set::with);
                Tree::Choice(vec![Tree::Begin, Tree::One(separators), Tree::End])
            }
            b'(' => self.group()?,
            b'[' => Tree::One(self.set()?),
            b'\\' => Tree::One(Set::of(self.take().ok_or_else(|| wrong("nothing stands behind '\\'"))?)),
            b'*' | b'+' | b'?' => {
                return Err(wrong(&format!("nothing stands before '{}'", char::from(octet))));
            }
            other => Tree::One(Set::of(other)),
        })
    }

    fn group(&mut self) -> Result<Tree, PatternError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH {
            return Err(wrong("brackets stand too deep in each other"));
        }
        let inner = self.choice()?;
        self.depth = self.depth.saturating_sub(1);
        match self.take() {
            Some(b')') => Ok(inner),
            _ => Err(wrong("'(' without ')'")),
        }
    }

    fn set(&mut self) -> Result<Set, PatternError> {
        let unfinished = || wrong("'[' without ']'");
        let negated = self.peek() == Some(b'^');
        if negated {
            self.take();
        }
        let mut set = Set::default();
        let mut first = true;
        loop {
            let low = self.take().ok_or_else(unfinished)?;
            if low == b']' && !first {
                break;
            }
            first = false;
            let high = match self.octets {
                [b'-', high, ..] if *high != b']' => {
                    let high = *high;
                    self.take();
                    self.take();
                    high
                }
                _ => low,
            };
            if high < low {
                return Err(wrong(&format!("the range {}-{} runs backwards", char::from(low), char::from(high))));
            }
            set = (low..=high).map(Set::of).fold(set, Set::with);
        }
        Ok(if negated { Set(!set.0) } else { set })
    }

    fn repeated(&mut self, atom: Tree) -> Result<Tree, PatternError> {
        let mut tree = atom;
        while let Some(octet @ (b'*' | b'+' | b'?' | b'{')) = self.peek() {
            self.take();
            let (least, most) = match octet {
                b'*' => (0, None),
                b'+' => (1, None),
                b'?' => (0, Some(1)),
                _ => match self.bounds()? {
                    Some(bounds) => bounds,
                    // `{` opens an AS set where no number follows.
                    None => {
                        return Ok(Tree::Sequence(vec![tree, Tree::One(Set::of(b'{'))]));
                    }
                },
            };
            tree = Tree::Repeat(Box::new(tree), least, most);
        }
        Ok(tree)
    }

    /// `{m}`, `{m,}` or `{m,n}`, its `{` already taken; `None` where it is none of these.
    fn bounds(&mut self) -> Result<Option<(u16, Option<u16>)>, PatternError> {
        let Some(end) = self.octets.iter().position(|octet| *octet == b'}') else { return Ok(None) };
        let inner: String = self.octets.iter().take(end).map(|octet| char::from(*octet)).collect();
        let (least, most) = match inner.split_once(',') {
            None => (inner.parse().ok(), inner.parse().ok().map(Some)),
            Some((least, "")) => (least.parse().ok(), Some(None)),
            Some((least, most)) => (least.parse().ok(), most.parse().ok().map(Some)),
        };
        let (Some(least), Some(most)) = (least, most) else { return Ok(None) };
        if most.is_some_and(|most: u16| most < least) || least > 255 || most.is_some_and(|most| most > 255) {
            return Err(wrong("in {m,n} both are at most 255, and n is at least m"));
        }
        self.octets = self.octets.get(end.saturating_add(1)..).unwrap_or_default();
        Ok(Some((least, most)))
    }
}

impl Program {
    fn push(&mut self, node: Node) -> Result<usize, PatternError> {
        if self.nodes.len() >= NODES {
            return Err(PatternError::TooLarge);
        }
        self.nodes.push(node);
        Ok(self.nodes.len().saturating_sub(1))
    }

    /// Adds what a tree says before the node `next`; answers where it begins.
    fn add(&mut self, tree: &Tree, next: usize) -> Result<usize, PatternError> {
        match tree {
            Tree::Empty => Ok(next),
            Tree::One(set) => self.push(Node::One(*set, next)),
            Tree::Begin => self.push(Node::Begin(next)),
            Tree::End => self.push(Node::End(next)),
            Tree::Sequence(parts) => parts.iter().rev().try_fold(next, |next, part| self.add(part, next)),
            Tree::Choice(ways) => {
                let mut ways = ways.iter().rev();
                let mut start = self.add(ways.next().unwrap_or(&Tree::Empty), next)?;
                for way in ways {
                    let other = self.add(way, next)?;
                    start = self.push(Node::Either(other, start))?;
                }
                Ok(start)
            }
            Tree::Repeat(inner, least, most) => {
                let mut next = next;
                match most {
                    None => {
                        let back = self.push(Node::Found)?;
                        let again = self.add(inner, back)?;
                        if let Some(node) = self.nodes.get_mut(back) {
                            *node = Node::Either(again, next);
                        }
                        next = back;
                    }
                    Some(most) => {
                        let end = next;
                        for _ in *least..*most {
                            let one = self.add(inner, next)?;
                            next = self.push(Node::Either(one, end))?;
                        }
                    }
                }
                for _ in 0..*least {
                    next = self.add(inner, next)?;
                }
                Ok(next)
            }
        }
    }
}
