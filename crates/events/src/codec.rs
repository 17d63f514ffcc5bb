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

    pub fn text<T: std::fmt::Display, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

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

    pub fn kind_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = AccountType::ALL.iter().map(|kind| kind.as_str()).collect();
        json_schema!({ "type": "string", "enum": names })
    }

    pub fn limit_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}
