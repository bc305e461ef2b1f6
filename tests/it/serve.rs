//! `apigw serve` while it runs: documents that change under it, and what it tells of itself.

mod admin;
mod load;
mod reload;
mod tls;
