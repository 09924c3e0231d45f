//! The natural order in which words are shown: numbers within them compare as numbers.
//!
//! `rule 5` stands before `rule 10`, 10.0.0.9 before 10.0.0.10. Two texts are equal only if identical.

use std::cmp::Ordering;

/// Compares two words in natural order.
#[must_use]
pub fn natural(left: &str, right: &str) -> Ordering {
    let (a, b) = (left.as_bytes(), right.as_bytes());
    let same = a.iter().zip(b).take_while(|(one, other)| one == other).count();
    let (from_a, from_b) = (a.get(same), b.get(same));
    if from_a.is_none() && from_b.is_none() {
        return Ordering::Equal;
    }
    let is_digit = |octet: Option<&u8>| octet.is_some_and(u8::is_ascii_digit);
    let digits = a.iter().take(same).rev().take_while(|octet| octet.is_ascii_digit()).count();
    // From where the number begins, all that stands before being the same.
    let by_parts = || {
        let start = same.saturating_sub(digits);
        part_by_part(left.get(start..).unwrap_or(left), right.get(start..).unwrap_or(right))
    };
    match (is_digit(from_a), is_digit(from_b)) {
        // Both words differ within a number, or a number ends in one of them.
        (true, true) => by_parts(),
        (true, false) | (false, true) if digits > 0 => by_parts(),
        // Words begin differently; or a number follows in one where the text of the other goes on or ends.
        (true, false) if same > 0 && from_b.is_some() => Ordering::Less,
        (false, true) if same > 0 && from_a.is_some() => Ordering::Greater,
        _ => from_a.cmp(&from_b),
    }
}

/// The order in full: runs of digits as numbers, other runs as text.
fn part_by_part(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left, right);
    loop {
        let ((number_a, part_a, rest_a), (number_b, part_b, rest_b)) = (next_part(a), next_part(b));
        let order = if number_a && number_b { by_number(part_a, part_b) } else { part_a.cmp(part_b) };
        if order != Ordering::Equal {
            return order;
        }
        if part_a.is_empty() {
            // Only leading zeros can still differ.
            return left.cmp(right);
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Whether the part is a number, the longest run of digits or of other characters, and the rest.
fn next_part(text: &str) -> (bool, &str, &str) {
    let number = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != number).unwrap_or(text.len());
    let (part, rest) = text.split_at(end);
    (number, part, rest)
}

fn by_number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        for (left, right) in
            [("5", "10"), ("10.0.0.9", "10.0.0.10"), ("eth2", "eth10"), ("eth", "eth0"), ("01", "1"), ("", "a")]
        {
            assert_eq!(natural(left, right), Ordering::Less, "{left:?} {right:?}");
            assert_eq!(natural(right, left), Ordering::Greater, "{right:?} {left:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[0-9a-c.]{0,6}", b in "[0-9a-c.]{0,6}", c in "[0-9a-c.]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }

        #[test]
        fn the_short_way_agrees_with_the_long_one(a in "[0-9a-c.é]{0,7}", b in "[0-9a-c.é]{0,7}") {
            prop_assert_eq!(natural(&a, &b), part_by_part(&a, &b));
        }
    }
}
