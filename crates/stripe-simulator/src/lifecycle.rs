//! Ready-made life cycles: what becomes of one order's payment, from the first
//! event to the last. Tests permute their events; benches repeat them.

use crate::checkout::CreateSession;
use crate::currency::StripeCurrency;
use crate::dispute::{DisputeOutcome, OpenDispute};
use crate::error::StripeError;
use crate::exchange::DAY;
use crate::id::{ChargeId, IntentId};
use crate::intent::CreateIntent;
use crate::payment_method::{Decline, MethodKind, PaymentMethod};
use crate::payout::{CreatePayout, PayoutOutcome};
use crate::refund::{CreateRefund, RefundOutcome};
use crate::simulator::StripeSimulator;
use crate::transfer::CreateTransfer;
use crate::webhook::StripeEvent;

/// What may become of one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LifeCycle {
    /// A card pays.
    Paid,
    /// The bank asks the customer for authentication, which succeeds.
    PaidAfterAuthentication,
    /// Declined, then paid on the same intent.
    DeclinedThenPaid,
    /// Declined and given up.
    DeclinedThenCancelled,
    /// Authorised, then captured in whole.
    Captured,
    /// Authorised, then captured for about two thirds.
    CapturedInPart,
    /// Authorised, then let go.
    AuthorisationReleased,
    /// Authorised, never captured, and lapsed.
    AuthorisationLapsed,
    /// Paid, a third given back, then the rest.
    RefundedTwice,
    /// Paid, a third given back.
    RefundedInPart,
    /// Paid; the refund comes back from the bank, and is made again.
    RefundFailedThenMadeAgain,
    /// Paid, disputed, won.
    DisputeWon,
    /// Paid, disputed, lost.
    DisputeLost,
    /// Asked about, and left at that.
    InquiryClosed,
    /// Paid on a Checkout page.
    PaidOnCheckout,
    /// Promised on a Checkout page, paid days later.
    PaidLaterOnCheckout,
    /// Promised on a Checkout page, and not paid.
    FailedLaterOnCheckout,
    /// Paid on a reader in a store.
    PaidInStore,
    /// Paid and shared with a seller.
    Shared,
    /// Paid, shared with a seller, given back by both.
    SharedThenRefunded,
    /// Paid, then paid out to the bank.
    PaidOut,
    /// Paid, paid out, and sent back by the bank.
    PayoutFailedAfterPaid,
}

impl LifeCycle {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Paid,
        Self::PaidAfterAuthentication,
        Self::DeclinedThenPaid,
        Self::DeclinedThenCancelled,
        Self::Captured,
        Self::CapturedInPart,
        Self::AuthorisationReleased,
        Self::AuthorisationLapsed,
        Self::RefundedTwice,
        Self::RefundedInPart,
        Self::RefundFailedThenMadeAgain,
        Self::DisputeWon,
        Self::DisputeLost,
        Self::InquiryClosed,
        Self::PaidOnCheckout,
        Self::PaidLaterOnCheckout,
        Self::FailedLaterOnCheckout,
        Self::PaidInStore,
        Self::Shared,
        Self::SharedThenRefunded,
        Self::PaidOut,
        Self::PayoutFailedAfterPaid,
    ];

    /// Lives it through on `sim`, whose clock moves on by up to some weeks, and
    /// takes its events. The order's id is in the metadata of the intent and
    /// its charges. Balance transactions stay in `sim` to be listed.
    ///
    /// The amount is in Stripe's minor units, and at least a few major units:
    /// parts of it must be amounts that can be captured and refunded.
    ///
    /// # Errors
    ///
    /// When the currency or the amount does not allow it.
    pub fn run(
        self,
        sim: &mut StripeSimulator,
        order: &str,
        amount: u64,
        currency: StripeCurrency,
    ) -> Result<Vec<StripeEvent>, StripeError> {
        let mut life = LifeCycleRun {
            sim,
            order,
            amount,
            currency,
        };
        life.live(self)?;
        Ok(life.sim.drain_events())
    }
}

struct LifeCycleRun<'a> {
    sim: &'a mut StripeSimulator,
    order: &'a str,
    amount: u64,
    currency: StripeCurrency,
}

impl LifeCycleRun<'_> {
    fn live(&mut self, cycle: LifeCycle) -> Result<(), StripeError> {
        match cycle {
            LifeCycle::Paid => {
                self.pay()?;
            }
            LifeCycle::PaidAfterAuthentication => {
                let intent = self.intent(false)?;
                self.sim
                    .confirm_intent(&intent, PaymentMethod::asks_customer())?;
                self.sim.advance(40);
                self.sim.authenticate(&intent, true)?;
                self.sim.run_until_quiet();
            }
            LifeCycle::DeclinedThenPaid => {
                let intent = self.declined()?;
                self.sim
                    .confirm_intent(&intent, PaymentMethod::other_card())?;
                self.sim.run_until_quiet();
            }
            LifeCycle::DeclinedThenCancelled => {
                let intent = self.declined()?;
                self.sim.cancel_intent(&intent)?;
            }
            LifeCycle::Captured | LifeCycle::CapturedInPart => {
                let intent = self.authorised()?;
                let part = (cycle == LifeCycle::CapturedInPart).then(|| 2 * self.third());
                self.sim.capture_intent(&intent, part)?;
                self.sim.run_until_quiet();
            }
            LifeCycle::AuthorisationReleased => {
                let intent = self.authorised()?;
                self.sim.cancel_intent(&intent)?;
            }
            LifeCycle::AuthorisationLapsed => {
                self.authorised()?;
                self.sim.run_until_quiet();
            }
            LifeCycle::RefundedInPart | LifeCycle::RefundedTwice => {
                let charge = self.pay()?;
                self.refund(CreateRefund::part(charge.clone(), self.third()))?;
                if cycle == LifeCycle::RefundedTwice {
                    let rest = CreateRefund::whole(charge).that(RefundOutcome::SucceedsLater);
                    self.refund(rest)?;
                }
            }
            LifeCycle::RefundFailedThenMadeAgain => {
                let charge = self.pay()?;
                let fails = RefundOutcome::FailsLater { after: 2 * DAY };
                self.refund(CreateRefund::whole(charge.clone()).that(fails))?;
                self.refund(CreateRefund::whole(charge))?;
            }
            LifeCycle::DisputeWon => self.dispute(DisputeOutcome::Won, false)?,
            LifeCycle::DisputeLost => self.dispute(DisputeOutcome::Lost, false)?,
            LifeCycle::InquiryClosed => self.dispute(DisputeOutcome::Won, true)?,
            LifeCycle::PaidOnCheckout => self.checkout(PaymentMethod::card())?,
            LifeCycle::PaidLaterOnCheckout => {
                self.checkout(PaymentMethod::sepa_debit(true, 3 * DAY))?;
            }
            LifeCycle::FailedLaterOnCheckout => {
                self.checkout(PaymentMethod::sepa_debit(false, 3 * DAY))?;
            }
            LifeCycle::PaidInStore => {
                let params = CreateIntent::new(self.amount, self.currency)
                    .for_order(self.order)
                    .paid_with(MethodKind::CardPresent);
                let intent = self.sim.create_intent(params)?;
                let reader = self.sim.register_reader("till 1");
                self.sim.process_on_reader(&reader, &intent)?;
                self.sim.advance(4);
                self.sim
                    .present_card(&reader, PaymentMethod::card_present())?;
                self.sim.run_until_quiet();
            }
            LifeCycle::Shared => self.share(false)?,
            LifeCycle::SharedThenRefunded => self.share(true)?,
            LifeCycle::PaidOut => self.pay_out(PayoutOutcome::Arrives)?,
            LifeCycle::PayoutFailedAfterPaid => self.pay_out(PayoutOutcome::FailsAfterPaid)?,
        }
        Ok(())
    }

    /// A third of the amount that can be captured or refunded by itself.
    fn third(&self) -> u64 {
        let step = self.currency.charge_step();
        self.amount / 3 / step * step
    }

    fn intent(&mut self, by_hand: bool) -> Result<IntentId, StripeError> {
        let params = CreateIntent::new(self.amount, self.currency).for_order(self.order);
        let params = if by_hand {
            params.captured_by_hand()
        } else {
            params
        };
        let intent = self.sim.create_intent(params)?;
        self.sim.advance(20);
        Ok(intent)
    }

    fn pay(&mut self) -> Result<ChargeId, StripeError> {
        let intent = self.intent(false)?;
        self.sim.confirm_intent(&intent, PaymentMethod::card())?;
        self.sim.run_until_quiet();
        Ok(self.charge_of(&intent))
    }

    fn charge_of(&self, intent: &IntentId) -> ChargeId {
        self.sim
            .intent(intent)
            .and_then(|intent| intent.latest_charge.clone())
            .expect("the intent was paid")
    }

    fn declined(&mut self) -> Result<IntentId, StripeError> {
        let intent = self.intent(false)?;
        let card = PaymentMethod::declined(Decline::InsufficientFunds);
        // The refusal is the point of it.
        let refused = self.sim.confirm_intent(&intent, card);
        debug_assert!(refused.is_err());
        self.sim.advance(60);
        Ok(intent)
    }

    fn authorised(&mut self) -> Result<IntentId, StripeError> {
        let intent = self.intent(true)?;
        self.sim.confirm_intent(&intent, PaymentMethod::card())?;
        self.sim.advance(DAY);
        Ok(intent)
    }

    fn refund(&mut self, params: CreateRefund) -> Result<(), StripeError> {
        self.sim.advance(DAY);
        self.sim.create_refund(params)?;
        self.sim.run_until_quiet();
        Ok(())
    }

    fn dispute(&mut self, outcome: DisputeOutcome, inquiry: bool) -> Result<(), StripeError> {
        let charge = self.pay()?;
        self.sim.advance(5 * DAY);
        let dispute = self.sim.open_dispute(OpenDispute {
            inquiry,
            ..OpenDispute::over(charge, "product_not_received")
        })?;
        self.sim.advance(2 * DAY);
        if !inquiry {
            self.sim.submit_evidence(&dispute)?;
        }
        self.sim.advance(10 * DAY);
        self.sim.resolve_dispute(&dispute, outcome)
    }

    fn checkout(&mut self, method: PaymentMethod) -> Result<(), StripeError> {
        let session = self.sim.create_session(CreateSession::for_order(
            self.order,
            self.amount,
            self.currency,
        ))?;
        self.sim.advance(45);
        self.sim.pay_session(&session, method)?;
        self.sim.run_until_quiet();
        Ok(())
    }

    fn share(&mut self, give_back: bool) -> Result<(), StripeError> {
        let seller = self
            .sim
            .onboarded_account("Atelier", "FR", StripeCurrency::EUR);
        let charge = self.pay()?;
        let (funds, currency, _) = self.sim.settle(self.amount, self.currency);
        let transfer = self.sim.create_transfer(CreateTransfer {
            amount: funds / 2,
            currency,
            destination: seller,
            source_transaction: Some(charge.clone()),
            transfer_group: Some(self.order.to_owned()),
            metadata: [("order_id".to_owned(), self.order.to_owned())].into(),
        })?;
        if give_back {
            self.sim.advance(DAY);
            self.sim.reverse_transfer(&transfer, Some(funds / 4))?;
            self.sim.reverse_transfer(&transfer, None)?;
            self.refund(CreateRefund::whole(charge))?;
        }
        Ok(())
    }

    fn pay_out(&mut self, outcome: PayoutOutcome) -> Result<(), StripeError> {
        self.pay()?;
        self.sim.advance(3 * DAY);
        let (_, currency, _) = self.sim.settle(self.amount, self.currency);
        let available = self.sim.available(currency).unsigned_abs();
        let step = currency.payout_step();
        self.sim.create_payout(CreatePayout {
            outcome,
            ..CreatePayout::new(available / step * step, currency)
        })?;
        self.sim.run_until_quiet();
        Ok(())
    }
}
