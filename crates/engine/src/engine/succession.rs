//! How an engine stops leading, follows, and leads again.

use std::sync::Arc;

use tillroll_log::{Head, Log, Position};

use super::{Engine, Role};
use crate::ExecuteError;
use crate::sequencer::Sequencer;
use crate::standby::{Divergence, Standby};

/// What an engine does after another writer has appended to its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Succession {
    /// It follows, and leads again when it is asked to: [`Engine::take_over`].
    #[default]
    Follow,
    /// It leads again as soon as the next command comes.
    TakeOver,
}

impl<L: Log> Engine<L> {
    /// Follows another writer from now on, until [`Engine::take_over`]. What was staged is made
    /// durable before.
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub fn stand_by(&mut self) -> Result<(), ExecuteError> {
        self.commit()?;
        self.leads_again = false;
        if self.leads() {
            let empty = Standby::empty(self.book_options.clone(), self.durable());
            let role = std::mem::replace(&mut self.role, Role::Standby(Box::new(empty)));
            if let Role::Leader(sequencer) = role {
                let (replay, head) = sequencer.into_fold(self.book_options.clone());
                self.role = Role::Standby(Box::new(Standby::at(replay, head, head)));
            }
        }
        Ok(())
    }

    /// As a standby, folds everything that is committed by now; answers how far that is.
    ///
    /// # Errors
    /// [`ExecuteError::Unavailable`] when the log does not answer, or a failure.
    pub fn follow(&mut self) -> Result<Position, ExecuteError> {
        self.check_alive()?;
        let Role::Standby(standby) = &mut self.role else {
            return Ok(self.head());
        };
        if standby.head() == Head::EMPTY
            && let Some(restore) = &self.restore
            && let Some((replay, head)) = restore(&*self.reader)
        {
            **standby = Standby::at(replay, head, standby.durable());
        }
        match standby.catch_up(&*self.reader, &self.driver.patience()) {
            Ok(()) => Ok(standby.head().position),
            Err(error) if error.is_transient() => Err(ExecuteError::Unavailable(Arc::new(error))),
            Err(error) => Err(self.fail(error.into()).into()),
        }
    }

    /// As a standby, folds everything that is committed and leads from there on; answers from
    /// where. Whether another writer still leads shows at the first append: the one that comes
    /// second is superseded.
    ///
    /// # Errors
    /// [`ExecuteError::Superseded`] when the log grew each time that all of it was folded,
    /// [`ExecuteError::Unavailable`] when it does not answer, or a failure.
    pub fn take_over(&mut self) -> Result<Position, ExecuteError> {
        self.check_alive()?;
        let patience = self.driver.patience();
        for attempt in 1..=patience.attempts {
            if self.leads() {
                return Ok(self.head());
            }
            self.follow()?;
            let end = match self.driver.head() {
                Ok(end) => end,
                Err(error) if error.is_transient() => {
                    return Err(ExecuteError::Unavailable(Arc::new(error)));
                }
                Err(error) => return Err(self.unreadable(error).into()),
            };
            let durable = self.durable();
            if end.position < durable.position
                || (end.position == durable.position && end != durable)
            {
                let after = end.position;
                return Err(self.fail(Divergence { after }.into()).into());
            }
            if self.lead_from(end) {
                return Ok(end.position);
            }
            patience.wait_after(attempt);
        }
        Err(ExecuteError::Superseded)
    }

    /// A standby that has folded everything up to the end of the log leads from now on.
    fn lead_from(&mut self, end: Head) -> bool {
        let Role::Standby(standby) = &mut self.role else {
            return false;
        };
        if standby.head() != end {
            return false;
        }
        let empty = Standby::empty(self.book_options.clone(), end);
        let (replay, head) = std::mem::replace(&mut **standby, empty).into_fold();
        let counters = Arc::clone(&self.counters);
        let mut sequencer = Sequencer::counted(replay, head, self.log, self.limits, counters);
        sequencer.set_clock_limits(self.clock_limits);
        self.role = Role::Leader(Box::new(sequencer));
        self.leads_again = false;
        true
    }

    /// Leads, if it does or is to as soon as a command comes.
    pub(crate) fn lead_again(&mut self) -> Result<(), ExecuteError> {
        self.check_alive()?;
        match (&self.role, self.leads_again) {
            (Role::Leader(_), _) => Ok(()),
            (Role::Standby(_), true) => self.take_over().map(drop),
            (Role::Standby(_), false) => Err(ExecuteError::Superseded),
        }
    }

    pub(super) fn superseded(&mut self, expected: Head, actual: Head) -> ExecuteError {
        tracing::warn!(
            expected = %expected.position, actual = %actual.position,
            "another writer has appended to the log",
        );
        self.counters.superseded();
        self.step_down(self.succession == Succession::TakeOver);
        ExecuteError::Superseded
    }

    /// Drops the state, which is ahead of the log, and with it everything that was staged.
    pub(super) fn step_down(&mut self, leads_again: bool) {
        let confirmed = self.durable();
        let standby = Standby::empty(self.book_options.clone(), confirmed);
        let role = std::mem::replace(&mut self.role, Role::Standby(Box::new(standby)));
        if let Role::Leader(sequencer) = role {
            let head = sequencer.abandon();
            tracing::debug!(head = %head.position, "the state is dropped and folded again");
        }
        self.leads_again = leads_again;
        self.unproven = false;
    }
}
