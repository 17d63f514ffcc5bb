//! How documents describe [`Total`](tillroll_projections::Total): what was ever posted on a side
//! has no bound, and an integer of a client has.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

#[derive(Debug)]
pub(crate) struct TotalSchema;

impl PartialSchema for TotalSchema {
    fn schema() -> RefOr<Schema> {
        let whole = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .minimum(Some(0))
            .maximum(Some(i64::MAX))
            .examples([serde_json::json!(1999)]);
        let digits = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some("^[1-9][0-9]{18,38}$"))
            .examples([serde_json::json!("18446744073709551614")]);
        OneOfBuilder::new()
            .item(whole)
            .item(digits)
            .description(Some(
                "Minor units ever posted on one side, or a sum of such: an integer up to 2^63 - 1, \
                 and above that its digits as a string.",
            ))
            .into()
    }
}

impl ToSchema for TotalSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "Total".into()
    }
}

/// The same for a balance, which may be below zero.
#[derive(Debug)]
pub(crate) struct SignedTotalSchema;

impl PartialSchema for SignedTotalSchema {
    fn schema() -> RefOr<Schema> {
        let whole = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .minimum(Some(i64::MIN))
            .maximum(Some(i64::MAX))
            .examples([serde_json::json!(-1999)]);
        let digits = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some("^-?[1-9][0-9]{18,38}$"))
            .examples([serde_json::json!("-18446744073709551614")]);
        OneOfBuilder::new()
            .item(whole)
            .item(digits)
            .description(Some(
                "Minor units: an integer of 64 bits, and beyond that its digits as a string.",
            ))
            .into()
    }
}

impl ToSchema for SignedTotalSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "SignedTotal".into()
    }
}
