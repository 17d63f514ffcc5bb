//! Opening accounts.

use tillroll_events::AccountLimitSet;
use tillroll_ledger::{AccountSpec, AccountType, Limit};

use super::is_reserved;
use crate::work::UnitOfWork;
use crate::{OpenAccount, Refusal};

/// Opening an account that is open as asked changes nothing and is no error.
pub(super) fn open(work: &mut UnitOfWork<'_>, request: &OpenAccount) -> Result<(), Refusal> {
    let OpenAccount {
        path,
        unit,
        kind,
        limit,
    } = request;
    let rule = work.chart().rule(path);
    if work.chart().is_built_in(path)
        && let Some(rule) = &rule
    {
        if let Some(asked) = kind.filter(|kind| *kind != rule.kind) {
            return Err(type_conflict(request, rule.kind, asked));
        }
        if limit.is_some_and(|limit| limit != rule.limit) {
            return Err(Refusal::invalid(
                "limit",
                format!(
                    "the posting rules rely on `{path}` with limit `{}`",
                    rule.limit.as_str()
                ),
            ));
        }
    }
    if let Some(id) = work.draft.lookup(path.as_str(), *unit) {
        let account = work.draft.account(id).expect("looked up above").clone();
        if let Some(asked) = kind.filter(|kind| *kind != account.kind) {
            return Err(type_conflict(request, account.kind, asked));
        }
        if let Some(limit) = limit.filter(|limit| *limit != account.limit) {
            work.draft.check_limit_change(id, limit)?;
            work.emit(AccountLimitSet { account: id, limit }, None);
        }
        return Ok(());
    }
    // One that is open stays open under its name.
    if path.as_str().split(':').any(is_reserved) {
        return Err(Refusal::AccountPathReserved { path: path.clone() });
    }
    let kind = kind
        .or(rule.as_ref().map(|rule| rule.kind))
        .ok_or_else(|| {
            Refusal::invalid(
                "type",
                format!("`{path}` is not in the chart of accounts: say its type"),
            )
        })?;
    let limit = limit
        .or(rule.as_ref().map(|rule| rule.limit))
        .unwrap_or(Limit::None);
    let (code, name) = rule.map_or_else(
        || (String::new(), path.to_string()),
        |rule| (rule.code, rule.name),
    );
    work.open(
        AccountSpec {
            path: path.clone(),
            unit: *unit,
            kind,
            limit,
        },
        code,
        name,
    );
    Ok(())
}

fn type_conflict(request: &OpenAccount, open: AccountType, asked: AccountType) -> Refusal {
    Refusal::AccountTypeConflict {
        path: request.path.clone(),
        unit: request.unit,
        open: open.as_str(),
        asked: asked.as_str(),
    }
}
