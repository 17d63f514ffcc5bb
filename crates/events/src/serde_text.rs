//! Ids of the ledger, which knows no JSON, as text in JSON.

use std::fmt::Display;

use serde::Serializer;

/// For `#[serde(serialize_with = "…")]`.
pub fn serialize<T: Display, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(value)
}

pub mod option {
    use std::fmt::Display;

    use serde::Serializer;

    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => s.collect_str(value),
            None => s.serialize_none(),
        }
    }
}

pub mod list {
    use std::fmt::Display;

    use serde::Serializer;

    pub fn serialize<T: Display, S: Serializer>(values: &[T], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(values.iter().map(Text))
    }

    struct Text<'a, T>(&'a T);

    impl<T: Display> serde::Serialize for Text<'_, T> {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_str(self.0)
        }
    }
}
