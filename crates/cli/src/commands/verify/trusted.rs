//! The keys that the verifier trusts: given as they are, in files, or by statements that
//! lead from one to the next.

use std::path::Path;

use tillroll_proofs::{Rotation, VerifierKey};
use tillroll_terminal::Stop;

use crate::proving::{parse_verifiers, read_argument};

/// How a statement about a key begins.
const STATEMENT: &[u8] = b"tillroll/key-rotation@";

/// Every key that follows from the arguments.
pub(super) fn keys(arguments: &[String]) -> Result<Vec<VerifierKey>, Stop> {
    let (mut trusted, mut statements) = (Vec::new(), Vec::new());
    for argument in arguments {
        if let Ok(key) = argument.parse() {
            trusted.push(key);
            continue;
        }
        let path = Path::new(argument);
        let bytes = read_argument(path)?;
        if bytes.starts_with(STATEMENT) {
            statements.push(bytes);
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        trusted.extend(parse_verifiers(&text, path).map_err(advise)?);
    }
    if trusted.is_empty() {
        return Err(advise(Stop::usage("no verifier key was given")));
    }
    Rotation::follow(&trusted, &statements)
        .map_err(|error| Stop::failed(format!("a statement about a key does not hold: {error}")))
}

fn advise(stop: Stop) -> Stop {
    stop.next(
        "--key KEY, or a file with it, as `tillroll checkpoint --public-key` printed it for \
         whoever was to have it",
    )
}
