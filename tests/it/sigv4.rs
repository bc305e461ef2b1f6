//! Signing: the published cases, implementations of others, and a service that verifies.

mod botocore;
mod layer;
mod oracle;
#[cfg(feature = "cli")]
mod proxy;
mod random;
mod s3;
#[cfg(all(feature = "client", target_os = "linux"))]
mod streamed;
mod suite;
mod tonic;
