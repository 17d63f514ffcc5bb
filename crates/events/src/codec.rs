//! How values of other crates are written: short, and with numbers that never change.

/// A unit, as its code.
pub mod unit {
    use minicbor::decode::Error;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
    use tillroll_money::Unit;

    pub fn encode<C, W: Write>(
        unit: &Unit,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.str(unit.as_str())?.ok()
    }

    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Unit, Error> {
        d.str()?.parse().map_err(Error::custom)
    }
}

/// An account path, as text.
pub mod path {
    use minicbor::decode::Error;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
    use tillroll_ledger::AccountPath;

    pub fn encode<C, W: Write>(
        path: &AccountPath,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.str(path.as_str())?.ok()
    }

    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<AccountPath, Error> {
        d.str()?.parse().map_err(Error::custom)
    }
}

/// An account's number.
pub mod account {
    use minicbor::decode::Error;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
    use tillroll_ledger::AccountId;

    pub fn encode<C, W: Write>(
        id: &AccountId,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.u32(id.get())?.ok()
    }

    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<AccountId, Error> {
        Ok(AccountId::new(d.u32()?))
    }
}

/// The 16 bytes of one of our own ids.
pub fn id_number(d: &mut minicbor::Decoder<'_>) -> Result<u128, minicbor::decode::Error> {
    let bytes = d.bytes()?.try_into();
    bytes
        .map(u128::from_be_bytes)
        .map_err(|_| minicbor::decode::Error::message("an id has 16 bytes"))
}

/// One of our own ids whose type lives in the ledger, which knows no bytes.
macro_rules! ledger_id {
    ($(#[$doc:meta])* $module:ident, $type:ident) => {
        $(#[$doc])*
        pub mod $module {
            use minicbor::decode::Error;
            use minicbor::encode::{Error as EncodeError, Write};
            use minicbor::{Decoder, Encoder};
            use tillroll_ledger::$type;

            pub fn encode<C, W: Write>(
                id: &$type,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), EncodeError<W::Error>> {
                e.bytes(&id.as_u128().to_be_bytes())?.ok()
            }

            pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<$type, Error> {
                super::id_number(d).map($type::from_u128)
            }
        }
    };
}

ledger_id!(entry_id, EntryId);
ledger_id!(hold_id, HoldId);

/// An entry's id, or nothing: then the field is left out.
pub mod entry_id_option {
    use minicbor::decode::Error;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
    use tillroll_ledger::EntryId;

    pub fn encode<C, W: Write>(
        id: &Option<EntryId>,
        e: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        match id {
            Some(id) => super::entry_id::encode(id, e, context),
            None => e.null()?.ok(),
        }
    }

    pub fn decode<C>(d: &mut Decoder<'_>, context: &mut C) -> Result<Option<EntryId>, Error> {
        if d.datatype()? == minicbor::data::Type::Null {
            return d.null().map(|()| None);
        }
        super::entry_id::decode(d, context).map(Some)
    }

    pub fn nil() -> Option<Option<EntryId>> {
        Some(None)
    }

    pub fn is_nil(id: &Option<EntryId>) -> bool {
        id.is_none()
    }
}

macro_rules! numbered {
    ($(#[$doc:meta])* $module:ident, $type:path, { $($number:literal => $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        pub mod $module {
            use minicbor::decode::Error;
            use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
            use $type as Named;

            pub fn number(value: &Named) -> u8 {
                match value { $(Named::$variant => $number),+ }
            }

            pub fn from_number(number: u8) -> Result<Named, Error> {
                match number {
                    $($number => Ok(Named::$variant),)+
                    _ => Err(Error::message(concat!("unknown ", stringify!($module)))),
                }
            }

            pub fn encode<C, W: Write>(
                value: &Named,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), EncodeError<W::Error>> {
                e.u8(number(value))?.ok()
            }

            pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Named, Error> {
                from_number(d.u8()?)
            }
        }
    };
}

numbered!(
    /// An account type.
    kind, tillroll_ledger::AccountType,
    { 1 => Asset, 2 => Liability, 3 => Equity, 4 => Income, 5 => Expense, 6 => Memorandum });
numbered!(
    /// A limit.
    limit, tillroll_ledger::Limit,
    { 0 => None, 1 => DebitsMustNotExceedCredits, 2 => CreditsMustNotExceedDebits });
/// A side, within a posting.
pub mod side {
    use minicbor::decode::Error;
    use tillroll_ledger::Side;

    pub fn number(side: &Side) -> u8 {
        match side {
            Side::Debit => 1,
            Side::Credit => 2,
        }
    }

    pub fn from_number(number: u8) -> Result<Side, Error> {
        match number {
            1 => Ok(Side::Debit),
            2 => Ok(Side::Credit),
            _ => Err(Error::message("unknown side")),
        }
    }
}

/// JSON forms of values whose crates know no JSON.
pub mod json {
    use schemars::{Schema, SchemaGenerator, json_schema};
    use serde::Serializer;
    use tillroll_ledger::{AccountId, AccountType, Limit};

    pub use crate::serde_text::option::serialize as text_option;
    pub use crate::serde_text::serialize as text;

    pub fn kind<S: Serializer>(value: &AccountType, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(value.as_str())
    }

    pub fn limit<S: Serializer>(value: &Limit, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(value.as_str())
    }

    pub fn account<S: Serializer>(value: &AccountId, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u32(value.get())
    }

    pub fn unit_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An ISO 4217 code, `sku:CODE`, `points` or `points:NAME`.",
            "pattern": "^([A-Z]{3}|sku:[A-Za-z0-9._-]+|points(:[A-Za-z0-9._-]+)?)$",
        })
    }

    pub fn path_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+){0,7}$",
            "maxLength": 160,
        })
    }

    /// Of an id with this prefix.
    pub fn id_schema(prefix: &str) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": format!("^{prefix}[0-7][0-9a-hjkmnp-tv-z]{{25}}$"),
        })
    }

    /// What a ledger's id is in a schema.
    macro_rules! schema_of_id {
        ($name:ident, $id:literal, $type:path) => {
            pub struct $name;

            impl schemars::JsonSchema for $name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    $id.into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    id_schema(<$type>::PREFIX)
                }
            }
        };
    }
    schema_of_id!(EntryIdSchema, "EntryId", tillroll_ledger::EntryId);
    schema_of_id!(HoldIdSchema, "HoldId", tillroll_ledger::HoldId);

    pub fn kind_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = AccountType::ALL.iter().map(|kind| kind.as_str()).collect();
        json_schema!({ "type": "string", "enum": names })
    }

    pub fn limit_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}
