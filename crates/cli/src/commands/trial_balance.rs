//! `tillroll trial-balance`: debits and credits by unit, which are equal or the books are wrong.

use clap::Args;
use serde_json::{Value, json};
use tillroll_money::Unit;
use tillroll_projections::{At, ReadError, ReadModels, TrialBalance, TrialBalanceQuery};
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::models::CurrentModels;
use crate::output::{Column, Rows, count, major, major_or_blank};

/// Show debits and credits by unit: their difference is zero
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll trial-balance --as-of 2026-08-31T23:59:59Z
  tillroll trial-balance --accounts --unit EUR
  tillroll trial-balance --control 'order:*:clearing'")]
pub(crate) struct TrialBalanceArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The state at a position, or at a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    /// Only this unit
    #[arg(long)]
    unit: Option<Unit>,
    /// List the accounts, not only their types; accounts of one order each are one line
    #[arg(long)]
    accounts: bool,
    /// List the accounts of one order each that this line stands for, such as order:*:clearing
    #[arg(long, value_name = "PATH")]
    control: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &TrialBalanceArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let data = args.data.dir();
    let models = CurrentModels::open(&data, console)?;
    let at = models.at(args.as_of)?;
    let lines = args.accounts || args.control.is_some() || args.json.json;
    let answer = match lines {
        true => all_lines(&models.models, args, at),
        false => models.models.trial_balance_sums(Some(at)),
    };
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
    } else if lines {
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

/// Lines that are read at once.
const PAGE: usize = 1000;

/// Every unit with all of its lines.
fn all_lines(
    models: &ReadModels,
    args: &TrialBalanceArgs,
    at: u64,
) -> Result<At<Vec<TrialBalance>>, ReadError> {
    let mut query = TrialBalanceQuery {
        limit: PAGE,
        after: None,
        unit: args.unit,
        control: args.control.clone(),
        as_of: Some(at),
    };
    let mut units: Vec<TrialBalance> = Vec::new();
    loop {
        let page = models.trial_balance(&query)?;
        for unit in page.value.units {
            match units.last_mut() {
                Some(last) if last.unit == unit.unit => last.rows.extend(unit.rows),
                _ => units.push(unit),
            }
        }
        let last = units
            .last()
            .and_then(|unit| Some((unit.unit, unit.rows.last()?)));
        query.after = last.map(|(unit, row)| (unit, row.path.clone()));
        if !page.value.has_more {
            return Ok(At {
                position: page.position,
                value: units,
            });
        }
    }
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
        for sums in &balance.types {
            let (debits, credits) = (sums.debits.0, sums.credits.0);
            rows.push([
                std::mem::take(&mut name),
                sums.kind.as_str().into(),
                major_or_blank(debits, unit),
                major_or_blank(credits, unit),
                major(debits - credits, unit),
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
        Column::Right("of"),
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
                row.accounts.map(count).unwrap_or_default(),
                major_or_blank(row.debits.0, unit),
                major_or_blank(row.credits.0, unit),
                major(row.balance.0, unit),
            ]);
        }
        let (sum, debits, credits) = match &balance.control {
            Some(control) => (control.path.as_str(), control.debits.0, control.credits.0),
            None => ("sum", balance.debits.0, balance.credits.0),
        };
        rows.push([
            unit.to_string(),
            String::new(),
            sum.into(),
            String::new(),
            String::new(),
            major(debits, unit),
            major(credits, unit),
            major(debits - credits, unit),
        ]);
    }
    rows.print(console, "nothing is posted yet")
}

fn view(balance: &TrialBalance) -> Value {
    let mut view = totals(balance);
    view["accounts"] = json!(balance.rows);
    if let Some(control) = &balance.control {
        view["control"] = json!(control);
    }
    view
}

/// A unit and its types of account, without the accounts.
pub(super) fn totals(balance: &TrialBalance) -> Value {
    json!({
        "unit": balance.unit.as_str(),
        "debits": balance.debits,
        "credits": balance.credits,
        "balanced": balance.is_balanced(),
        "types": balance.types,
    })
}
