//! What a client wants, until it is answered.

use std::fmt::Debug;

use tillroll_book::{Action, Command, CommandKey, Observe};
use tillroll_events::{Caller, Timestamp};

/// Who asks, and what may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// A client asks for something, which may be refused.
    Asked,
    /// The processor says what is true, which may not.
    Webhook,
    /// The same, fetched from a list.
    Import,
}

impl RequestKind {
    fn caller(self) -> Caller {
        match self {
            Self::Asked => Caller::ANONYMOUS,
            Self::Webhook | Self::Import => Caller::STRIPE,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ClientRequest {
    pub(crate) kind: RequestKind,
    pub(crate) key: Option<CommandKey>,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) action: Action,
    /// Was sent before and has had no answer.
    pub(crate) again: bool,
}

impl ClientRequest {
    pub(crate) fn asked(key: Option<CommandKey>, action: Action) -> Self {
        Self {
            kind: RequestKind::Asked,
            key,
            occurred_at: None,
            action,
            again: false,
        }
    }

    pub(crate) fn webhook(key: CommandKey, observe: Observe) -> Self {
        Self {
            kind: RequestKind::Webhook,
            ..Self::asked(Some(key), Action::Observe(observe))
        }
    }

    pub(crate) fn command(&self, at: Timestamp) -> Command {
        Command {
            at,
            occurred_at: self.occurred_at,
            caller: self.kind.caller(),
            key: self.key.clone(),
            action: self.action.clone(),
        }
    }

    /// What it is about, in a word or two.
    pub(crate) fn label(&self) -> String {
        let what = match &self.action {
            Action::OpenAccount(request) => format!("account {}", request.path),
            Action::PostEntry(_) => "entry".into(),
            Action::PostEntries(request) => format!("bulk of {}", request.entries.len()),
            Action::ReverseEntry(_) => "reversal".into(),
            Action::PlaceHold(_) => "hold".into(),
            Action::CaptureHold(_) => "capture".into(),
            Action::VoidHold(_) => "void".into(),
            Action::ConfirmClock(_) => "clock".into(),
            Action::ExpireHolds => "expire".into(),
            Action::ReceiveStock(_) => "stock".into(),
            Action::PlaceOrder(request) => format!("order {}", request.id),
            Action::FulfilOrder(_) => "fulfil".into(),
            Action::CancelOrder(_) => "cancel".into(),
            Action::Observe(request) => request.notification.kind.clone(),
            Action::RecordBalanceTransactions(rows) => format!("{} from Stripe's list", rows.len()),
        };
        let again = if self.again { " again" } else { "" };
        match &self.key {
            Some(key) => format!("{what} ({}){again}", key.key),
            None => format!("{what}{again}"),
        }
    }
}

/// A fingerprint of what is asked, as the edge of the system makes one of a body.
pub(crate) fn fingerprint(of: &impl Debug) -> [u8; 16] {
    let hash = blake3::hash(format!("{of:?}").as_bytes());
    let half = hash.as_bytes().first_chunk::<16>();
    *half.expect("a hash has 32 bytes")
}
