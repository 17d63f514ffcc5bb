//! An answer at a position is the answer that was given when the roll ended there.

mod harness;

use harness::Models;
use harness::random::{Random, Story};
use tillroll_events::OrderStatus;
use tillroll_ledger::AccountType;
use tillroll_projections::{
    AccountQuery, AccountRow, LineRange, OrderQuery, PositionPage, ReadError, ReadModels,
    StatementQuery, TrialBalanceQuery, TrialBalanceRow,
};

/// Everything that can be asked at a position, as text. Asking at no position means now.
fn answers(models: &ReadModels, story: &Story, as_of: Option<u64>) -> Vec<(String, String)> {
    let mut answers: Vec<(String, String)> = Vec::new();
    let mut tell = |question: String, answer: &dyn std::fmt::Debug| {
        answers.push((question, format!("{answer:#?}")));
    };
    let all = 10_000;
    let orders = |query: OrderQuery| models.orders(&OrderQuery { as_of, ..query });
    let every = OrderQuery {
        limit: all,
        ..OrderQuery::default()
    };
    tell("orders".into(), &orders(every.clone()));
    for channel in ["web", "pos"] {
        let query = OrderQuery {
            channel: Some(channel.into()),
            ..every.clone()
        };
        tell(format!("orders of {channel}"), &orders(query));
    }
    for seller in ["acct_1", "acct_3", "nobody"] {
        let query = OrderQuery {
            seller: Some(seller.into()),
            ..every.clone()
        };
        tell(format!("orders of {seller}"), &orders(query));
    }
    for status in OrderStatus::ALL {
        let query = OrderQuery {
            status: Some(status),
            limit: 3,
            ..every.clone()
        };
        tell(format!("orders {}", status.as_str()), &orders(query));
        for channel in [None, Some("web"), Some("nowhere")] {
            for seller in [None, Some("acct_1"), Some("acct_3")] {
                let query = OrderQuery {
                    status: Some(status),
                    channel: channel.map(str::to_owned),
                    seller: seller.map(str::to_owned),
                    ..every.clone()
                };
                let question = format!("orders {status:?} of {channel:?} and {seller:?}");
                tell(question, &orders(query));
            }
        }
    }
    let query = OrderQuery {
        channel: Some("web".into()),
        seller: Some("acct_2".into()),
        ..every
    };
    tell("orders of channel and seller".into(), &orders(query));
    for order in &story.orders {
        tell(format!("{order}"), &models.order(*order, as_of));
        let timeline = models.timeline(*order, as_of, None, all);
        tell(format!("timeline of {order}"), &timeline);
    }
    for kind in std::iter::once(None).chain(AccountType::ALL.map(Some)) {
        for unit in [None, Some("EUR"), Some("JPY"), Some("sku:CAP")] {
            for prefix in [None, Some("order:"), Some("order:ord_a:r"), Some("s")] {
                let query = AccountQuery {
                    limit: all,
                    kind,
                    unit: unit.map(|unit| unit.parse().expect("a unit")),
                    prefix: prefix.map(str::to_owned),
                    as_of,
                    ..AccountQuery::default()
                };
                let question = format!("accounts {kind:?} {unit:?} {prefix:?}");
                tell(question, &models.accounts(&query));
            }
        }
    }
    for (account, _) in story.roll.ledger.accounts() {
        let path = account.path.as_str();
        tell(path.into(), &models.account(path, None, as_of));
        for newest_first in [false, true] {
            let query = StatementQuery {
                path: path.into(),
                unit: story.roll.ledger.unit_of(account),
                range: LineRange::Start,
                limit: all,
                newest_first,
                as_of,
            };
            let question = format!("statement of {path}, newest first: {newest_first}");
            tell(question, &models.statement(&query));
        }
    }
    for entry in &story.entries {
        tell(format!("{entry}"), &models.entry(*entry, as_of));
    }
    for hold in &story.holds {
        tell(format!("{hold}"), &models.hold(*hold, as_of));
    }
    for control in [None, Some("order:*:clearing"), Some("order:*:nothing")] {
        for unit in [None, Some("EUR"), Some("XTS")] {
            let query = TrialBalanceQuery {
                limit: all,
                control: control.map(str::to_owned),
                unit: unit.map(|unit| unit.parse().expect("a unit")),
                after: None,
                as_of,
            };
            let question = format!("trial balance of {control:?} in {unit:?}");
            tell(question, &models.trial_balance(&query));
        }
    }
    tell("sums".into(), &models.trial_balance_sums(as_of));
    tell("stock".into(), &models.stock(as_of, None));
    tell("stock of lyon".into(), &models.stock(as_of, Some("lyon")));
    tell("splits".into(), &models.splits(as_of));
    let page = PositionPage {
        limit: all,
        as_of,
        ..PositionPage::default()
    };
    tell("unrecognised".into(), &models.unrecognised(&page));
    answers
}

#[test]
fn as_of_equals_a_projection_that_ended_there() {
    for seed in 0..6 {
        let story = Story::of(seed, 220);
        let records = story.roll.numbered();
        let full = Models::of(&records);
        let full = full.read();
        let mut random = Random(seed + 1_000);
        let mut positions = vec![0, 1, story.roll.head()];
        positions.extend((0..5).map(|_| random.below(story.roll.head())));
        for position in positions {
            let end = usize::try_from(position).expect("small");
            let ended = Models::of(&records[..end]);
            let expected = answers(&ended.read(), &story, None);
            let found = answers(&full, &story, Some(position));
            for ((question, expected), (_, found)) in expected.into_iter().zip(found) {
                assert!(
                    expected == found,
                    "seed {seed}, position {position}, {question}:\n\
                     expected {expected}\nfound {found}"
                );
            }
        }
    }
}

#[test]
fn a_position_beyond_the_checkpoint_is_answered_at_the_checkpoint_and_says_so() {
    let story = Story::of(31, 50);
    let models = Models::of(&story.roll.numbered());
    let models = models.read();
    let (now, beyond) = (
        models.trial_balance_sums(None).expect("an answer"),
        models
            .trial_balance_sums(Some(u64::MAX))
            .expect("an answer"),
    );
    assert_eq!(now, beyond);
    assert_eq!(beyond.position, story.roll.head());
}

#[test]
fn a_time_means_the_last_position_recorded_by_then() {
    for seed in 40..44 {
        let story = Story::of(seed, 300);
        let records = &story.roll.records;
        let models = Models::of(&story.roll.numbered());
        let models = models.read();
        let (first, last) = (records[0].recorded_at, story.roll.now + 40);
        for seconds in first.seconds() - 2..last {
            let time = tillroll_events::Timestamp::from_seconds(seconds);
            // Clocks are set back in these stories: what came before is older, whatever it says.
            let last = records
                .iter()
                .rposition(|record| record.recorded_at <= time);
            let expected = last.map_or(0, |index| index + 1);
            assert_eq!(
                models.position_at(time).expect("an answer"),
                expected as u64,
                "seed {seed}, {time}"
            );
        }
    }
}

#[test]
fn pages_in_either_direction_give_the_whole_list_once() {
    for seed in 50..53 {
        let story = Story::of(seed, 250);
        let models = Models::of(&story.roll.numbered());
        let models = models.read();
        for (as_of, limit) in [(None, 1), (None, 3), (Some(200), 4)] {
            let ask = |query: OrderQuery| {
                let query = OrderQuery { as_of, ..query };
                models.orders(&query).expect("an answer").value
            };
            let whole = ask(OrderQuery {
                limit: 10_000,
                ..OrderQuery::default()
            });
            assert!(!whole.has_more);
            let whole: Vec<_> = whole.items.iter().map(|order| order.id).collect();

            let (mut forwards, mut cursor) = (Vec::new(), None);
            loop {
                let page = ask(OrderQuery {
                    limit,
                    starting_after: cursor,
                    ..OrderQuery::default()
                });
                forwards.extend(page.items.iter().map(|order| order.id));
                cursor = forwards.last().copied();
                if !page.has_more {
                    break;
                }
            }
            assert_eq!(forwards, whole, "seed {seed}");

            let mut backwards = vec![*whole.last().expect("orders")];
            loop {
                let page = ask(OrderQuery {
                    limit,
                    ending_before: Some(backwards[0]),
                    ..OrderQuery::default()
                });
                let ids = page.items.iter().map(|order| order.id);
                backwards.splice(0..0, ids);
                if !page.has_more {
                    break;
                }
            }
            assert_eq!(backwards, whole, "seed {seed}");
        }
    }
}

#[test]
fn pages_of_accounts_and_lines_give_the_whole_list_once() {
    let story = Story::of(60, 300);
    let models = Models::of(&story.roll.numbered());
    let models = models.read();
    let ask = |query: &AccountQuery| models.accounts(query).expect("an answer").value;
    let whole = ask(&AccountQuery {
        limit: 1_000,
        ..AccountQuery::default()
    });
    let (mut forwards, mut cursor) = (Vec::new(), None);
    loop {
        let page = ask(&AccountQuery {
            limit: 3,
            starting_after: cursor,
            ..AccountQuery::default()
        });
        cursor = page.items.last().map(|account| account.id);
        forwards.extend(page.items);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(forwards, whole.items);
    let before = ask(&AccountQuery {
        limit: 3,
        ending_before: Some(forwards[5].id),
        ..AccountQuery::default()
    });
    assert_eq!(before.items, forwards[2..5]);
    assert!(before.has_more);

    let account = forwards
        .iter()
        .max_by_key(|account| account.debits_posted)
        .expect("accounts");
    for newest_first in [false, true] {
        let ask = |range, limit| {
            let query = StatementQuery {
                path: account.path.clone(),
                unit: account.unit,
                range,
                limit,
                newest_first,
                as_of: None,
            };
            let answer = models.statement(&query).expect("an answer").value;
            answer.expect("the account is open").lines
        };
        let whole = ask(LineRange::Start, 10_000).items;
        assert!(whole.len() > 5);
        let mut lines = Vec::new();
        let mut range = LineRange::Start;
        loop {
            let page = ask(range, 2);
            lines.extend(page.items);
            if !page.has_more {
                break;
            }
            range = LineRange::After(lines.last().expect("lines").cursor);
        }
        assert_eq!(lines, whole);
        let before = ask(LineRange::Before(whole[4].cursor), 2);
        assert_eq!(before.items, whole[2..4]);
        assert!(before.has_more);
        let start = ask(LineRange::Before(whole[1].cursor), 2);
        assert_eq!(start.items, whole[..1]);
        assert!(!start.has_more);
    }
}

#[test]
fn a_cursor_that_is_no_item_is_refused_by_name() {
    let story = Story::of(61, 100);
    let models = Models::of(&story.roll.numbered());
    let models = models.read();
    let stranger = harness::order_id(1);
    let error = models
        .orders(&OrderQuery {
            starting_after: Some(stranger),
            ..OrderQuery::default()
        })
        .expect_err("no such order");
    assert!(matches!(&error, ReadError::UnknownCursor(id) if *id == stranger.to_string()));
    // An order that was not placed yet is none.
    let error = models
        .orders(&OrderQuery {
            ending_before: story.orders.last().copied(),
            as_of: Some(1),
            ..OrderQuery::default()
        })
        .expect_err("not yet");
    assert!(matches!(error, ReadError::UnknownCursor(_)));
    let error = models
        .accounts(&AccountQuery {
            starting_after: Some(9_999),
            ..AccountQuery::default()
        })
        .expect_err("no such account");
    assert!(matches!(error, ReadError::UnknownCursor(id) if &*id == "9999"));
}

/// Sums are kept now and then, and orders found by stretches of the roll: both need a longer one.
#[test]
fn as_of_equals_a_projection_that_ended_there_on_a_long_roll() {
    let story = Story::of(60, 4_000);
    let records = story.roll.numbered();
    let full = Models::of(&records);
    let full = full.read();
    for position in [1, 700, 1_500, 2_222, 3_333, 3_999] {
        let ended = Models::of(&records[..position]);
        let ended = ended.read();
        let at = Some(u64::try_from(position).expect("small"));
        for channel in [None, Some("web")] {
            for seller in [None, Some("acct_2")] {
                for status in std::iter::once(None).chain(OrderStatus::ALL.map(Some)) {
                    let query = OrderQuery {
                        limit: 50,
                        channel: channel.map(str::to_owned),
                        seller: seller.map(str::to_owned),
                        status,
                        ..OrderQuery::default()
                    };
                    let then = OrderQuery {
                        as_of: at,
                        ..query.clone()
                    };
                    let (expected, found) = (ended.orders(&query), full.orders(&then));
                    let (expected, found) = (expected.expect("rows"), found.expect("rows"));
                    assert!(expected == found, "{then:?}: {expected:#?}\n{found:#?}");
                }
            }
        }
        let (expected, found) = (ended.trial_balance_sums(None), full.trial_balance_sums(at));
        assert_eq!(expected.expect("sums"), found.expect("sums"), "{position}");
        let query = TrialBalanceQuery::default();
        let then = TrialBalanceQuery {
            as_of: at,
            ..query.clone()
        };
        let (expected, found) = (ended.trial_balance(&query), full.trial_balance(&then));
        assert_eq!(
            expected.expect("lines"),
            found.expect("lines"),
            "{position}"
        );
    }
}

#[test]
fn sums_of_the_trial_balance_are_those_of_all_accounts_and_its_pages_its_lines() {
    for seed in 70..74 {
        let story = Story::of(seed, 600);
        let models = Models::of(&story.roll.numbered());
        let models = models.read();
        for as_of in [None, Some(story.roll.head() / 2)] {
            let query = TrialBalanceQuery {
                limit: 1_000,
                as_of,
                ..TrialBalanceQuery::default()
            };
            let whole = models.trial_balance(&query).expect("lines").value;
            assert!(!whole.has_more);
            let mut lines = Vec::new();
            for unit in &whole.units {
                let accounts = AccountQuery {
                    limit: 1_000,
                    unit: Some(unit.unit),
                    as_of,
                    ..AccountQuery::default()
                };
                let accounts = models.accounts(&accounts).expect("rows").value.items;
                let debits = accounts
                    .iter()
                    .map(|one| i128::from(one.debits_posted))
                    .sum();
                assert_eq!(
                    unit.debits.0, debits,
                    "seed {seed}, {as_of:?}, {}",
                    unit.unit
                );
                assert!(unit.is_balanced(), "seed {seed}");
                let rows = unit.rows.iter().map(|row| (row.debits.0, row.balance.0));
                let (debits, _) = rows.fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
                assert_eq!(unit.debits.0, debits, "lines of seed {seed}, {}", unit.unit);
                lines.extend(unit.rows.iter().map(|row| (unit.unit, row.clone())));
            }
            let mut paged = Vec::new();
            loop {
                let after = paged
                    .last()
                    .map(|(unit, row): &(_, TrialBalanceRow)| (*unit, row.path.clone()));
                let page = TrialBalanceQuery {
                    limit: 3,
                    after,
                    ..query.clone()
                };
                let page = models.trial_balance(&page).expect("lines").value;
                for unit in page.units {
                    let same = whole
                        .units
                        .iter()
                        .find(|one| one.unit == unit.unit)
                        .expect("a unit");
                    assert_eq!((same.debits, same.credits), (unit.debits, unit.credits));
                    paged.extend(unit.rows.into_iter().map(|row| (unit.unit, row)));
                }
                if !page.has_more {
                    break;
                }
            }
            assert_eq!(paged, lines, "seed {seed}");
        }
    }
}

#[test]
fn pages_of_accounts_of_a_kind_are_the_list_forwards_and_backwards() {
    let story = Story::of(80, 600);
    let models = Models::of(&story.roll.numbered());
    let models = models.read();
    for (kind, unit, prefix) in [
        (Some(AccountType::Asset), None, None),
        (Some(AccountType::Memorandum), None, Some("order:")),
        (Some(AccountType::Memorandum), Some("EUR"), None),
        (None, Some("EUR"), None),
        (None, Some("JPY"), Some("s")),
        (None, None, Some("s")),
    ] {
        let query = AccountQuery {
            limit: 1_000,
            kind,
            unit: unit.map(|unit| unit.parse().expect("a unit")),
            prefix: prefix.map(str::to_owned),
            as_of: Some(story.roll.head() - 100),
            ..AccountQuery::default()
        };
        let whole = models.accounts(&query).expect("rows").value.items;
        assert!(whole.len() > 1, "{query:?}");
        let (mut forwards, mut backwards) = (Vec::new(), whole[whole.len() - 1..].to_vec());
        loop {
            let page = AccountQuery {
                limit: 2,
                starting_after: forwards.last().map(|row: &AccountRow| row.id),
                ..query.clone()
            };
            let page = models.accounts(&page).expect("rows").value;
            forwards.extend(page.items);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(forwards, whole, "{query:?}");
        loop {
            let page = AccountQuery {
                limit: 2,
                ending_before: Some(backwards[0].id),
                ..query.clone()
            };
            let page = models.accounts(&page).expect("rows").value;
            backwards.splice(..0, page.items);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(backwards, whole, "{query:?}");
    }
}
