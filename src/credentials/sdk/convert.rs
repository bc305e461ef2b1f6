//! Credentials and failures of AWS's crates as ours, and ours as theirs.

use std::error::Error as StdError;
use std::fmt::Write as _;

use aws_credential_types::Credentials as Theirs;
use aws_credential_types::provider::error::CredentialsError as TheirError;
use aws_credential_types::provider::{self, future};

use tracing::Dispatch;
use tracing::instrument::{WithDispatch, WithSubscriber as _};

use crate::credentials::{Credentials, CredentialsError, CredentialsErrorKind, SharedProvider};

/// Asks one of their providers.
pub(super) async fn provide(
    provider: &impl provider::ProvideCredentials,
) -> Result<Credentials, CredentialsError> {
    match in_silence(provider.provide_credentials()).await {
        Ok(theirs) => ours(&theirs),
        Err(error) => Err(failure(&error)),
    }
}

/// Their crates log requests and answers as a whole at the level TRACE, secrets and tokens among
/// them, so that nothing of theirs is logged. What goes wrong comes as an error.
pub(super) fn in_silence<F: Future>(future: F) -> WithDispatch<F> {
    future.with_subscriber(Dispatch::none())
}

fn ours(theirs: &Theirs) -> Result<Credentials, CredentialsError> {
    let names = [
        "the id of the access key",
        "the secret access key",
        "the session token",
    ];
    let (id, secret) = (theirs.access_key_id(), theirs.secret_access_key());
    let found = Credentials::found(names, id, secret, theirs.session_token())?;
    Ok(match theirs.expiry() {
        Some(end) => found.expires_at(end),
        None => found,
    })
}

/// Their errors hold what was answered, in which a secret may stand: only the texts of the causes
/// are taken over.
fn failure(error: &TheirError) -> CredentialsError {
    let kind = match error {
        TheirError::CredentialsNotLoaded(_) => CredentialsErrorKind::Missing,
        _ => CredentialsErrorKind::Failed,
    };
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !message.ends_with(&text) {
            let _ = write!(message, ": {text}");
        }
        cause = next.source();
    }
    // The sources that were tried stand on lines of their own.
    let words: Vec<&str> = message.split_whitespace().collect();
    CredentialsError::new(kind, words.join(" "))
}

/// A provider of ours as one of theirs.
#[derive(Debug)]
pub(super) struct Lent(pub(super) SharedProvider);

impl provider::ProvideCredentials for Lent {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let own = self.0.own().await.map_err(TheirError::provider_error)?;
            Ok(Theirs::new(
                own.access_key_id(),
                own.secret_access_key(),
                own.token().map(str::to_owned),
                own.expiry(),
                "tower-apigw",
            ))
        })
    }
}
