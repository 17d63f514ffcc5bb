//! Numbers as people read them.

/// `1,234,567`
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `3 orders`, `1 order`
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = match (number, noun.strip_suffix('y')) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        (_, _) => format!("{noun}s"),
    };
    format!("{} {plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        for (number, expected) in [
            (0, "0 entries"),
            (1, "1 entry"),
            (999, "999 entries"),
            (1_000, "1,000 entries"),
            (1_234_567, "1,234,567 entries"),
        ] {
            assert_eq!(counted(number, "entry"), expected);
        }
        assert_eq!(counted(2, "day"), "2 days");
    }
}
