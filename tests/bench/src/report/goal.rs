//! Whether a figure reaches what stands beside it as its target.
//!
//! It never guesses: a target that is no number with a unit judges nothing.

/// Whether a value meets a target such as `<= 85 ns`, `>= 2.5 Mpps`, or `50 ms` and `0`, which are the most it may be.
pub(super) fn met(target: &str, value: f64) -> Option<bool> {
    let mut words = target.split_whitespace().peekable();
    let least = words.next_if_eq(&">=").is_some();
    words.next_if_eq(&"<=");
    let wanted: f64 = words.next()?.parse().ok()?;
    value.is_finite().then_some(if least { value >= wanted } else { value <= wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_most_unless_it_says_otherwise() {
        for (target, value, expect) in [
            ("<= 85 ns", 85.0, Some(true)),
            ("<= 85 ns", 85.1, Some(false)),
            (">= 2.5 Mpps", 2.5, Some(true)),
            (">= 2.5 Mpps", 2.4, Some(false)),
            ("50 ms", 51.0, Some(false)),
            ("0", 0.0, Some(true)),
            ("0", 1.0, Some(false)),
            ("0", f64::NAN, None),
            ("a few", 3.0, None),
            ("–", 3.0, None),
        ] {
            assert_eq!(met(target, value), expect, "{target} {value}");
        }
    }
}
