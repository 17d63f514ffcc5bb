//! Enumerations as words: those of their JSON, for tables and texts.

/// An enumeration whose values have words.
pub trait Word: Copy + 'static {
    const ALL: &'static [Self];

    fn word(self) -> &'static str;

    #[must_use]
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Gives an enumeration its words, and a test of them in a module of the name before it.
macro_rules! words {
    ($module:ident: $type:ident { $($variant:ident $word:literal),+ $(,)? }) => {
        impl $crate::Word for $type {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        #[cfg(test)]
        mod $module {
            use super::$type;
            use $crate::Word;

            #[test]
            fn words_are_those_of_the_json() {
                for value in $type::ALL {
                    assert_eq!(serde_json::json!(value), value.word());
                    assert_eq!($type::of_word(value.word()), Some(*value));
                }
            }
        }
    };
}

pub(crate) use words;
