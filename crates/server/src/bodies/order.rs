//! `POST /v1/orders`.

use serde::Deserialize;
use tillroll_book::{LineRequest, PlaceOrder, SellerRequest, TaxRequest};
use tillroll_events::{Metadata, OrderId, Timestamp};
use tillroll_money::UnitKind;
use utoipa::ToSchema;

use crate::findings::Findings;
use crate::new_ids::NewIds;
use crate::object::Object;
use crate::openapi::MetadataSchema;
use crate::problem::Problem;
use crate::scalar::{Minor, Positive};

/// An order to place. What is sold at once, on one channel, in one currency.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRequest)]
pub(crate) struct OrderBody {
    /// Made up when it is left out.
    #[schema(
        example = "ord_01k3m8q5e5f4vb4rj2m9w7c0xa",
        pattern = "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$"
    )]
    id: Option<String>,
    /// `app`, `web`, `pos`, or a shop platform.
    #[schema(example = "pos", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    channel: String,
    /// Where the goods come from. Needed as soon as a line has a `sku`.
    #[schema(example = "berlin", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    location: Option<String>,
    /// ISO 4217.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    currency: String,
    /// RFC 3339, where it happened earlier than now. A clock may be up to five minutes ahead; what is
    /// later is refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<String>,
    /// The sale was made while the till had no connection: it is a fact and is not refused for
    /// want of stock.
    #[serde(default)]
    offline: bool,
    #[schema(value_type = Vec<LineBody>, min_items = 1, max_items = 200)]
    lines: Vec<Object<LineBody>>,
    /// Up to 50 keys of up to 40 characters, values of up to 500.
    #[schema(value_type = Option<MetadataSchema>)]
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderLineRequest)]
pub(crate) struct LineBody {
    /// The article; a line without one is a service and moves no stock.
    #[schema(example = "TEE-M", pattern = "^[A-Za-z0-9._-]{1,43}$")]
    sku: Option<String>,
    #[schema(example = "T-shirt, medium", min_length = 1, max_length = 500)]
    description: Option<String>,
    #[schema(value_type = Positive, example = 2)]
    quantity: Minor,
    /// Minor units of the order's currency, each.
    #[schema(example = 1999)]
    unit_price: Minor,
    #[schema(value_type = Option<TaxBody>)]
    tax: Option<Object<TaxBody>>,
    #[schema(value_type = Option<SellerBody>)]
    seller: Option<Object<SellerBody>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaxRequest)]
pub(crate) struct TaxBody {
    /// A decimal as text, exact to one part in a million.
    #[schema(example = "0.19", pattern = "^[0-9]{1,2}([.][0-9]{1,6})?$")]
    rate: String,
    behavior: TaxBehavior,
}

/// Whether the unit price contains the tax, or the tax comes on top.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaxBehavior {
    Inclusive,
    Exclusive,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SellerRequest)]
pub(crate) struct SellerBody {
    /// The seller's connected account.
    #[schema(example = "acct_1Pq7yLKXz", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    account: String,
    /// The platform's part of the price before tax, a decimal as text.
    #[schema(example = "0.12", pattern = "^[0-9]{1,2}([.][0-9]{1,6})?$")]
    commission: String,
}

impl OrderBody {
    /// The order to place and when it happened. `new_ids` makes up an id where none was given.
    pub(crate) fn into_action(
        self,
        new_ids: &mut NewIds,
    ) -> Result<(PlaceOrder, Option<Timestamp>), Problem> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let id = match &self.id {
            Some(text) => f.parse::<OrderId>(text, format_args!("/id")),
            None => Some(OrderId::from_u128(new_ids.take())),
        };
        f.text(&self.channel, 64, format_args!("/channel"));
        if let Some(location) = &self.location {
            f.text(location, 64, format_args!("/location"));
        }
        let currency = f.unit(&self.currency, format_args!("/currency"));
        let currency = currency.filter(|unit| {
            let money = unit.kind() == UnitKind::Currency;
            if !money {
                f.invalid(
                    format_args!("/currency"),
                    "an order is paid in an ISO 4217 currency",
                );
            }
            money
        });
        let occurred_at =
            f.parse_option::<Timestamp>(self.occurred_at.as_deref(), format_args!("/occurred_at"));
        let metadata = self.metadata.unwrap_or_default();
        f.metadata(&metadata, format_args!("/metadata"));
        let lines: Option<Vec<LineRequest>> = self
            .lines
            .into_iter()
            .enumerate()
            .map(|(index, Object(line))| line.into_request(index, f))
            // All of them, so that each one's mistakes are found.
            .collect::<Vec<_>>()
            .into_iter()
            .collect();
        let (channel, location, offline) = (self.channel, self.location, self.offline);
        let order = (|| {
            let order = PlaceOrder {
                id: id?,
                channel,
                location,
                currency: currency?,
                lines: lines?,
                metadata,
                offline,
            };
            Some((order, occurred_at?))
        })();
        findings.conclude(order)
    }
}

impl LineBody {
    fn into_request(self, index: usize, f: &mut Findings) -> Option<LineRequest> {
        let place = format!("/lines/{index}");
        if let Some(sku) = &self.sku
            && let Err(error) = tillroll_money::Unit::sku(sku)
        {
            f.invalid(format_args!("{place}/sku"), error.to_string());
        }
        if let Some(description) = &self.description {
            f.text(description, 500, format_args!("{place}/description"));
        }
        let quantity = f.positive(self.quantity, format_args!("{place}/quantity"));
        let unit_price = f.minor(self.unit_price, format_args!("{place}/unit_price"));
        let tax = match self.tax {
            None => Some(None),
            Some(Object(tax)) => f
                .rate(&tax.rate, format_args!("{place}/tax/rate"))
                .map(|rate| {
                    let included = matches!(tax.behavior, TaxBehavior::Inclusive);
                    Some(TaxRequest { rate, included })
                }),
        };
        let seller = match self.seller {
            None => Some(None),
            Some(Object(seller)) => {
                let account = f.parse(&seller.account, format_args!("{place}/seller/account"));
                let commission = f.rate(
                    &seller.commission,
                    format_args!("{place}/seller/commission"),
                );
                account.zip(commission).map(|(account, commission)| {
                    Some(SellerRequest {
                        account,
                        commission,
                    })
                })
            }
        };
        Some(LineRequest {
            sku: self.sku,
            description: self.description,
            quantity: quantity?,
            unit_price: unit_price?,
            tax: tax?,
            seller: seller?,
        })
    }
}
