//! Transfers to connected accounts, and their reversals: separate charges and
//! transfers, so the platform holds the money until it shares it out.

use crate::balance::Movement;
use crate::currency::{MAXIMUM_AMOUNT, StripeCurrency, signed};
use crate::error::StripeError;
use crate::id::{
    AccountId, BalanceTransactionId, ChargeId, DestinationPaymentId, TransferId, TransferReversalId,
};
use crate::json::{ListObject, NULL, Null, PreviousAttributes, PreviousValue, StripeMetadata, raw};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;

/// Parameters of a new transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTransfer {
    /// Minor units of `currency`.
    pub amount: u64,
    /// A currency that the platform has a balance in.
    pub currency: StripeCurrency,
    /// The connected account that receives it.
    pub destination: AccountId,
    /// The charge whose funds it draws on, as soon as they are available; from
    /// the available balance when `None`.
    pub source_transaction: Option<ChargeId>,
    /// Groups it with the charge.
    pub transfer_group: Option<String>,
    /// The merchant's facts.
    pub metadata: StripeMetadata,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeTransfer {
    /// `id`.
    pub id: TransferId,
    /// Minor units of `currency`.
    pub amount: u64,
    /// What came back of it, cumulative.
    pub amount_reversed: u64,
    /// Known at once.
    pub balance_transaction: BalanceTransactionId,
    /// Seconds since the epoch.
    pub created: i64,
    /// What it is paid in.
    pub currency: StripeCurrency,
    /// The connected account that receives it.
    pub destination: AccountId,
    /// The charge whose funds it draws on.
    pub source_transaction: Option<ChargeId>,
    /// Groups it with the charge.
    pub transfer_group: Option<String>,
    metadata: StripeMetadata,
    destination_payment: DestinationPaymentId,
    reversals: Vec<Reversal>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reversal {
    id: TransferReversalId,
    amount: u64,
    balance_transaction: BalanceTransactionId,
    created: i64,
}

#[derive(Serialize)]
struct TransferObject<'a> {
    id: &'a TransferId,
    object: &'static str,
    amount: u64,
    amount_reversed: u64,
    balance_transaction: &'a BalanceTransactionId,
    created: i64,
    currency: StripeCurrency,
    description: Null,
    destination: &'a AccountId,
    destination_payment: &'a DestinationPaymentId,
    livemode: bool,
    metadata: &'a StripeMetadata,
    reversals: ListObject<TransferReversalView<'a>>,
    reversed: bool,
    source_transaction: Option<&'a ChargeId>,
    source_type: &'static str,
    transfer_group: Option<&'a str>,
}

#[derive(Serialize)]
struct TransferReversalView<'a> {
    id: &'a TransferReversalId,
    object: &'static str,
    amount: u64,
    balance_transaction: &'a BalanceTransactionId,
    created: i64,
    currency: StripeCurrency,
    destination_payment_refund: Null,
    metadata: StripeMetadata,
    source_refund: Null,
    transfer: &'a TransferId,
}

impl StripeSimulator {
    /// One transfer.
    #[must_use]
    pub fn transfer(&self, id: &TransferId) -> Option<&StripeTransfer> {
        self.transfers.get(id)
    }

    /// One transfer in Stripe's JSON.
    #[must_use]
    pub fn transfer_json(&self, id: &TransferId) -> Option<String> {
        self.transfer(id)
            .map(|transfer| transfer_raw(transfer).get().to_owned())
    }

    /// `POST /v1/transfers`.
    ///
    /// # Errors
    ///
    /// `balance_insufficient` without a source charge when the available
    /// balance is too small; `amount_too_large` above what is left of the
    /// source charge; `currency_mismatch` unless it is the currency in which
    /// the source charge settles; `transfers_not_allowed` to an account that is
    /// not onboarded.
    pub fn create_transfer(&mut self, params: CreateTransfer) -> Result<TransferId, StripeError> {
        self.as_request(|sim| {
            let available_on = sim.check_transfer(&params)?;
            Ok(sim.pay_seller(params, available_on))
        })
    }

    fn check_transfer(&self, params: &CreateTransfer) -> Result<i64, StripeError> {
        let account = self.account(&params.destination).ok_or_else(|| {
            StripeError::missing("destination", "destination", &params.destination)
        })?;
        if !account.onboarded {
            return Err(StripeError::unexpected_state(
                "transfers_not_allowed",
                "The destination account needs the transfers capability.",
            ));
        }
        if params.amount == 0 || params.amount > MAXIMUM_AMOUNT {
            return Err(StripeError::invalid_integer("amount"));
        }
        let Some(source) = &params.source_transaction else {
            if self.available(params.currency) < signed(params.amount) {
                return Err(StripeError::balance_insufficient(params.currency));
            }
            return Ok(self.clock);
        };
        let charge = self
            .charge(source)
            .ok_or_else(|| StripeError::missing("charge", "source_transaction", source))?;
        if !charge.captured {
            return Err(StripeError::unexpected_state(
                "charge_not_captured",
                "The source charge has no funds yet.",
            ));
        }
        let settlement = self.settlement_currency(charge.currency);
        if settlement != params.currency {
            return Err(StripeError::invalid(
                Some("currency_mismatch"),
                Some("currency"),
                format!("The source charge settles in {settlement}."),
            ));
        }
        let posted = charge
            .balance_transaction
            .as_ref()
            .and_then(|transaction| self.balance_transaction(transaction));
        let funds = match posted {
            Some(transaction) if charge.amount_captured == charge.amount => {
                transaction.amount.unsigned_abs()
            }
            _ => self.settle(charge.amount_captured, charge.currency).0,
        };
        let left = funds.saturating_sub(charge.transferred);
        if params.amount > left {
            return Err(StripeError::invalid(
                Some("amount_too_large"),
                Some("amount"),
                format!("Only {left} of the source charge's funds are left."),
            ));
        }
        Ok(posted.map_or_else(
            || self.settlement_midnight(),
            |transaction| transaction.available_on.max(self.clock),
        ))
    }

    fn pay_seller(&mut self, params: CreateTransfer, available_on: i64) -> TransferId {
        let id: TransferId = self.ids.next();
        let destination_payment: DestinationPaymentId = self.ids.next();
        let balance_transaction = self.post(Movement {
            kind: "transfer",
            reporting_category: "transfer",
            amount: -signed(params.amount),
            currency: params.currency,
            fees: Vec::new(),
            exchange_rate: None,
            source: Some(id.to_string()),
            description: format!("Transfer to {}", params.destination),
            available_on,
        });
        if let Some(source) = &params.source_transaction {
            self.charge_mut(source).transferred += params.amount;
        }
        self.credit_account(&params.destination, params.currency, signed(params.amount));
        self.transfers.insert(
            id.clone(),
            StripeTransfer {
                id: id.clone(),
                amount: params.amount,
                amount_reversed: 0,
                balance_transaction,
                created: self.clock,
                currency: params.currency,
                destination: params.destination,
                source_transaction: params.source_transaction,
                transfer_group: params.transfer_group,
                metadata: params.metadata,
                destination_payment,
                reversals: Vec::new(),
            },
        );
        let object = transfer_raw(&self.transfers[&id]);
        self.emit("transfer.created", id.as_str(), &object, None);
        id
    }

    /// `POST /v1/transfers/{id}/reversals`; what is left when `amount` is
    /// `None`.
    ///
    /// # Errors
    ///
    /// `amount_too_large` above what is left of the transfer.
    pub fn reverse_transfer(
        &mut self,
        id: &TransferId,
        amount: Option<u64>,
    ) -> Result<TransferReversalId, StripeError> {
        self.as_request(|sim| {
            let transfer = sim
                .transfer(id)
                .ok_or_else(|| StripeError::missing("transfer", "id", id))?;
            let left = transfer.amount - transfer.amount_reversed;
            let amount = amount.unwrap_or(left);
            if amount == 0 {
                return Err(StripeError::invalid_integer("amount"));
            }
            if amount > left {
                return Err(StripeError::invalid(
                    Some("amount_too_large"),
                    Some("amount"),
                    format!("Only {left} of the transfer is left to reverse."),
                ));
            }
            Ok(sim.take_back(id, amount))
        })
    }

    fn take_back(&mut self, id: &TransferId, amount: u64) -> TransferReversalId {
        let reversal: TransferReversalId = self.ids.next();
        let transfer = self.transfers[id].clone();
        let balance_transaction = self.post(Movement {
            kind: "transfer_refund",
            reporting_category: "transfer_reversal",
            amount: signed(amount),
            currency: transfer.currency,
            fees: Vec::new(),
            exchange_rate: None,
            source: Some(reversal.to_string()),
            description: format!("Reversal of {id}"),
            available_on: self.clock,
        });
        if let Some(source) = &transfer.source_transaction {
            self.charge_mut(source).transferred -= amount;
        }
        self.credit_account(&transfer.destination, transfer.currency, -signed(amount));
        let created = self.clock;
        let reversed = self
            .transfers
            .get_mut(id)
            .expect("transfers are never forgotten");
        reversed.amount_reversed += amount;
        reversed.reversals.push(Reversal {
            id: reversal.clone(),
            amount,
            balance_transaction,
            created,
        });
        let object = transfer_raw(&self.transfers[id]);
        let previous = PreviousAttributes(vec![
            (
                "amount_reversed",
                PreviousValue::Count(transfer.amount_reversed),
            ),
            ("reversed", PreviousValue::Truth(false)),
        ]);
        self.emit("transfer.reversed", id.as_str(), &object, Some(previous));
        reversal
    }
}

fn transfer_raw(transfer: &StripeTransfer) -> Box<RawValue> {
    let reversals = transfer
        .reversals
        .iter()
        .rev()
        .map(|reversal| TransferReversalView {
            id: &reversal.id,
            object: "transfer_reversal",
            amount: reversal.amount,
            balance_transaction: &reversal.balance_transaction,
            created: reversal.created,
            currency: transfer.currency,
            destination_payment_refund: NULL,
            metadata: StripeMetadata::new(),
            source_refund: NULL,
            transfer: &transfer.id,
        })
        .collect();
    raw(&TransferObject {
        id: &transfer.id,
        object: "transfer",
        amount: transfer.amount,
        amount_reversed: transfer.amount_reversed,
        balance_transaction: &transfer.balance_transaction,
        created: transfer.created,
        currency: transfer.currency,
        description: NULL,
        destination: &transfer.destination,
        destination_payment: &transfer.destination_payment,
        livemode: false,
        metadata: &transfer.metadata,
        reversals: ListObject::page(
            reversals,
            false,
            format!("/v1/transfers/{}/reversals", transfer.id),
        ),
        reversed: transfer.amount_reversed == transfer.amount,
        source_transaction: transfer.source_transaction.as_ref(),
        source_type: "card",
        transfer_group: transfer.transfer_group.as_deref(),
    })
}
