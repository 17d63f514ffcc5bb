//! Idempotency keys, and which of them match.
//!
//! A key belongs to a scope: to what stays the same while credentials are rotated and people
//! change places, so to an integration or a device, or to Stripe. The rule:
//!
//! 1. A command finds what was applied under its own scope and key.
//! 2. If there is nothing, a command with a scope of its own finds what was applied under the
//!    same key in the shared scope: whose it was is not known any more, so it matches
//!    every scope.
//! 3. What was found with the same fingerprint is already applied; with another it is a conflict.
//!
//! Keys from before there were scopes, and those of callers that prove nothing about themselves,
//! are in the shared scope. So when callers begin to say who they are, a request that is sent
//! again repeats nothing; and what two of them use from then on never meets. The other way round
//! nothing is found: a command in the shared scope knows no other's keys. A server on which
//! callers have names has no commands in the shared scope.
//!
//! The book keeps one text per key ([`stored_name`]). In the shared scope it is the key itself,
//! so that a scope costs nothing where there is none.

use std::borrow::Cow;

use tillroll_events::KeyScope;

/// What makes a command happen once: the same key with the same fingerprint is already applied,
/// with another fingerprint it is a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommandKey {
    pub scope: KeyScope,
    /// One to 255 visible characters behind `http:`, or `stripe:` and an event id.
    pub key: String,
    pub fingerprint: [u8; 16],
}

/// In front of a key in Stripe's scope.
const STRIPE: char = '\u{1e}';
/// Around the name of any other scope.
const NAMED: char = '\u{1f}';

/// Under what a key is kept.
#[must_use]
pub fn stored_name<'k>(scope: &KeyScope, key: &'k str) -> Cow<'k, str> {
    match scope {
        // No scope has an empty name.
        KeyScope::Shared if key.starts_with([STRIPE, NAMED]) => {
            format!("{NAMED}{NAMED}{key}").into()
        }
        KeyScope::Shared => key.into(),
        KeyScope::Stripe => format!("{STRIPE}{key}").into(),
        KeyScope::Named(name) => format!("{NAMED}{}{NAMED}{key}", name.as_str()).into(),
    }
}

/// Under what a key may have been kept that a command's key matches, in the order of the rule.
pub fn matching_names<'k>(scope: &KeyScope, key: &'k str) -> impl Iterator<Item = Cow<'k, str>> {
    let shared = match scope {
        KeyScope::Shared => None,
        KeyScope::Stripe | KeyScope::Named(_) => Some(stored_name(&KeyScope::Shared, key)),
    };
    [stored_name(scope, key)].into_iter().chain(shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Command, MemoryWriter, OpenAccount, Refusal};
    use proptest::prelude::*;
    use tillroll_events::Caller;

    fn scope(name: &str) -> KeyScope {
        match name {
            "-" => KeyScope::Shared,
            "stripe" => KeyScope::Stripe,
            name => KeyScope::Named(name.parse().unwrap()),
        }
    }

    /// Opens an account of this name, so that each request is another.
    fn command(scope_name: &str, key: &str, request: &str) -> Command {
        Command {
            at: "2026-11-23T09:30:00Z".parse().unwrap(),
            occurred_at: None,
            caller: Caller::ANONYMOUS,
            key: Some(CommandKey {
                scope: scope(scope_name),
                key: key.into(),
                fingerprint: [request.as_bytes()[0]; 16],
            }),
            action: Action::OpenAccount(OpenAccount {
                path: request.parse().unwrap(),
                unit: "EUR".parse().unwrap(),
                kind: Some(tillroll_ledger::AccountType::Asset),
                limit: None,
            }),
        }
    }

    /// What was applied: scope and request, all under one key. Then what is asked for: scope,
    /// request, and what becomes of it.
    #[test]
    fn a_key_matches_its_own_scope_and_the_shared_one() {
        #[rustfmt::skip]
        let table: &[(&[(&str, &str)], &str, &str, &str)] = &[
            // Without scopes, as it ever was.
            (&[],                       "-",      "a", "applied"),
            (&[("-", "a")],             "-",      "a", "known"),
            (&[("-", "a")],             "-",      "b", "conflict"),
            // Callers begin to say who they are: what was applied before is not repeated.
            (&[("-", "a")],             "till-1", "a", "known"),
            (&[("-", "a")],             "shop",   "a", "known"),
            (&[("-", "a")],             "stripe", "a", "known"),
            (&[("-", "a")],             "till-1", "b", "conflict"),
            // From then on two may use the same key, for the same request and for others.
            (&[("till-1", "a")],        "till-1", "a", "known"),
            (&[("till-1", "a")],        "till-1", "b", "conflict"),
            (&[("till-1", "a")],        "shop",   "a", "nothing to do"),
            (&[("till-1", "a")],        "shop",   "b", "applied"),
            (&[("till-1", "a"), ("shop", "b")], "shop",   "b", "known"),
            (&[("till-1", "a"), ("shop", "b")], "till-1", "a", "known"),
            (&[("till-1", "a"), ("shop", "b")], "till-1", "b", "conflict"),
            // Webhooks, polling and what is read again share one scope.
            (&[("stripe", "a")],        "stripe", "a", "known"),
            (&[("stripe", "a")],        "Stripe", "b", "applied"),
            // The shared scope knows no other's keys, and the own scope comes first.
            (&[("till-1", "a")],        "-",      "b", "applied"),
            (&[("till-1", "a"), ("-", "b")], "till-1", "a", "known"),
            (&[("till-1", "a"), ("-", "b")], "till-1", "b", "conflict"),
            (&[("till-1", "a"), ("-", "b")], "shop",   "b", "known"),
            (&[("till-1", "a"), ("-", "b")], "shop",   "a", "conflict"),
        ];
        for (applied, scope, request, expected) in table {
            let mut writer = MemoryWriter::default();
            for (scope, request) in *applied {
                let records = writer.apply(&command(scope, "http:k", request)).unwrap();
                assert_eq!(records.len(), 1, "{applied:?}");
            }
            let command = command(scope, "http:k", request);
            let is_known = matches!(
                writer.book().decide(&command),
                Ok(crate::Decision::AlreadyApplied { .. })
            );
            let became = match writer.apply(&command) {
                Ok(_) if is_known => "known",
                Ok(records) if records.is_empty() => "nothing to do",
                Ok(_) => "applied",
                Err(Refusal::IdempotencyConflict { .. }) => "conflict",
                Err(refusal) => panic!("{refusal}"),
            };
            assert_eq!(became, *expected, "{applied:?}, then {scope}: {request}");
        }
    }

    #[test]
    fn a_key_in_the_shared_scope_is_kept_as_it_is() {
        assert_eq!(stored_name(&KeyScope::Shared, "http:k 1"), "http:k 1");
    }

    fn any_key() -> impl Strategy<Value = (KeyScope, String)> {
        let scope = prop_oneof![
            Just(KeyScope::Shared),
            Just(KeyScope::Stripe),
            "[a-c]{1,2}".prop_map(|name| KeyScope::Named(name.parse().unwrap())),
        ];
        (scope, "[a-c\u{1e}\u{1f}]{0,4}")
    }

    proptest! {
        #[test]
        fn no_two_keys_are_kept_under_one_name(one in any_key(), other in any_key()) {
            let names = [&one, &other].map(|(scope, key)| stored_name(scope, key));
            prop_assert_eq!(names[0] == names[1], one == other);
        }
    }
}
