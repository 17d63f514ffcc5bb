//! `tillroll balances`: accounts and what stands on them.

use clap::Args;
use serde_json::json;
use tillroll_money::Unit;
use tillroll_projections::{AccountQuery, AccountRow};
use tillroll_terminal::{Console, Stop};

use crate::as_of::AsOfArgument;
use crate::cli::{DataArgs, JsonArgs};
use crate::models::CurrentModels;
use crate::output::{Column, Rows, counted, major, major_or_blank};

/// Show accounts and their balances
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tillroll balances --prefix seller: --unit EUR
  tillroll balances --prefix stock:berlin --as-of 1200")]
pub(crate) struct BalancesArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Only accounts whose path begins with this
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    /// Only accounts in this unit: EUR, sku:TEE-M, points
    #[arg(long)]
    unit: Option<Unit>,
    /// The state at a position, or at a time such as 2026-08-01T09:30:00Z
    #[arg(long, value_name = "MOMENT")]
    as_of: Option<AsOfArgument>,
    /// Include accounts with a balance of zero
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    json: JsonArgs,
}

pub(crate) fn run(args: &BalancesArgs, console: &mut Console<'_>) -> Result<(), Stop> {
    let models = CurrentModels::open(&args.data.dir(), console)?;
    let query = AccountQuery {
        limit: usize::MAX,
        prefix: args.prefix.clone(),
        unit: args.unit,
        as_of: Some(models.at(args.as_of)?),
        ..AccountQuery::default()
    };
    let answer = models.models.accounts(&query).map_err(Stop::failed)?;
    let found = answer.value.items.len();
    let mut accounts = answer.value.items;
    accounts.retain(|account| args.all || !is_zero(account));
    let hidden = u64::try_from(found - accounts.len()).unwrap_or(u64::MAX);

    if args.json.json {
        return console.json(&json!({
            "object": "list",
            "position": answer.position,
            "data": accounts.iter().map(view).collect::<Vec<_>>(),
        }));
    }
    let mut rows = Rows::new(&[
        Column::Left("account"),
        Column::Left("type"),
        Column::Right("debits"),
        Column::Right("credits"),
        Column::Right("held"),
        Column::Right("balance"),
        Column::Left("unit"),
    ]);
    for account in &accounts {
        let held = i128::from(account.debits_pending) + i128::from(account.credits_pending);
        rows.push([
            account.path.clone(),
            account.kind.as_str().into(),
            major_or_blank(account.debits_posted, account.unit),
            major_or_blank(account.credits_posted, account.unit),
            major_or_blank(held, account.unit),
            major(account.balance, account.unit),
            account.unit.to_string(),
        ]);
    }
    rows.print(console, "no accounts")?;
    if hidden > 0 {
        let hidden = counted(hidden, "account");
        console.note(format!("{hidden} at zero not shown: --all shows them"))?;
    }
    Ok(())
}

fn is_zero(account: &AccountRow) -> bool {
    (
        account.balance,
        account.debits_pending,
        account.credits_pending,
    ) == (0, 0, 0)
}

/// As the HTTP interface shows it.
fn view(account: &AccountRow) -> serde_json::Value {
    let mut view = json!(account);
    view["object"] = json!("account");
    view["id"] = json!(format!("acc_{}", account.id));
    view
}
