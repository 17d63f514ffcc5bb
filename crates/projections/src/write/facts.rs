//! What the processor says is now true: one row per object, the latest facts about it.

use rusqlite::{OptionalExtension, params};
use tillroll_events::{
    BalanceTransactionFacts, ChargeFacts, DisputeFacts, ExternalId, IntentFacts, PayoutFacts,
    RefundFacts, TransferFacts,
};

use super::{Place, Writer};
use crate::{ProjectError, words};

fn text(id: &Option<ExternalId>) -> Option<&str> {
    id.as_ref().map(ExternalId::as_str)
}

impl Writer<'_> {
    pub(super) fn intent(
        &mut self,
        place: Place,
        facts: &IntentFacts,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        self.sql
            .prepare_cached(
                "INSERT INTO intents (id, order_id, currency, amount, capturable, received, status,
                                      first_position, last_position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                 ON CONFLICT (id) DO UPDATE SET order_id = excluded.order_id,
                     currency = excluded.currency, amount = excluded.amount,
                     capturable = excluded.capturable, received = excluded.received,
                     status = excluded.status, last_position = excluded.last_position",
            )?
            .execute(params![
                facts.id.as_str(),
                order,
                facts.currency.as_str(),
                place.column_of(facts.amount)?,
                place.column_of(facts.capturable)?,
                place.column_of(facts.received)?,
                words::intent_status(facts.status),
                place.column,
            ])?;
        Ok(())
    }

    pub(super) fn charge(
        &mut self,
        place: Place,
        facts: &ChargeFacts,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        self.sql
            .prepare_cached(
                "INSERT INTO charges (id, intent, order_id, currency, amount, authorised, captured,
                                      refunded, failed, expired, failure_code, first_position,
                                      last_position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
                 ON CONFLICT (id) DO UPDATE SET intent = excluded.intent,
                     order_id = excluded.order_id, currency = excluded.currency,
                     amount = excluded.amount, authorised = excluded.authorised,
                     captured = excluded.captured, refunded = excluded.refunded,
                     failed = excluded.failed, expired = excluded.expired,
                     failure_code = excluded.failure_code,
                     last_position = excluded.last_position",
            )?
            .execute(params![
                facts.id.as_str(),
                text(&facts.intent),
                order,
                facts.currency.as_str(),
                place.column_of(facts.amount)?,
                facts.authorised,
                place.column_of(facts.captured)?,
                place.column_of(facts.refunded)?,
                facts.failed,
                facts.expired,
                facts.failure_code,
                place.column,
            ])?;
        Ok(())
    }

    pub(super) fn refund(
        &mut self,
        place: Place,
        facts: &RefundFacts,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        self.sql
            .prepare_cached(
                "INSERT INTO refunds (id, charge, intent, order_id, currency, amount, status,
                                      first_position, last_position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                 ON CONFLICT (id) DO UPDATE SET charge = excluded.charge,
                     intent = excluded.intent, order_id = excluded.order_id,
                     currency = excluded.currency, amount = excluded.amount,
                     status = excluded.status, last_position = excluded.last_position",
            )?
            .execute(params![
                facts.id.as_str(),
                text(&facts.charge),
                text(&facts.intent),
                order,
                facts.currency.as_str(),
                place.column_of(facts.amount)?,
                words::refund_status(facts.status),
                place.column,
            ])?;
        Ok(())
    }

    pub(super) fn dispute(
        &mut self,
        place: Place,
        facts: &DisputeFacts,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        self.sql
            .prepare_cached(
                "INSERT INTO disputes (id, charge, intent, order_id, currency, amount, status,
                                       reason, first_position, last_position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
                 ON CONFLICT (id) DO UPDATE SET charge = excluded.charge,
                     intent = excluded.intent, order_id = excluded.order_id,
                     currency = excluded.currency, amount = excluded.amount,
                     status = excluded.status, reason = excluded.reason,
                     last_position = excluded.last_position",
            )?
            .execute(params![
                facts.id.as_str(),
                text(&facts.charge),
                text(&facts.intent),
                order,
                facts.currency.as_str(),
                place.column_of(facts.amount)?,
                words::dispute_status(facts.status),
                facts.reason,
                place.column,
            ])?;
        Ok(())
    }

    pub(super) fn transfer(
        &mut self,
        place: Place,
        facts: &TransferFacts,
    ) -> Result<(), ProjectError> {
        let (amount, reversed) = (
            place.column_of(facts.amount)?,
            place.column_of(facts.reversed)?,
        );
        let before: Option<i64> = self
            .sql
            .prepare_cached("SELECT amount - reversed FROM transfers WHERE id = ?1")?
            .query_row([facts.id.as_str()], |row| row.get(0))
            .optional()?;
        self.sql
            .prepare_cached(
                "INSERT INTO transfers (id, seller, currency, amount, reversed, source_charge,
                                        transfer_group, first_position, last_position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                 ON CONFLICT (id) DO UPDATE SET amount = excluded.amount,
                     reversed = excluded.reversed, source_charge = excluded.source_charge,
                     transfer_group = excluded.transfer_group,
                     last_position = excluded.last_position",
            )?
            .execute(params![
                facts.id.as_str(),
                facts.seller.as_str(),
                facts.currency.as_str(),
                amount,
                reversed,
                text(&facts.source_charge),
                facts.group,
                place.column,
            ])?;
        let change = (amount - reversed)
            .checked_sub(before.unwrap_or(0))
            .ok_or_else(|| place.contradiction("a transfer leaves the range of an amount"))?;
        if change != 0 {
            self.seller_moved(place, facts.seller.as_str(), facts.currency, change, 0)?;
        }
        Ok(())
    }

    pub(super) fn payout(&mut self, place: Place, facts: &PayoutFacts) -> Result<(), ProjectError> {
        self.sql
            .prepare_cached(
                "INSERT INTO payouts (id, account, currency, amount, status, arrival,
                                      first_position, last_position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
                 ON CONFLICT (id) DO UPDATE SET account = excluded.account,
                     currency = excluded.currency, amount = excluded.amount,
                     status = excluded.status, arrival = excluded.arrival,
                     last_position = excluded.last_position",
            )?
            .execute(params![
                facts.id.as_str(),
                text(&facts.account),
                facts.currency.as_str(),
                place.column_of(facts.amount)?,
                words::payout_status(facts.status),
                facts.arrival.map(|at| at.micros()),
                place.column,
            ])?;
        Ok(())
    }

    pub(super) fn balance_transaction(
        &mut self,
        place: Place,
        facts: &BalanceTransactionFacts,
        order: Option<&str>,
    ) -> Result<(), ProjectError> {
        let fees = match facts.fees.as_slice() {
            [] => "[]".to_owned(),
            fees => serde_json::to_string(fees)
                .map_err(|error| place.contradiction(format!("the fees are no JSON: {error}")))?,
        };
        self.sql
            .prepare_cached(
                "INSERT INTO balance_transactions (id, account, kind, category, currency, amount,
                     fee, net, source, fees, created, available_on, order_id, first_position,
                     last_position)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)
                 ON CONFLICT (id) DO UPDATE SET account = excluded.account, kind = excluded.kind,
                     category = excluded.category, currency = excluded.currency,
                     amount = excluded.amount, fee = excluded.fee, net = excluded.net,
                     source = excluded.source, fees = excluded.fees, created = excluded.created,
                     available_on = excluded.available_on, order_id = excluded.order_id,
                     last_position = excluded.last_position",
            )?
            .execute(params![
                facts.id.as_str(),
                text(&facts.account),
                facts.kind,
                facts.category,
                facts.currency.as_str(),
                facts.amount,
                facts.fee,
                facts.net,
                text(&facts.source),
                fees,
                facts.created.map(|at| at.micros()),
                facts.available_on.map(|at| at.micros()),
                order,
                place.column,
            ])?;
        Ok(())
    }
}
