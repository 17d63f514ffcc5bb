//! Numbers as bodies hold them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use tillroll_money::MAX_MINOR;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A JSON number where minor units belong. What is wrong with it is kept rather than thrown,
/// so that it can be reported by its own code and together with everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Minor {
    Units(u64),
    Negative,
    NotWhole,
    TooLarge,
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Units;
        impl Visitor<'_> for Units {
            type Value = Minor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of minor units")
            }

            fn visit_u64<E>(self, units: u64) -> Result<Minor, E> {
                Ok(if units <= MAX_MINOR {
                    Minor::Units(units)
                } else {
                    Minor::TooLarge
                })
            }

            fn visit_i64<E>(self, units: i64) -> Result<Minor, E> {
                Ok(u64::try_from(units).map_or(Minor::Negative, Minor::Units))
            }

            // Numbers with a point or an exponent, and integers past 64 bits.
            fn visit_f64<E>(self, number: f64) -> Result<Minor, E> {
                Ok(if number < 0.0 {
                    Minor::Negative
                } else if number >= 9.2e18 {
                    Minor::TooLarge
                } else {
                    Minor::NotWhole
                })
            }
        }
        deserializer.deserialize_u64(Units)
    }
}

/// A [`Minor`] that may not be 0, as documents describe it.
#[derive(Debug)]
pub(crate) struct Positive;

fn whole_from(least: i64, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .description(Some(description))
        .minimum(Some(least))
        .maximum(Some(i64::MAX))
        .examples([serde_json::json!(1999)])
        .into()
}

impl PartialSchema for Minor {
    fn schema() -> RefOr<Schema> {
        whole_from(0, "Minor units: 1999 EUR is 19.99 €, 500 JPY is ¥500.")
    }
}

impl PartialSchema for Positive {
    fn schema() -> RefOr<Schema> {
        whole_from(1, "Minor units or pieces, one at least.")
    }
}

impl ToSchema for Positive {
    fn name() -> std::borrow::Cow<'static, str> {
        "PositiveUnits".into()
    }
}

impl ToSchema for Minor {
    fn name() -> std::borrow::Cow<'static, str> {
        "MinorUnits".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_minor_units_or_say_what_they_are() {
        for (text, expected) in [
            ("0", Minor::Units(0)),
            ("1999", Minor::Units(1999)),
            ("9223372036854775807", Minor::Units(MAX_MINOR)),
            ("9223372036854775808", Minor::TooLarge),
            ("18446744073709551616", Minor::TooLarge),
            ("-1", Minor::Negative),
            ("-9223372036854775809", Minor::Negative),
            ("1.0", Minor::NotWhole),
            ("19.99", Minor::NotWhole),
            ("1e3", Minor::NotWhole),
        ] {
            assert_eq!(
                serde_json::from_str::<Minor>(text).unwrap(),
                expected,
                "{text}"
            );
        }
        for text in ["\"1\"", "true", "null", "[]"] {
            assert!(serde_json::from_str::<Minor>(text).is_err(), "{text}");
        }
    }
}
