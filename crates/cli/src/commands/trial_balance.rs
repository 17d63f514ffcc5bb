//! `tillroll trial-balance`: debits and credits by unit, which are equal or the books are wrong.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use tillroll_ledger::AccountType;
use tillroll_money::Unit;
use tillroll_projections::{Total, TrialBalance};
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::models::CurrentModels;
use crate::output::{Column, Rows, major, major_or_blank};

/// Show debits and credits by unit: their difference is zero
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll trial-balance --as-of 2026-08-31T23:59:59Z
  tillroll trial-balance --accounts --unit EUR")]
pub(crate) struct TrialBalanceArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The state at a position, or at a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    /// Only this unit
    #[arg(long)]
    unit: Option<Unit>,
    /// List every account, not only the types of account
    #[arg(long)]
    accounts: bool,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &TrialBalanceArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let models = CurrentModels::open(&data, console)?;
    let at = models.at(args.as_of)?;
    let answer = models.models.trial_balance(Some(at));
    let answer = answer.map_err(Stop::failed)?;
    let mut units = answer.value;
    units.retain(|balance| args.unit.is_none_or(|unit| unit == balance.unit));

    if args.json.json {
        console.json(&json!({
            "object": "trial_balance",
            "position": answer.position,
            "balanced": units.iter().all(TrialBalance::is_balanced),
            "units": units.iter().map(view).collect::<Vec<_>>(),
        }))?;
    } else if args.accounts {
        print_accounts(&units, console)?;
    } else {
        print(&units, console)?;
    }
    match units.iter().find(|balance| !balance.is_balanced()) {
        None => Ok(()),
        Some(balance) => Err(Stop::failed(format!(
            "debits and credits of {} differ by {} at position {}",
            balance.unit,
            major(difference(balance), balance.unit),
            answer.position,
        ))
        .next(data.command("verify"))),
    }
}

/// Totals of one type of account.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    debits: i128,
    credits: i128,
}

fn by_type(balance: &TrialBalance) -> BTreeMap<AccountType, Totals> {
    let mut types: BTreeMap<AccountType, Totals> = BTreeMap::new();
    for row in &balance.rows {
        let totals = types.entry(row.kind).or_default();
        totals.debits += row.debits.0;
        totals.credits += row.credits.0;
    }
    types
}

fn difference(balance: &TrialBalance) -> i128 {
    balance.debits.0 - balance.credits.0
}

/// One line per unit and type, and one for the unit's sum.
pub(super) fn print(units: &[TrialBalance], console: &mut Console<'_>) -> Result<(), Stop> {
    let mut rows = Rows::new(&[
        Column::Left("unit"),
        Column::Left("accounts"),
        Column::Right("debits"),
        Column::Right("credits"),
        Column::Right("debits less credits"),
    ]);
    for balance in units {
        let unit = balance.unit;
        let mut name = unit.to_string();
        for (kind, totals) in by_type(balance) {
            rows.push([
                std::mem::take(&mut name),
                kind.as_str().into(),
                major_or_blank(totals.debits, unit),
                major_or_blank(totals.credits, unit),
                major(totals.debits - totals.credits, unit),
            ]);
        }
        rows.push([
            String::new(),
            "sum".into(),
            major(balance.debits.0, unit),
            major(balance.credits.0, unit),
            major(difference(balance), unit),
        ]);
    }
    rows.print(console, "nothing is posted yet")
}

fn print_accounts(units: &[TrialBalance], console: &mut Console<'_>) -> Result<(), Stop> {
    let mut rows = Rows::new(&[
        Column::Left("unit"),
        Column::Left("code"),
        Column::Left("account"),
        Column::Left("type"),
        Column::Right("debits"),
        Column::Right("credits"),
        Column::Right("balance"),
    ]);
    for balance in units {
        let unit = balance.unit;
        for row in &balance.rows {
            rows.push([
                unit.to_string(),
                row.code.clone(),
                row.path.clone(),
                row.kind.as_str().into(),
                major_or_blank(row.debits, unit),
                major_or_blank(row.credits, unit),
                major(row.balance, unit),
            ]);
        }
        rows.push([
            unit.to_string(),
            String::new(),
            "sum".into(),
            String::new(),
            major(balance.debits.0, unit),
            major(balance.credits.0, unit),
            major(difference(balance), unit),
        ]);
    }
    rows.print(console, "nothing is posted yet")
}

fn view(balance: &TrialBalance) -> Value {
    let mut view = totals(balance);
    view["accounts"] = json!(balance.rows);
    view
}

/// A unit and its types of account, without the accounts.
pub(super) fn totals(balance: &TrialBalance) -> Value {
    let types = by_type(balance).into_iter().map(|(kind, totals)| {
        json!({
            "type": kind.as_str(),
            "debits": Total(totals.debits),
            "credits": Total(totals.credits),
        })
    });
    json!({
        "unit": balance.unit.as_str(),
        "debits": balance.debits,
        "credits": balance.credits,
        "balanced": balance.is_balanced(),
        "types": types.collect::<Vec<_>>(),
    })
}
