//! A list that is usually one long, kept without an allocation then.
//!
//! Most prefixes have one path and one route, and there are a million of them. Never sorts by itself.

/// How much room a list gains at a time at least: a million lists that double would be half empty.
const SPARE: usize = 2;
/// A long list gains one place for so many that it has, so that very long ones are not moved at every other item.
const SHARE: usize = 6;

/// None, one, or many, as a slice.
#[derive(Clone, Debug, Default)]
pub(crate) enum Few<T> {
    /// Nothing.
    #[default]
    None,
    /// The usual case.
    One(T),
    /// At least two.
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
                if items.len() == items.capacity() {
                    items.reserve_exact(SPARE.max(items.len() / SHARE));
                }
                items.push(item);
                Self::Many(items)
            }
        };
    }

    /// Takes out the item at an index; the others keep their order.
    pub(crate) fn remove(&mut self, at: usize) -> Option<T> {
        let (gone, left) = match std::mem::take(self) {
            Self::None => (None, Self::None),
            Self::One(item) if at == 0 => (Some(item), Self::None),
            Self::One(item) => (None, Self::One(item)),
            Self::Many(mut items) => {
                let gone = (at < items.len()).then(|| items.remove(at));
                items.shrink_to(items.len().saturating_add(SPARE));
                (gone, Self::from(items))
            }
        };
        *self = left;
        gone
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
        assert_eq!((few.remove(1), few.as_slice()), (Some(2), [1, 3].as_slice()));
        assert_eq!((few.remove(2), few.remove(0)), (None, Some(1)));
        assert!(matches!(few, Few::One(3)));
        assert_eq!((few.remove(1), few.remove(0)), (None, Some(3)));
        assert!(matches!(few, Few::None));
    }
}
