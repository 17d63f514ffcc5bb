//! Accounts, their statements, and the trial balance.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tillroll_book::Action;
use tillroll_ledger::{AccountPath, AccountType};
use tillroll_money::Unit;
use tillroll_projections::{
    AccountQuery, At, LineCursor, LineRange, StatementQuery, TrialBalanceQuery,
};

use super::{Segment, no_record, path_parameter};
use crate::app::App;
use crate::bodies::AccountBody;
use crate::list::{List, ShortenedAt};
use crate::post::{self, Post};
use crate::problem::Problem;
use crate::query::{AsOfParameter, PAGE_LIMIT, Parameters, When};
use crate::views::{AccountView, StatementLineView, TrialBalanceView};

/// Open an account
///
/// Or set the limit of an open one. Opening an account that is open as asked changes nothing.
/// Type and unit never change.
///
/// A path is one to eight names of the letters `A` to `Z` and `a` to `z`, digits, `_`, `-` and `.`,
/// joined by `:`. Letters of other scripts are refused, because one name could be written in several
/// ways: what an account is called in any script is the chart's to say. A new account has no name `.`
/// or `..` (422 `account_path_reserved`), which clients and proxies resolve to another path.
#[utoipa::path(
    put, path = "/v1/accounts/{path}", operation_id = "put_account", tag = "Accounts",
    params(("path" = String, Path, description = "Up to eight names joined by `:`", example = "bank:account", pattern = "^[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+){0,7}$", max_length = 160)),
    request_body = AccountBody,
    responses((status = 200, description = "The account", body = AccountView)),
)]
pub(crate) async fn put(
    State(app): State<App>,
    Segment(path): Segment,
    post: Post,
) -> Result<Response, Problem> {
    let path: AccountPath = path_parameter("path", &path)?;
    let body: AccountBody = post.document()?.read()?;
    let account = body.into_action(path.clone())?;
    let unit = account.unit;
    let outcome = app
        .submit(post.caller(), None, None, Action::OpenAccount(account))
        .await?;
    let when = When {
        as_of: Some(AsOfParameter::Position(outcome.last.get())),
        min_position: None,
    };
    let found = app
        .read(when, move |models, as_of| {
            models.account(path.as_str(), Some(unit), as_of)
        })
        .await
        .map_err(|problem| problem.after_recording(outcome.last))?;
    let row = found.value.into_iter().next();
    let row = row.ok_or_else(|| no_record("account.opened"))?;
    Ok(post::applied(
        StatusCode::OK,
        &outcome,
        &AccountView::of(row),
    ))
}

/// List accounts
///
/// By path and unit.
#[utoipa::path(
    get, path = "/v1/accounts", operation_id = "list_accounts", tag = "Accounts",
    params(
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
        ("prefix" = Option<String>, Query, description = "What the path begins with", example = "seller:"),
        ("unit" = Option<String>, Query, description = "Only in this unit", pattern = "^([A-Z]{3}|sku:[A-Za-z0-9._-]+|points(:[A-Za-z0-9._-]+)?)$", max_length = 47),
        ("type" = Option<String>, Query, description = "Only of this type"),
    ),
    responses((status = 200, description = "A page of accounts", body = List<AccountView>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let page = parameters.page()?;
    let cursor_name = page.cursor();
    let when = parameters.when()?;
    let kind = match parameters.take("type")? {
        None => None,
        Some(text) => Some(AccountType::parse(&text).ok_or_else(|| {
            let known = AccountType::ALL.map(AccountType::as_str).join(", ");
            Problem::parameter("type", format!("a type is one of {known}"))
        })?),
    };
    let cursor = |name: &str, text: Option<String>| -> Result<Option<u32>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let number = text
            .strip_prefix("acc_")
            .and_then(|number| number.parse().ok());
        number.map(Some).ok_or_else(|| {
            Problem::parameter(
                name,
                "the cursor is the `id` of an account: `acc_` and a number",
            )
        })
    };
    let shortened = ShortenedAt::from(&page);
    let query = AccountQuery {
        limit: page.limit,
        starting_after: cursor("starting_after", page.starting_after)?,
        ending_before: cursor("ending_before", page.ending_before)?,
        prefix: parameters.take("prefix")?,
        unit: parameters.parse::<Unit>("unit")?,
        kind,
        as_of: None,
    };
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| {
            models.accounts(&AccountQuery { as_of, ..query })
        })
        .await
        .map_err(|problem| problem.with_cursor(cursor_name))?;
    let At { position, value } = found;
    let page = value.map(AccountView::of);
    let list = List::new("/v1/accounts", page.items, page.has_more);
    Ok(post::read_list(&app, position, &list, shortened))
}

/// Get an account
///
/// A path has an account in each unit that was opened for it, so the answer is a list with one item for
/// each, by unit, never empty and never paged; with `unit` it has that one. Debits and credits, posted
/// and pending. Where there is none, it is 404 `account_not_found`.
#[utoipa::path(
    get, path = "/v1/accounts/{path}", operation_id = "get_account", tag = "Accounts",
    params(
        ("path" = String, Path, description = "The account's path", example = "bank:account", pattern = "^[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+){0,7}$", max_length = 160),
        ("unit" = Option<String>, Query, description = "Only in this unit", pattern = "^([A-Z]{3}|sku:[A-Za-z0-9._-]+|points(:[A-Za-z0-9._-]+)?)$", max_length = 47),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "The account, once for each unit", body = List<AccountView>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Segment(path): Segment,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let path: AccountPath = path_parameter("path", &path)?;
    let unit = parameters.parse::<Unit>("unit")?;
    let when = parameters.when()?;
    parameters.finish()?;
    let asked = path.clone();
    let found = app
        .read(when, move |models, as_of| {
            models.account(asked.as_str(), unit, as_of)
        })
        .await?;
    if found.value.is_empty() {
        return Err(no_account(&path, unit));
    }
    let data = found.value.into_iter().map(AccountView::of).collect();
    let list = List::new(format!("/v1/accounts/{path}"), data, false);
    Ok(post::read(found.position, &list))
}

/// The code is the one that the book uses for the same thing.
fn no_account(path: &AccountPath, unit: Option<Unit>) -> Problem {
    let detail = match unit {
        Some(unit) => format!("no account `{path}` in {unit} is open"),
        None => format!("no account `{path}` is open"),
    };
    let mut problem = Problem::new(crate::code::Code::EntryNotFound, detail).with_param("path");
    problem.code = "account_not_found";
    problem
}

/// Get an account's statement
///
/// Its postings, oldest first (`order=desc`: newest first), with the totals after each.
#[utoipa::path(
    get, path = "/v1/accounts/{path}/statement", operation_id = "get_account_statement", tag = "Accounts",
    params(
        ("path" = String, Path, description = "The account's path", example = "bank:account", pattern = "^[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+){0,7}$", max_length = 160),
        ("unit" = Option<String>, Query, description = "Needed where the path has accounts in several units", pattern = "^([A-Z]{3}|sku:[A-Za-z0-9._-]+|points(:[A-Za-z0-9._-]+)?)$", max_length = 47),
        ("order" = Option<String>, Query, description = "`asc` or `desc`", pattern = "^(asc|desc)$"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page of postings", body = List<StatementLineView>)),
)]
pub(crate) async fn statement(
    State(app): State<App>,
    Segment(path): Segment,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let path: AccountPath = path_parameter("path", &path)?;
    let unit = parameters.parse::<Unit>("unit")?;
    let newest_first = match parameters.take("order")?.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(Problem::parameter("order", "`order` is `asc` or `desc`")),
    };
    let page = parameters.page()?;
    let when = parameters.when()?;
    parameters.finish()?;
    let cursor = |name: &str, text: &str| -> Result<LineCursor, Problem> {
        text.parse().map_err(|_| {
            Problem::parameter(name, "the cursor is the `id` of a line, such as `1234.0`")
        })
    };
    let range = match (&page.starting_after, &page.ending_before) {
        (Some(text), _) => LineRange::After(cursor("starting_after", text)?),
        (None, Some(text)) => LineRange::Before(cursor("ending_before", text)?),
        (None, None) => LineRange::Start,
    };
    let (asked, limit) = (path.to_string(), page.limit);
    let found = app
        .read(when, move |models, as_of| {
            let accounts = models.account(&asked, unit, as_of)?;
            // Both questions are asked at one position, so that they tell of the same moment.
            let at = Some(accounts.position);
            let mut units = accounts.value.iter().map(|account| account.unit);
            let (first, second) = (units.next(), units.next());
            let statement = match (first, second) {
                (Some(unit), None) => models.statement(&StatementQuery {
                    path: asked,
                    unit,
                    range,
                    limit,
                    newest_first,
                    as_of: at,
                })?,
                _ => accounts.map(|_| None),
            };
            Ok(statement.map(|statement| (statement, second.is_some())))
        })
        .await?;
    let (statement, several) = found.value;
    if several {
        return Err(Problem::parameter(
            "unit",
            format!("`{path}` is open in several units: say which"),
        ));
    }
    let statement = statement.ok_or_else(|| no_account(&path, unit))?;
    let lines = statement.lines.map(StatementLineView::of);
    let url = format!("/v1/accounts/{path}/statement");
    let list = List::new(url, lines.items, lines.has_more);
    Ok(post::read_list(&app, found.position, &list, (&page).into()))
}

/// Get the trial balance
///
/// A page of the accounts that were ever posted to, by unit and path. Accounts of one order each are
/// one line, that of their control account (`order:*:clearing`), unless it is opened with `control`.
/// A unit's sums are of all its accounts, whatever is on the page; debits and credits are equal in
/// each.
#[utoipa::path(
    get, path = "/v1/trial-balance", operation_id = "get_trial_balance", tag = "Accounts",
    params(
        ("limit" = Option<u32>, Query, description = "Lines on the page, 1 to 100; 100 when it is not given", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "The `id` of the last line of the page before", example = "EUR/order:*:clearing"),
        ("unit" = Option<String>, Query, description = "Only in this unit", pattern = "^([A-Z]{3}|sku:[A-Za-z0-9._-]+|points(:[A-Za-z0-9._-]+)?)$", max_length = 47),
        ("control" = Option<String>, Query, description = "The path of a control account: the accounts that it stands for", example = "order:*:clearing"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page of the trial balance", body = TrialBalanceView)),
)]
pub(crate) async fn trial_balance(
    State(app): State<App>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let limit = parameters.limit(PAGE_LIMIT, PAGE_LIMIT)?;
    let after = match parameters.take("starting_after")? {
        None => None,
        Some(id) => Some(trial_balance_line(&id).ok_or_else(|| {
            let detail = "the cursor is the `id` of a line: a unit, `/` and a path";
            Problem::parameter("starting_after", detail)
        })?),
    };
    let query = TrialBalanceQuery {
        limit,
        after,
        unit: parameters.parse::<Unit>("unit")?,
        control: parameters.take("control")?,
        as_of: None,
    };
    let when = parameters.when()?;
    parameters.finish()?;
    let found = app
        .read(when, move |models, as_of| {
            models.trial_balance(&TrialBalanceQuery { as_of, ..query })
        })
        .await?;
    let view = TrialBalanceView::of(found.position, found.value);
    Ok(post::read(found.position, &view))
}

/// Unit and path of a line, from its `id`.
fn trial_balance_line(id: &str) -> Option<(Unit, String)> {
    let (unit, path) = id.split_once('/')?;
    Some((unit.parse().ok()?, path.to_owned()))
}
