//! A writer without a log: it decides, numbers the records and folds them.
//!
//! For tests, for measurements, and for trying the rules out without keeping anything. It
//! takes commands one by one, it syncs nothing, and the ids of its events are their positions.
//! The writer of a book that is to last is that of `tillroll-engine`.

use tillroll_events::{EventId, Record};

use crate::{Book, Command, Decision, Refusal};

/// A book, and the position that it has reached.
///
/// ```
/// use tillroll_book::{Action, Command, MemoryWriter, OpenAccount};
/// use tillroll_events::Caller;
///
/// let mut writer = MemoryWriter::default();
/// let open = Command {
///     at: "2026-11-23T09:30:00Z".parse()?,
///     occurred_at: None,
///     caller: Caller::ANONYMOUS,
///     key: None,
///     action: Action::OpenAccount(OpenAccount {
///         path: "bank:account".parse()?,
///         unit: "EUR".parse()?,
///         kind: None,
///         limit: None,
///     }),
/// };
/// let records = writer.apply(&open)?;
/// assert_eq!(records[0].event.kind().name(), "account.opened");
/// assert!(writer.apply(&open)?.is_empty(), "it is open");
/// assert_eq!(writer.position(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryWriter {
    book: Book,
    position: u64,
}

impl MemoryWriter {
    /// Goes on from the first position of a book that nothing has been folded into. Where it has
    /// a store for cold rows, the caller asks [`Book::fault`] after each.
    #[must_use]
    pub fn new(book: Book) -> Self {
        Self { book, position: 0 }
    }

    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Of the last record; 0 before the first.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Applies a command: its records, which are in the book already. There are none when it
    /// was applied before, or comes to nothing.
    ///
    /// # Errors
    /// A refusal, which changes nothing.
    pub fn apply(&mut self, command: &Command) -> Result<Vec<Record>, Refusal> {
        let decided = match self.book.decide(command)? {
            Decision::Append(decided) => decided,
            Decision::AlreadyApplied { .. } => return Ok(Vec::new()),
        };
        let id = |position| EventId::from_u128(u128::from(position));
        let records = command.records(self.position + 1, decided, id);
        let folded = records.map(|(position, record)| {
            self.book.evolve(position, &record);
            self.position = position;
            record
        });
        Ok(folded.collect())
    }
}
