//! What the story promises, told to a small stand-in for the server.

mod http;
mod shop;
mod telling;
