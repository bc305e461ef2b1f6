//! Signing: the published cases, implementations of others, and a service that verifies.

mod botocore;
mod layer;
mod oracle;
#[cfg(feature = "cli")]
mod proxy;
mod random;
mod s3;
mod suite;
