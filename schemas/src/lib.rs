//! The generated files of the interface: the JSON Schema of every version of every event's data
//! (`events/*.json`), the OpenAPI document (`openapi.json`) and the table of all codes of problems
//! (`problems.md`).
//!
//! They are committed so that a change of the interface shows in review, and compared byte for
//! byte by a test. After a change that is meant, write them anew:
//!
//! ```text
//! UPDATE_SCHEMAS=1 cargo test -p tillroll-schemas
//! ```
//!
//! It is not a place to change them by hand: they follow from the types.

use std::path::{Path, PathBuf};

use tillroll_server::schemas;

/// A file that follows from the types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Relative to this package: `events/order.placed.v1.json`.
    pub path: PathBuf,
    pub text: String,
}

/// Every generated file, as it must be.
#[must_use]
pub fn generate() -> Vec<Generated> {
    let schemas = schemas::all().map(|(kind, version)| Generated {
        path: Path::new("events").join(schemas::file_name(kind, version)),
        text: schemas::text(kind, version),
    });
    let api = Generated {
        path: PathBuf::from("openapi.json"),
        text: tillroll_server::openapi::text(),
    };
    let problems = Generated {
        path: PathBuf::from("problems.md"),
        text: tillroll_server::openapi::problems_page(),
    };
    schemas.chain([api, problems]).collect()
}

/// Where this package lies.
#[must_use]
pub fn directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
