//! Every bound on what clients can make the server hold or do, in one place.

use std::time::Duration;

/// What clients together and each of them alone can have of the server. What is beyond is answered
/// 503 with `Retry-After`, or cut off, so that nobody else waits for it.
#[derive(Clone, Debug)]
pub struct HttpBounds {
    /// Bytes of a page. It ends before the item that would make it longer, with `has_more`; an item
    /// that is longer by itself comes alone.
    pub page_bytes: usize,
    /// Bytes of answers that are being made or written, of all clients together.
    pub answer_bytes: usize,
    /// Streams of events that may be open.
    pub event_streams: usize,
    /// How long a client may take nothing of an answer before its connection is cut off.
    pub write_time: Duration,

    /// Bytes of bodies that are arriving or being worked on, of all clients together, but for the
    /// first 64 KiB of each.
    pub body_bytes: usize,
    /// Bodies that may be on their way, of all clients together: fewer than connections, so that
    /// bodies that never arrive do not keep others from connecting.
    pub arriving_bodies: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// Streams of entries that may be open.
    pub bulk_streams: usize,
    /// Of a stream of entries at least so many bytes arrive within `body_time`, over and over, the
    /// time when the server does not listen left out.
    pub stream_bytes: usize,

    /// Requests that read the roll, or write as text what they have read, at once; more wait for
    /// their turn. Few, so that a processor is left for the others.
    pub log_reads: usize,
    /// Requests that read the read models at once; more wait for their turn.
    pub model_reads: usize,
    /// Read models that have failed are read from until they are so far behind.
    pub failed_lag: Duration,
    /// Read models that follow the log are read from until they are so far behind.
    pub following_lag: Duration,

    /// How long answers may take to end once the server is going down.
    pub drain: Duration,
}

impl Default for HttpBounds {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            page_bytes: 4 * MIB,
            answer_bytes: 64 * MIB,
            event_streams: 64,
            write_time: Duration::from_secs(30),
            body_bytes: 128 * MIB,
            arriving_bodies: 768,
            body_time: Duration::from_secs(20),
            bulk_streams: 32,
            stream_bytes: 10 * KIB,
            log_reads: 2,
            model_reads: 16,
            failed_lag: Duration::from_secs(5),
            following_lag: Duration::from_secs(60),
            drain: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpOptions;

    #[test]
    fn the_defaults_leave_room_for_others() {
        let options = HttpOptions::default();
        let bounds = options.bounds;
        let streams = bounds.event_streams + bounds.bulk_streams;
        assert!(bounds.arriving_bodies + streams < options.max_connections);
        // With what closing takes beside it, a container's patience is not used up.
        assert!(bounds.drain <= Duration::from_secs(3));
    }
}
