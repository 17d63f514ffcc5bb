//! The records of an order, from the roll and the prover.

use std::ops::ControlFlow;

use tillroll_events::{OrderId, Record};
use tillroll_evidence::{EvidencePack, OrderSearch, PackFiles};
use tillroll_log::{Deadline, Position};
use tillroll_proofs::InclusionBundle;
use tillroll_terminal::{Console, Stop};

use crate::data_dir::DataDir;
use crate::durable::DurableLog;
use crate::proving;

/// The files of a pack, and what the command says of it.
pub(super) struct Evidence {
    pub(super) files: PackFiles,
    pub(super) events: u64,
    /// Of the checkpoint.
    pub(super) size: u64,
    /// The verifier key.
    pub(super) key: String,
}

impl Evidence {
    pub(super) fn collect(
        order: OrderId,
        data: &DataDir,
        console: &mut Console<'_>,
    ) -> Result<Self, Stop> {
        let durable = DurableLog::open(data)?;
        let mut search = OrderSearch::new(order);
        // Facts arrive in any order: what was found at the end may lead to what stands before it.
        loop {
            show_all(&mut search, data, &durable, console)?;
            if !search.end() {
                break;
            }
        }
        if search.is_empty() {
            let head = durable.head().position;
            return Err(Stop::failed(format!(
                "there is no event of order {order} up to position {head}"
            ))
            .next(data.command("orders")));
        }
        let mut prover = proving::prover(data, &durable, console)?;
        let failed = |error| proving::prover_stop(data, error);
        let signed = prover.checkpoint().map_err(failed)?;
        let positions = search.positions().into_iter().map(Position::new);
        let proofs = positions.map(|position| prover.prove_event_by(position, &signed));
        let proofs: Vec<InclusionBundle> = proofs.collect::<Result<_, _>>().map_err(failed)?;
        let ring = prover.keyring();
        let rotations = ring.rotations();
        let rotations = rotations.map_err(|error| proving::keyring_stop(data, error))?;
        let key = ring.signing_key();
        let files = EvidencePack::seal(order, &proofs, &signed, ring.verifiers(), &rotations, key);
        Ok(Self {
            files: files.map_err(|error| Stop::failed(error).next(data.command("verify")))?,
            events: proofs.len() as u64,
            size: signed.checkpoint().size,
            key: key.verifier().to_string(),
        })
    }
}

/// One pass over the roll.
fn show_all(
    search: &mut OrderSearch,
    data: &DataDir,
    durable: &DurableLog,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let mut wrong = None;
    let mut progress = console.progress("searching", durable.head().position.get());
    let shown =
        durable
            .reader
            .for_each(Position::FIRST, Deadline::NEVER, &mut |position, bytes| {
                progress.set(position.get(), || format!("position {position}"));
                match Record::decode(bytes) {
                    Ok(record) => {
                        search.see(position.get(), &record);
                        ControlFlow::Continue(())
                    }
                    Err(error) => {
                        wrong = Some(format!("the record at position {position}: {error}"));
                        ControlFlow::Break(())
                    }
                }
            });
    drop(progress);
    let next = || data.command("verify");
    if let Err(error) = shown {
        return Err(Stop::failed(error).next(next()));
    }
    match wrong {
        Some(wrong) => Err(Stop::failed(wrong).next(next())),
        None => Ok(()),
    }
}
