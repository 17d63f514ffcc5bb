//! HTTP/1.1 as a load generator speaks it: requests that are bytes already, connections that are
//! kept, answers of which only the status and the length are read. On a machine with two cores
//! a client of many layers would be measured along with the server.

mod caller;
mod connection;
mod request;
mod server;

pub use caller::{HttpCaller, accepted};
pub use connection::{HttpAnswer, HttpConnection};
pub use request::{HttpRequest, RequestHead};
pub use server::BenchServer;
