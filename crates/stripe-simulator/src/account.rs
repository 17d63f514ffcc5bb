//! Connected accounts: the sellers. Their events carry `account`.

use crate::currency::StripeCurrency;
use crate::error::StripeError;
use crate::id::AccountId;
use crate::json::{
    EMPTY, EmptyObject, ListObject, NULL, Null, PreviousAttributes, PreviousValue, StripeMetadata,
    raw,
};
use crate::simulator::StripeSimulator;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A connected account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeAccount {
    /// `id`.
    pub id: AccountId,
    /// Two letters.
    pub country: &'static str,
    /// Seconds since the epoch.
    pub created: i64,
    /// Its own currency.
    pub default_currency: StripeCurrency,
    /// The seller's name.
    pub name: String,
    /// Whether it may receive money.
    pub onboarded: bool,
    /// What transfers brought it, less what was reversed, by currency.
    pub received: BTreeMap<StripeCurrency, i64>,
}

#[derive(Serialize)]
struct AccountObject<'a> {
    id: &'a AccountId,
    object: &'static str,
    business_profile: Profile<'a>,
    business_type: &'static str,
    capabilities: Capabilities,
    charges_enabled: bool,
    country: &'static str,
    created: i64,
    default_currency: StripeCurrency,
    details_submitted: bool,
    email: Null,
    external_accounts: ListObject<EmptyObject>,
    metadata: StripeMetadata,
    payouts_enabled: bool,
    requirements: Requirements,
    settings: EmptyObject,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Profile<'a> {
    mcc: Null,
    name: &'a str,
    url: Null,
}

#[derive(Serialize)]
struct Capabilities {
    transfers: &'static str,
}

#[derive(Serialize)]
struct Requirements {
    current_deadline: Null,
    currently_due: &'static [&'static str],
    disabled_reason: Option<&'static str>,
    errors: [&'static str; 0],
    eventually_due: &'static [&'static str],
    past_due: [&'static str; 0],
    pending_verification: [&'static str; 0],
}

#[derive(Serialize)]
struct CapabilityView<'a> {
    id: &'static str,
    object: &'static str,
    account: &'a AccountId,
    requested: bool,
    requested_at: i64,
    requirements: Requirements,
    status: &'static str,
}

impl StripeSimulator {
    /// One connected account.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&StripeAccount> {
        self.accounts.get(id)
    }

    /// One connected account in Stripe's JSON.
    #[must_use]
    pub fn account_json(&self, id: &AccountId) -> Option<String> {
        self.account(id)
            .map(|account| account_raw(account).get().to_owned())
    }

    /// `POST /v1/accounts`: a seller signs up, and may not be paid yet.
    pub fn create_account(
        &mut self,
        name: &str,
        country: &'static str,
        default_currency: StripeCurrency,
    ) -> AccountId {
        self.as_request(|sim| {
            let id: AccountId = sim.ids.next();
            sim.accounts.insert(
                id.clone(),
                StripeAccount {
                    id: id.clone(),
                    country,
                    created: sim.clock,
                    default_currency,
                    name: name.to_owned(),
                    onboarded: false,
                    received: BTreeMap::new(),
                },
            );
            sim.emit_account(&id, None);
            id
        })
    }

    /// The seller has shown everything that was asked for.
    ///
    /// # Errors
    ///
    /// `resource_missing` for an unknown account.
    pub fn onboard_account(&mut self, id: &AccountId) -> Result<(), StripeError> {
        let account = self
            .accounts
            .get_mut(id)
            .ok_or_else(|| StripeError::missing("account", "account", id))?;
        if std::mem::replace(&mut account.onboarded, true) {
            return Ok(());
        }
        let created = account.created;
        self.emit_account(
            id,
            Some(PreviousAttributes(vec![
                ("charges_enabled", PreviousValue::Truth(false)),
                ("payouts_enabled", PreviousValue::Truth(false)),
            ])),
        );
        let object = raw(&CapabilityView {
            id: "transfers",
            object: "capability",
            account: id,
            requested: true,
            requested_at: created,
            requirements: requirements(true),
            status: "active",
        });
        let previous = PreviousAttributes(vec![("status", PreviousValue::Text("inactive"))]);
        self.emit_on(
            Some(id.clone()),
            "capability.updated",
            "transfers",
            &object,
            Some(previous),
        );
        Ok(())
    }

    /// A connected account that can be paid.
    pub fn onboarded_account(
        &mut self,
        name: &str,
        country: &'static str,
        default_currency: StripeCurrency,
    ) -> AccountId {
        let id = self.create_account(name, country, default_currency);
        self.onboard_account(&id)
            .expect("the account was just made");
        id
    }

    pub(crate) fn credit_account(&mut self, id: &AccountId, currency: StripeCurrency, amount: i64) {
        let account = self
            .accounts
            .get_mut(id)
            .expect("transfers are checked against the accounts");
        *account.received.entry(currency).or_default() += amount;
    }

    fn emit_account(&mut self, id: &AccountId, previous: Option<PreviousAttributes>) {
        let object = account_raw(&self.accounts[id]);
        self.emit_on(
            Some(id.clone()),
            "account.updated",
            id.as_str(),
            &object,
            previous,
        );
    }
}

fn requirements(met: bool) -> Requirements {
    let due: &'static [&'static str] = if met {
        &[]
    } else {
        &["external_account", "tos_acceptance.date"]
    };
    Requirements {
        current_deadline: NULL,
        currently_due: due,
        disabled_reason: (!met).then_some("requirements.past_due"),
        errors: [],
        eventually_due: due,
        past_due: [],
        pending_verification: [],
    }
}

fn account_raw(account: &StripeAccount) -> Box<RawValue> {
    let met = account.onboarded;
    raw(&AccountObject {
        id: &account.id,
        object: "account",
        business_profile: Profile {
            mcc: NULL,
            name: &account.name,
            url: NULL,
        },
        business_type: "company",
        capabilities: Capabilities {
            transfers: if met { "active" } else { "inactive" },
        },
        charges_enabled: met,
        country: account.country,
        created: account.created,
        default_currency: account.default_currency,
        details_submitted: met,
        email: NULL,
        external_accounts: ListObject::page(
            Vec::new(),
            false,
            format!("/v1/accounts/{}/external_accounts", account.id),
        ),
        metadata: StripeMetadata::new(),
        payouts_enabled: met,
        requirements: requirements(met),
        settings: EMPTY,
        kind: "express",
    })
}
