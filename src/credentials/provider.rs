//! The seams: what gives credentials, and what assumes a role.

use std::future::{Future, ready};
use std::pin::Pin;

use crate::credentials::{Credentials, CredentialsError};

/// Credentials, to come.
pub type CredentialsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, CredentialsError>> + Send + 'a>>;

/// Gives credentials. It need not remember them: a
/// [`SharedProvider`](crate::credentials::SharedProvider) does.
///
/// [`Credentials`] give themselves, and so does any closure that returns a future of them.
///
/// ```
/// use tower_apigw::credentials::{Credentials, CredentialsFuture, ProvideCredentials};
///
/// struct Vault;
///
/// impl ProvideCredentials for Vault {
///     fn provide(&self) -> CredentialsFuture<'_> {
///         Box::pin(async { Ok(Credentials::new("AKIDEXAMPLE", "from the vault")) })
///     }
/// }
/// ```
pub trait ProvideCredentials: Send + Sync {
    /// The credentials of this moment.
    fn provide(&self) -> CredentialsFuture<'_>;
}

impl ProvideCredentials for Credentials {
    fn provide(&self) -> CredentialsFuture<'_> {
        Box::pin(ready(Ok(self.clone())))
    }
}

impl<F, T> ProvideCredentials for F
where
    F: Fn() -> T + Send + Sync,
    T: Future<Output = Result<Credentials, CredentialsError>> + Send + 'static,
{
    fn provide(&self) -> CredentialsFuture<'_> {
        Box::pin(self())
    }
}

/// Assumes roles: gives the temporary credentials of one.
///
/// A closure from the role's ARN to a future of credentials is one.
pub trait AssumeRole: Send + Sync {
    /// Credentials of `role`, an ARN.
    fn assume<'a>(&'a self, role: &'a str) -> CredentialsFuture<'a>;
}

impl<F, T> AssumeRole for F
where
    F: Fn(String) -> T + Send + Sync,
    T: Future<Output = Result<Credentials, CredentialsError>> + Send + 'static,
{
    fn assume<'a>(&'a self, role: &'a str) -> CredentialsFuture<'a> {
        Box::pin(self(role.to_owned()))
    }
}
