//! The append-only log of opaque records: frames, segments, hash chain, recovery
