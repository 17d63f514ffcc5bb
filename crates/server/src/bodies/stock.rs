//! `POST /v1/stock/receipts`.

use serde::Deserialize;
use tillroll_book::{ReceiveStock, StockRequest};
use tillroll_events::Timestamp;
use tillroll_money::Unit;
use utoipa::ToSchema;

use crate::findings::Findings;
use crate::object::Object;
use crate::problem::Problem;
use crate::scalar::{Minor, Positive};

/// Goods that arrive at a location.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockReceiptRequest)]
pub(crate) struct ReceiptBody {
    #[schema(example = "berlin", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    location: String,
    #[schema(value_type = Vec<ReceiptLineBody>, min_items = 1, max_items = 200)]
    lines: Vec<Object<ReceiptLineBody>>,
    /// The delivery note, as you name it.
    #[schema(example = "delivery 4711", min_length = 1, max_length = 500)]
    reference: Option<String>,
    /// RFC 3339, where it happened earlier than now. A clock may be up to five minutes ahead; what is
    /// later is refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockReceiptLineRequest)]
pub(crate) struct ReceiptLineBody {
    #[schema(example = "TEE-M", pattern = "^[A-Za-z0-9._-]{1,43}$")]
    sku: String,
    #[schema(value_type = Positive, example = 40)]
    quantity: Minor,
}

impl ReceiptBody {
    pub(crate) fn into_action(self) -> Result<(ReceiveStock, Option<Timestamp>), Problem> {
        let mut findings = Findings::default();
        let f = &mut findings;
        f.text(&self.location, 64, format_args!("/location"));
        if let Some(reference) = &self.reference {
            f.text(reference, 500, format_args!("/reference"));
        }
        let occurred_at =
            f.parse_option::<Timestamp>(self.occurred_at.as_deref(), format_args!("/occurred_at"));
        let mut lines = Vec::with_capacity(self.lines.len());
        for (index, Object(line)) in self.lines.into_iter().enumerate() {
            if let Err(error) = Unit::sku(&line.sku) {
                f.invalid(format_args!("/lines/{index}/sku"), error.to_string());
            }
            if let Some(quantity) =
                f.positive(line.quantity, format_args!("/lines/{index}/quantity"))
            {
                lines.push(StockRequest {
                    sku: line.sku,
                    quantity,
                });
            }
        }
        let receipt = ReceiveStock {
            location: self.location,
            lines,
            reference: self.reference,
        };
        findings.conclude(occurred_at.map(|occurred_at| (receipt, occurred_at)))
    }
}
