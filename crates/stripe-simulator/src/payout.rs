//! Payouts from the platform's balance to its bank: pending, in transit, paid,
//! and sometimes failed after they were paid.

use crate::agenda::Effect;
use crate::balance::Movement;
use crate::currency::{StripeCurrency, signed};
use crate::error::StripeError;
use crate::exchange::DAY;
use crate::id::{BalanceTransactionId, PayoutId};
use crate::json::{NULL, Null, PreviousAttributes, PreviousValue, StripeMetadata, raw};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

const LEAVES_AFTER: i64 = 6 * 3_600;
const ARRIVES_AFTER_DAYS: i64 = 2;
const BANK_REFUSES_AFTER: i64 = 30 * 3_600;

/// The `status` of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StripePayoutStatus {
    /// Asked for; it can be cancelled.
    Pending,
    /// On its way to the bank.
    InTransit,
    /// Should have arrived.
    Paid,
    /// Came back.
    Failed,
    /// Cancelled before it left.
    Canceled,
}

impl StripePayoutStatus {
    fn text(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InTransit => "in_transit",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// What becomes of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutOutcome {
    /// It arrives.
    Arrives,
    /// The bank refuses it while it is in transit.
    Fails,
    /// It is reported as paid, and the bank sends it back more than a day
    /// later.
    FailsAfterPaid,
}

/// Parameters of a new payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePayout {
    /// Minor units of `currency`.
    pub amount: u64,
    /// A currency that the platform has a balance in.
    pub currency: StripeCurrency,
    /// The merchant's facts.
    pub metadata: StripeMetadata,
    /// What becomes of it.
    pub outcome: PayoutOutcome,
}

impl CreatePayout {
    /// A payout that arrives.
    #[must_use]
    pub fn new(amount: u64, currency: StripeCurrency) -> Self {
        Self {
            amount,
            currency,
            metadata: StripeMetadata::new(),
            outcome: PayoutOutcome::Arrives,
        }
    }
}

/// A payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripePayout {
    /// `id`.
    pub id: PayoutId,
    /// Minor units of `currency`.
    pub amount: u64,
    /// The midnight at which it should be at the bank.
    pub arrival_date: i64,
    /// Known at once.
    pub balance_transaction: BalanceTransactionId,
    /// Seconds since the epoch.
    pub created: i64,
    /// What it is paid in.
    pub currency: StripeCurrency,
    /// What brought the money back.
    pub failure_balance_transaction: Option<BalanceTransactionId>,
    /// `status`.
    pub status: StripePayoutStatus,
    metadata: StripeMetadata,
    outcome: PayoutOutcome,
    destination: String,
}

#[derive(Serialize)]
struct PayoutObject<'a> {
    id: &'a PayoutId,
    object: &'static str,
    amount: u64,
    application_fee: Null,
    application_fee_amount: Null,
    arrival_date: i64,
    automatic: bool,
    balance_transaction: &'a BalanceTransactionId,
    created: i64,
    currency: StripeCurrency,
    description: Null,
    destination: &'a str,
    failure_balance_transaction: Option<&'a BalanceTransactionId>,
    failure_code: Option<&'static str>,
    failure_message: Option<&'static str>,
    livemode: bool,
    metadata: &'a StripeMetadata,
    method: &'static str,
    original_payout: Null,
    reconciliation_status: &'static str,
    reversed_by: Null,
    source_type: &'static str,
    statement_descriptor: Null,
    status: StripePayoutStatus,
    trace_id: Null,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl StripeSimulator {
    /// One payout.
    #[must_use]
    pub fn payout(&self, id: &PayoutId) -> Option<&StripePayout> {
        self.payouts.get(id)
    }

    /// One payout in Stripe's JSON.
    #[must_use]
    pub fn payout_json(&self, id: &PayoutId) -> Option<String> {
        self.payout(id)
            .map(|payout| payout_raw(payout).get().to_owned())
    }

    /// `POST /v1/payouts`.
    ///
    /// # Errors
    ///
    /// `balance_insufficient` above the available balance;
    /// `parameter_invalid_integer` when it is no amount of the currency.
    pub fn create_payout(&mut self, params: CreatePayout) -> Result<PayoutId, StripeError> {
        self.as_request(|sim| {
            if params.amount == 0 || i64::try_from(params.amount).is_err() {
                return Err(StripeError::invalid_integer("amount"));
            }
            let step = params.currency.payout_step();
            if !params.amount.is_multiple_of(step) {
                return Err(StripeError::not_a_multiple(params.currency, step));
            }
            if sim.available(params.currency) < signed(params.amount) {
                return Err(StripeError::balance_insufficient(params.currency));
            }
            Ok(sim.send_payout(params))
        })
    }

    fn send_payout(&mut self, params: CreatePayout) -> PayoutId {
        let id: PayoutId = self.ids.next();
        let destination = format!("ba_{}", self.ids.token(24));
        let balance_transaction = self.post(Movement {
            kind: "payout",
            reporting_category: "payout",
            amount: -signed(params.amount),
            currency: params.currency,
            fees: Vec::new(),
            exchange_rate: None,
            source: Some(id.to_string()),
            description: "STRIPE PAYOUT".to_owned(),
            available_on: self.clock,
        });
        let arrival_date = (self.clock.div_euclid(DAY) + ARRIVES_AFTER_DAYS) * DAY;
        self.payouts.insert(
            id.clone(),
            StripePayout {
                id: id.clone(),
                amount: params.amount,
                arrival_date,
                balance_transaction,
                created: self.clock,
                currency: params.currency,
                failure_balance_transaction: None,
                status: StripePayoutStatus::Pending,
                metadata: params.metadata,
                outcome: params.outcome,
                destination,
            },
        );
        self.emit_payout("payout.created", &id, None);
        self.agenda
            .plan(self.clock + LEAVES_AFTER, Effect::PayoutMoves(id.clone()));
        id
    }

    /// `POST /v1/payouts/{id}/cancel`.
    ///
    /// # Errors
    ///
    /// `payout_unexpected_state` once it has left.
    pub fn cancel_payout(&mut self, id: &PayoutId) -> Result<(), StripeError> {
        self.as_request(|sim| {
            let payout = sim
                .payout(id)
                .ok_or_else(|| StripeError::missing("payout", "payout", id))?;
            if payout.status != StripePayoutStatus::Pending {
                return Err(StripeError::unexpected_state(
                    "payout_unexpected_state",
                    "Only pending payouts can be canceled.",
                ));
            }
            sim.bring_back(id, "payout_cancel", StripePayoutStatus::Canceled);
            sim.emit_payout("payout.canceled", id, None);
            Ok(())
        })
    }

    pub(crate) fn move_payout(&mut self, id: &PayoutId) {
        let payout = &self.payouts[id];
        let (status, outcome) = (payout.status, payout.outcome);
        let next = match (status, outcome) {
            (StripePayoutStatus::Pending, _) => {
                let due = payout.arrival_date.max(self.clock);
                self.agenda.plan(due, Effect::PayoutMoves(id.clone()));
                StripePayoutStatus::InTransit
            }
            (StripePayoutStatus::InTransit, PayoutOutcome::Fails)
            | (StripePayoutStatus::Paid, PayoutOutcome::FailsAfterPaid) => {
                StripePayoutStatus::Failed
            }
            (StripePayoutStatus::InTransit, PayoutOutcome::FailsAfterPaid) => {
                let due = self.clock + BANK_REFUSES_AFTER;
                self.agenda.plan(due, Effect::PayoutMoves(id.clone()));
                StripePayoutStatus::Paid
            }
            (StripePayoutStatus::InTransit, PayoutOutcome::Arrives) => StripePayoutStatus::Paid,
            // Cancelled meanwhile: nothing moves any more.
            (
                StripePayoutStatus::Paid
                | StripePayoutStatus::Failed
                | StripePayoutStatus::Canceled,
                _,
            ) => return,
        };
        if next == StripePayoutStatus::Failed {
            self.bring_back(id, "payout_failure", StripePayoutStatus::Failed);
        } else {
            self.payout_mut(id).status = next;
        }
        let previous = PreviousAttributes(vec![("status", PreviousValue::Text(status.text()))]);
        let kind = match next {
            StripePayoutStatus::Paid => "payout.paid",
            StripePayoutStatus::Failed => "payout.failed",
            _ => "payout.updated",
        };
        self.emit_payout(kind, id, (kind == "payout.updated").then_some(previous));
    }

    fn bring_back(&mut self, id: &PayoutId, kind: &'static str, status: StripePayoutStatus) {
        let payout = &self.payouts[id];
        let movement = Movement {
            kind,
            reporting_category: "payout_reversal",
            amount: signed(payout.amount),
            currency: payout.currency,
            fees: Vec::new(),
            exchange_rate: None,
            source: Some(id.to_string()),
            description: format!("Return of {id}"),
            available_on: self.clock,
        };
        let transaction = self.post(movement);
        let payout = self.payout_mut(id);
        payout.status = status;
        payout.failure_balance_transaction = Some(transaction);
    }

    fn payout_mut(&mut self, id: &PayoutId) -> &mut StripePayout {
        self.payouts
            .get_mut(id)
            .expect("payouts are never forgotten")
    }

    fn emit_payout(
        &mut self,
        kind: &'static str,
        id: &PayoutId,
        previous: Option<PreviousAttributes>,
    ) {
        let object = payout_raw(&self.payouts[id]);
        self.emit(kind, id.as_str(), &object, previous);
    }
}

fn payout_raw(payout: &StripePayout) -> Box<RawValue> {
    let failed = payout.status == StripePayoutStatus::Failed;
    raw(&PayoutObject {
        id: &payout.id,
        object: "payout",
        amount: payout.amount,
        application_fee: NULL,
        application_fee_amount: NULL,
        arrival_date: payout.arrival_date,
        automatic: false,
        balance_transaction: &payout.balance_transaction,
        created: payout.created,
        currency: payout.currency,
        description: NULL,
        destination: &payout.destination,
        failure_balance_transaction: payout.failure_balance_transaction.as_ref(),
        failure_code: failed.then_some("account_closed"),
        failure_message: failed.then_some("The bank account has been closed."),
        livemode: false,
        metadata: &payout.metadata,
        method: "standard",
        original_payout: NULL,
        reconciliation_status: "not_applicable",
        reversed_by: NULL,
        source_type: "card",
        statement_descriptor: NULL,
        status: payout.status,
        trace_id: NULL,
        kind: "bank_account",
    })
}
