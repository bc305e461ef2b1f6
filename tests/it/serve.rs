//! `apigw serve` while it runs: documents that change under it.

mod reload;
