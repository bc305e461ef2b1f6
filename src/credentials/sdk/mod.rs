//! Where AWS's own clients look for credentials, and roles through STS, by the crate `aws-config`.

mod chain;
mod connector;
mod convert;
mod roles;

pub use chain::DefaultChain;
pub use roles::{AssumedRole, StsRoles};
