//! What clients ask for and what Stripe says, as the seed has it.

mod entries;
mod orders;
mod stripe;

use std::collections::VecDeque;

use tillroll_book::{Action, CommandKey};
use tillroll_events::{EntryId, HoldId, KeyScope, OrderId, Timestamp};

use crate::chance::Chance;
use crate::request::{ClientRequest, RequestKind, fingerprint};
use stripe::Stripe;

/// What a seed's story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plot {
    /// Everything that a book can do.
    Everything,
    /// Orders and Stripe's word only, so that the end does not depend on the order of telling.
    Convergence,
}

/// A request that arrives when its step has come.
#[derive(Debug)]
struct DelayedRequest {
    due: u64,
    request: ClientRequest,
}

#[derive(Debug)]
pub(crate) struct Workload {
    chance: Chance,
    pub(crate) plot: Plot,
    stripe: Stripe,
    steps: u64,
    /// Accounts that nearly everything else needs.
    opening: VecDeque<ClientRequest>,
    mailbox: Vec<DelayedRequest>,
    /// Orders and facts in the order in which they happened, each once.
    happened: Vec<ClientRequest>,
    /// For clients that send twice.
    sent: Vec<ClientRequest>,
    orders: Vec<OrderId>,
    entries: Vec<EntryId>,
    holds: Vec<HoldId>,
    keys: u64,
}

impl Workload {
    pub(crate) fn new(seed: u64, steps: u64) -> Self {
        let mut chance = Chance::of(seed, "workload");
        let plot = match chance.percent(30) {
            true => Plot::Convergence,
            false => Plot::Everything,
        };
        let mut workload = Self {
            stripe: Stripe::new(&mut chance),
            chance,
            plot,
            steps,
            opening: VecDeque::new(),
            mailbox: Vec::new(),
            happened: Vec::new(),
            sent: Vec::new(),
            orders: Vec::new(),
            entries: Vec::new(),
            holds: Vec::new(),
            keys: 0,
        };
        if plot == Plot::Everything {
            workload.open_accounts();
        }
        workload
    }

    /// The next request of a new client, or an older one's that arrives now.
    pub(crate) fn next(&mut self, step: u64, now: Timestamp) -> ClientRequest {
        let request = self.make(step, now);
        if request.key.is_some() {
            self.sent.push(request.clone());
        }
        request
    }

    fn make(&mut self, step: u64, now: Timestamp) -> ClientRequest {
        if self.chance.percent(80)
            && let Some(request) = self.opening.pop_front()
        {
            return request;
        }
        if self.chance.percent(60)
            && let Some(request) = self.arrived(step)
        {
            return request;
        }
        match self.plot {
            Plot::Convergence => {
                let kind = self.chance.weighted(&[(6, 0), (3, 1), (2, 2)]);
                match kind {
                    0 => self.order(step),
                    1 => self.arrived(u64::MAX).unwrap_or_else(|| self.order(step)),
                    _ => self.repeated().unwrap_or_else(|| self.order(step)),
                }
            }
            Plot::Everything => self.anything(step, now),
        }
    }

    fn anything(&mut self, step: u64, now: Timestamp) -> ClientRequest {
        let kind = self.chance.weighted(&[
            (20, 0),
            (8, 1),
            (6, 2),
            (4, 3),
            (16, 4),
            (5, 5),
            (6, 6),
            (7, 7),
            (3, 8),
            (4, 9),
            (8, 10),
            (3, 11),
            (6, 12),
        ]);
        match kind {
            0 => self.order(step),
            1 => self.order_changed(),
            2 => self.stock(),
            3 => self.account(),
            4 => self.entry(),
            5 => self.bulk(),
            6 => self.hold(now),
            7 => self.capture_or_void(),
            8 => ClientRequest::asked(None, Action::ExpireHolds),
            9 => self.points(),
            10 => self.repeated().unwrap_or_else(|| self.stock()),
            11 => self.conflict().unwrap_or_else(|| self.stock()),
            _ => self.mistake(),
        }
    }

    /// Everything that is still on its way, in any order.
    pub(crate) fn rest(&mut self) -> Vec<ClientRequest> {
        let mut rest: Vec<ClientRequest> =
            self.mailbox.drain(..).map(|late| late.request).collect();
        rest.extend(self.opening.drain(..));
        self.chance.shuffle(&mut rest);
        rest
    }

    /// The same story as it happened: in order, and each thing once.
    pub(crate) fn happened(&self) -> &[ClientRequest] {
        &self.happened
    }

    /// What was sent under these keys.
    pub(crate) fn sent_under(&self, keys: &[String]) -> Vec<ClientRequest> {
        let sent = self.sent.iter().rev();
        let known = |request: &&ClientRequest| {
            let key = request.key.as_ref();
            key.is_some_and(|key| keys.contains(&key.key))
        };
        sent.filter(known).take(4).cloned().collect()
    }

    /// Of callers that say who they are, and of those that do not.
    fn scope(&self) -> KeyScope {
        match self.keys % 4 {
            0 => KeyScope::Named("till-1".parse().expect("a name")),
            1 => KeyScope::Named("shop".parse().expect("a name")),
            _ => KeyScope::Shared,
        }
    }

    /// A request with a key of its own.
    fn keyed(&mut self, action: Action) -> ClientRequest {
        self.keys += 1;
        let key = CommandKey {
            scope: self.scope(),
            key: format!("request-{}", self.keys),
            fingerprint: fingerprint(&action),
        };
        ClientRequest::asked(Some(key), action)
    }

    /// Something from the mailbox whose time has come.
    fn arrived(&mut self, step: u64) -> Option<ClientRequest> {
        let due = self.mailbox.iter().enumerate();
        let due: Vec<usize> = due
            .filter(|(_, late)| late.due <= step)
            .map(|(index, _)| index)
            .collect();
        let index = *due.get(self.chance.below(due.len()))?;
        Some(self.mailbox.swap_remove(index).request)
    }

    /// It arrives some time: mostly soon, and now and then near the end.
    fn post(&mut self, step: u64, request: ClientRequest) {
        let left = self.steps.saturating_sub(step);
        let most = self.chance.weighted(&[(60, 3), (30, 10), (10, left)]);
        let due = step + self.chance.between(0, most);
        self.mailbox.push(DelayedRequest { due, request });
    }

    /// A client that sends what it has sent before, answered or not.
    fn repeated(&mut self) -> Option<ClientRequest> {
        let index = self.chance.below(self.sent.len());
        self.sent.get(index).cloned()
    }

    /// A client that uses another one's key for something else.
    fn conflict(&mut self) -> Option<ClientRequest> {
        let asked = self
            .sent
            .iter()
            .filter(|sent| sent.kind == RequestKind::Asked);
        let keys: Vec<CommandKey> = asked.filter_map(|sent| sent.key.clone()).collect();
        let mut key = keys.get(self.chance.below(keys.len()))?.clone();
        let mut other = self.stock();
        key.fingerprint = fingerprint(&other.action);
        other.key = Some(key);
        Some(other)
    }

    fn id(&mut self) -> u128 {
        u128::from(self.chance.number()) << 64 | u128::from(self.chance.number())
    }
}
