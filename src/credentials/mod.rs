//! Who signs: credentials, where they come from, and one place that keeps them.
//!
//! [`Credentials`] are a value; [`ProvideCredentials`] is anything that can give some: credentials
//! themselves, the [`Environment`], a closure, or, with the feature `aws-config`, all places where
//! AWS's own clients look (`DefaultChain`). A [`SharedProvider`] keeps what a provider gave,
//! asks again before it expires, and asks once for all requests that wait.
//!
//! ```
//! use tower_apigw::credentials::{Credentials, CredentialsError, SharedProvider};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), CredentialsError> {
//! let fixed = SharedProvider::new(Credentials::new("AKIDEXAMPLE", "secret"));
//! assert_eq!(fixed.own().await?.access_key_id(), "AKIDEXAMPLE");
//!
//! let vault = SharedProvider::new(|| async {
//!     // From wherever they are kept.
//!     Ok(Credentials::new("AKIDOTHER", "secret").session_token("token"))
//! });
//! assert_eq!(vault.own().await?.access_key_id(), "AKIDOTHER");
//! # Ok(()) }
//! ```
//!
//! # Roles and callers
//! The `credentials` of an integration name a role, which API Gateway assumes. Here a role is
//! assumed only where the application says how ([`SharedProvider::assume_roles`], with
//! `DefaultChain::roles` through STS); otherwise the application's own credentials sign. `arn:aws:iam::*:user/*` asks for those of the caller, which
//! no server has: such a request fails, unless [`SharedProvider::sign_for_callers`] allows one's
//! own in their place.

mod cached;
mod environment;
mod error;
mod provider;
#[cfg(feature = "aws-config")]
mod sdk;
mod shared;
mod value;

pub use environment::Environment;
pub use error::{CredentialsError, CredentialsErrorKind};
pub use provider::{AssumeRole, CredentialsFuture, ProvideCredentials};
#[cfg(feature = "aws-config")]
pub use sdk::{AssumedRole, DefaultChain, StsRoles};
pub use shared::SharedProvider;
pub use value::Credentials;
