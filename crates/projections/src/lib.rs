//! SQL read models, checkpoints, as-of queries, reports
