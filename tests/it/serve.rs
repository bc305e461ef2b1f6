//! `apigw serve` while it runs: documents that change under it, and what it tells of itself.

mod access_log;
mod admin;
mod events;
mod load;
mod reload;
mod tls;
