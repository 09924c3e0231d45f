//! A list that is usually one long, kept without an allocation then.
//!
//! Most prefixes have one path and one route, and there are a million of them. Never sorts by itself.

/// None, one, or many, as a slice.
#[derive(Clone, Debug, Default)]
pub(crate) enum Few<T> {
    /// Nothing.
    #[default]
    None,
    /// The usual case.
    One(T),
    /// At least two when built by `push`; may shrink to fewer for a moment inside `retain`.
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(item) => std::slice::from_ref(item),
            Self::Many(items) => items,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::None => &mut [],
            Self::One(item) => std::slice::from_mut(item),
            Self::Many(items) => items,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(crate) fn push(&mut self, item: T) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(item),
            Self::One(first) => Self::Many(vec![first, item]),
            Self::Many(mut items) => {
                items.push(item);
                Self::Many(items)
            }
        };
    }

    /// Keeps the items for which `keep` says so, in their order.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        *self = match std::mem::take(self) {
            Self::None => Self::None,
            Self::One(item) => {
                if keep(&item) {
                    Self::One(item)
                } else {
                    Self::None
                }
            }
            Self::Many(mut items) => {
                items.retain(keep);
                Self::from(items)
            }
        };
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(mut items: Vec<T>) -> Self {
        if items.len() > 1 {
            return Self::Many(items);
        }
        items.pop().map_or(Self::None, Self::One)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_and_go_in_their_order() {
        let mut few = Few::default();
        assert!(few.is_empty());
        few.push(1);
        assert_eq!(few.as_slice(), [1]);
        few.push(2);
        few.push(3);
        assert_eq!(few.as_slice(), [1, 2, 3]);
        few.retain(|item| *item != 2);
        assert_eq!(few.as_slice(), [1, 3]);
        few.retain(|item| *item == 3);
        assert!(matches!(few, Few::One(3)));
        few.retain(|_| false);
        assert!(matches!(few, Few::None));
    }
}
