//! Credentials from the environment of the process.

use std::future::ready;

use crate::credentials::{
    Credentials, CredentialsError, CredentialsErrorKind, CredentialsFuture, ProvideCredentials,
};

const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if there is one, `AWS_SESSION_TOKEN`. An empty
/// variable counts as none. Blanks and line ends around a value are left out.
///
/// # Errors
/// [`CredentialsErrorKind::Missing`], with the name of the variable that is not set;
/// [`CredentialsErrorKind::Failed`], with the name of one that holds a line end within.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl ProvideCredentials for Environment {
    fn provide(&self) -> CredentialsFuture<'_> {
        Box::pin(ready(read(|name| std::env::var(name).ok())))
    }
}

fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, CredentialsError> {
    let find = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let required = |name: &str| {
        find(name).ok_or_else(|| {
            let message = format!("the environment variable {name} is not set");
            CredentialsError::new(CredentialsErrorKind::Missing, message)
        })
    };
    let (id, secret) = (required(ID)?, required(SECRET)?);
    Credentials::found([ID, SECRET, TOKEN], &id, &secret, find(TOKEN).as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_variables() {
        let all = |name: &str| Some(format!(" {name}\n"));
        let credentials = read(all).unwrap();
        assert_eq!(credentials.access_key_id(), ID);
        assert_eq!(credentials.secret_access_key(), SECRET);
        assert_eq!(credentials.token(), Some(TOKEN));
        let no_token = |name: &str| Some(if name == TOKEN { "" } else { "x" }.to_owned());
        assert_eq!(read(no_token).unwrap().token(), None);
        let error = read(|name| (name == ID).then(|| "x".to_owned())).unwrap_err();
        assert_eq!(error.kind(), CredentialsErrorKind::Missing);
        assert!(error.to_string().contains(SECRET), "{error}");
        let two_lines = |name: &str| Some(format!("{name}\nx"));
        let error = read(two_lines).unwrap_err();
        assert_eq!(error.kind(), CredentialsErrorKind::Failed);
        assert!(error.to_string().starts_with(ID), "{error}");
    }
}
