//! Units, decimal amounts and rates as people write them: one a line.

use tillroll_money::{Amount, MAX_MINOR, Rate, Unit};

/// No text makes a parser panic. What is read prints as something that reads
/// back the same, and nothing is rounded on the way.
pub fn money(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let unit = unit(line()).unwrap_or_else(|| "EUR".parse().expect("euros"));
    let minor = amount(line(), unit).unwrap_or(MAX_MINOR);
    rate(line(), minor);
}

fn unit(text: &str) -> Option<Unit> {
    let unit: Unit = text.parse().ok()?;
    assert_eq!(unit.as_str(), text);
    assert!(
        unit.exponent() <= 4,
        "{unit} has {} decimals",
        unit.exponent()
    );
    Some(unit)
}

fn amount(text: &str, unit: Unit) -> Option<u64> {
    let amount = Amount::parse_major(text, unit).ok()?;
    assert!(amount.minor() <= MAX_MINOR);
    let printed = amount.to_major();
    assert_eq!(Amount::parse_major(&printed, unit), Ok(amount));
    assert_eq!(digits(text), digits(&printed), "{text} became {printed}");
    Some(amount.minor())
}

/// What of a decimal is its value: its digits without zeros at the ends.
fn digits(text: &str) -> (String, String) {
    let text = text.trim_start_matches(['-', '+']);
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    // A reader may allow grouping by underscores.
    let plain = |part: &str| part.replace('_', "");
    (
        plain(whole).trim_start_matches('0').to_owned(),
        plain(rest).trim_end_matches('0').to_owned(),
    )
}

fn rate(text: &str, minor: u64) {
    let Ok(rate) = text.parse::<Rate>() else {
        return;
    };
    assert_eq!(rate.to_string().parse(), Ok(rate));
    assert_eq!(Rate::from_ppm(rate.ppm()), Some(rate));
    assert!(rate.included_in(minor) <= minor);
    let whole = Rate::from_ppm(1_000_000).expect("100 %");
    assert!(rate > whole || rate.of(minor) <= minor);
}
