//! The story that tillroll demo tells, over HTTP
