//! Values by number, in pages that are there only while a value stands on them.
//!
//! Never knows what a number means.

use std::ops::ControlFlow;

/// Values on a page.
const PAGE: usize = 16;
/// Pages in a group.
const GROUP: usize = 64;

type Page<V> = [Option<V>; PAGE];

/// Some pages, and how many values stand on each.
#[derive(Clone, Debug)]
struct Group<V> {
    pages: [Option<Box<Page<V>>>; GROUP],
    counts: [u8; GROUP],
}

/// Values by number.
#[derive(Clone, Debug)]
pub(super) struct Pages<V> {
    groups: Vec<Option<Box<Group<V>>>>,
    len: usize,
}

/// Where a number stands: group, page and place.
fn place(number: u32) -> (usize, usize, usize) {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    (number / (PAGE * GROUP), number / PAGE % GROUP, number % PAGE)
}

impl<V> Default for Pages<V> {
    fn default() -> Self {
        Self { groups: Vec::new(), len: 0 }
    }
}

impl<V> Pages<V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, number: u32) -> Option<&V> {
        let (group, page, at) = place(number);
        self.groups.get(group)?.as_ref()?.pages.get(page)?.as_ref()?.get(at)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut V> {
        let (group, page, at) = place(number);
        self.groups.get_mut(group)?.as_mut()?.pages.get_mut(page)?.as_mut()?.get_mut(at)?.as_mut()
    }

    pub(super) fn insert(&mut self, number: u32, value: V) -> Option<V> {
        let before = self.slot(number).replace(value);
        if before.is_none() {
            self.count(number);
        }
        before
    }

    pub(super) fn entry(&mut self, number: u32) -> &mut V
    where
        V: Default,
    {
        if self.get(number).is_none() {
            self.count(number);
        }
        self.slot(number).get_or_insert_with(V::default)
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<V> {
        let (at_group, page, at) = place(number);
        let place = self.groups.get_mut(at_group)?;
        let group = place.as_mut()?;
        let gone = group.pages.get_mut(page)?.as_mut()?.get_mut(at)?.take()?;
        self.len = self.len.saturating_sub(1);
        let count = group.counts.get_mut(page)?;
        *count = count.saturating_sub(1);
        if *count == 0 {
            *group.pages.get_mut(page)? = None;
            if group.counts.iter().all(|count| *count == 0) {
                *place = None;
            }
        }
        Some(gone)
    }

    /// The numbers that have a value, lowest first.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.iter_from(0).map(|(number, _)| number)
    }

    /// Values with their numbers from one on, lowest first.
    pub(super) fn iter_from(&self, first: u32) -> impl Iterator<Item = (u32, &V)> {
        let (group, page, _) = place(first);
        let first_page = group.saturating_mul(GROUP).saturating_add(page);
        let groups = self.groups.iter().enumerate().skip(group).filter_map(|(at, group)| Some((at, group.as_ref()?)));
        let pages = groups.flat_map(|(group, pages)| {
            let there = pages.pages.iter().enumerate().filter_map(|(at, page)| Some((at, page.as_ref()?)));
            there.map(move |(at, page)| (group.saturating_mul(GROUP).saturating_add(at), page))
        });
        let values = pages.skip_while(move |(page, _)| *page < first_page).flat_map(|(page, values)| {
            let there = values.iter().enumerate().filter_map(|(at, value)| Some((at, value.as_ref()?)));
            there.map(move |(at, value)| (page.saturating_mul(PAGE).saturating_add(at), value))
        });
        let numbered = values.filter_map(|(number, value)| Some((u32::try_from(number).ok()?, value)));
        numbered.skip_while(move |(number, _)| *number < first)
    }

    /// Shows all with their numbers, lowest first, to be changed, until `visit` has seen enough.
    pub(super) fn visit(&mut self, mut visit: impl FnMut(u32, &mut V) -> ControlFlow<()>) -> ControlFlow<()> {
        for (group, pages) in self.groups.iter_mut().enumerate() {
            let pages = pages.iter_mut().flat_map(|group| group.pages.iter_mut().enumerate());
            for (page, values) in pages.filter_map(|(at, page)| Some((at, page.as_mut()?))) {
                for (at, value) in values.iter_mut().enumerate().filter_map(|(at, value)| Some((at, value.as_mut()?))) {
                    let number =
                        group.saturating_mul(GROUP).saturating_add(page).saturating_mul(PAGE).saturating_add(at);
                    visit(u32::try_from(number).unwrap_or(u32::MAX), value)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// One more value stands on the page of a number.
    fn count(&mut self, number: u32) {
        self.len = self.len.saturating_add(1);
        let (group, page, _) = place(number);
        if let Some(count) = self.group(group).counts.get_mut(page) {
            *count = count.saturating_add(1);
        }
    }

    fn group(&mut self, at: usize) -> &mut Group<V> {
        if self.groups.len() <= at {
            self.groups.resize_with(at.saturating_add(1), || None);
        }
        #[expect(clippy::indexing_slicing, reason = "there are more groups than that since the line before")]
        let group = &mut self.groups[at];
        group.get_or_insert_with(|| Box::new(Group { pages: [const { None }; GROUP], counts: [0; GROUP] }))
    }

    #[expect(clippy::indexing_slicing, reason = "a place within a group and a page is one by the remainder that it is")]
    fn slot(&mut self, number: u32) -> &mut Option<V> {
        let (group, page, at) = place(number);
        let page = &mut self.group(group).pages[page];
        &mut page.get_or_insert_with(|| Box::new([const { None }; PAGE]))[at]
    }
}
