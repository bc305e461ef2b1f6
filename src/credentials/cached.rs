//! The credentials of one identity, kept until they are about to end.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex, MutexGuard};

use crate::credentials::{Credentials, CredentialsError, CredentialsErrorKind, CredentialsFuture};

/// How long before their end credentials are renewed. That of AWS's own clients.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// How soon the provider is asked again, when it gave nothing newer or failed while the old ones
/// are still good.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a failure stands: not every waiting request has to meet it anew.
const FAILED_FOR: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Cached {
    held: RwLock<Held>,
    /// Whoever has it asks the provider; the others wait, or go on with what is held.
    asking: Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    credentials: Option<Credentials>,
    renew_at: Option<SystemTime>,
    failed: Option<(SystemTime, CredentialsError)>,
}

enum State {
    Good(Credentials),
    /// Good, and to be renewed.
    Ageing(Credentials),
    Failed(CredentialsError),
    Nothing,
}

impl Cached {
    /// What is held, if nothing has to be done about it.
    pub(super) fn fresh(&self, now: SystemTime) -> Option<Credentials> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        match &held.renew_at {
            Some(renew) if *renew <= now => None,
            _ => held.credentials.clone(),
        }
    }

    /// What is held, or what `provide` gives.
    pub(super) async fn get<'a, F>(
        &self,
        now: SystemTime,
        provide: F,
    ) -> Result<Credentials, CredentialsError>
    where
        F: FnOnce() -> CredentialsFuture<'a>,
    {
        let asking = match self.state(now) {
            State::Good(credentials) => return Ok(credentials),
            State::Failed(error) => return Err(error),
            State::Ageing(credentials) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return Ok(credentials),
            },
            State::Nothing => self.asking.lock().await,
        };
        // Another may have asked meanwhile.
        match self.state(now) {
            State::Good(credentials) => Ok(credentials),
            State::Failed(error) => Err(error),
            State::Ageing(old) => self.renew(&asking, now, Some(old), provide()).await,
            State::Nothing => self.renew(&asking, now, None, provide()).await,
        }
    }

    async fn renew(
        &self,
        _asking: &MutexGuard<'_, ()>,
        now: SystemTime,
        old: Option<Credentials>,
        provided: CredentialsFuture<'_>,
    ) -> Result<Credentials, CredentialsError> {
        let provided = provided.await.and_then(|found| check(found, now));
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match (provided, old) {
            (Ok(found), _) => {
                *held = Held {
                    renew_at: found.expiry().map(|end| renewal(end, now)),
                    credentials: Some(found.clone()),
                    failed: None,
                };
                Ok(found)
            }
            (Err(error), Some(old)) => {
                tracing::warn!(%error, "credentials were not renewed; the old ones are still good");
                let again = now + PAUSE;
                held.renew_at = Some(old.expiry().map_or(again, |end| end.min(again)));
                Ok(old)
            }
            (Err(error), None) => {
                held.credentials = None;
                held.failed = Some((now + FAILED_FOR, error.clone()));
                Err(error)
            }
        }
    }

    fn state(&self, now: SystemTime) -> State {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(credentials) = &held.credentials
            && !credentials.has_expired(now)
        {
            let ageing = held.renew_at.is_some_and(|renew| renew <= now);
            let credentials = credentials.clone();
            return if ageing {
                State::Ageing(credentials)
            } else {
                State::Good(credentials)
            };
        }
        match &held.failed {
            Some((until, error)) if now < *until => State::Failed(error.clone()),
            _ => State::Nothing,
        }
    }
}

fn check(found: Credentials, now: SystemTime) -> Result<Credentials, CredentialsError> {
    if found.has_expired(now) {
        return Err(CredentialsError::new(
            CredentialsErrorKind::Expired,
            "the credentials have expired",
        ));
    }
    Ok(found)
}

/// Some providers give the same credentials until shortly before their end: they are not asked
/// for every request meanwhile.
fn renewal(end: SystemTime, now: SystemTime) -> SystemTime {
    let early = end.checked_sub(EARLY).unwrap_or(now);
    early.max(now + PAUSE).min(end)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn until(seconds: u64) -> Credentials {
        Credentials::new(format!("until {seconds}"), "secret").expires_at(at(seconds))
    }

    async fn get(
        cached: &Cached,
        now: u64,
        answer: Result<Credentials, CredentialsErrorKind>,
    ) -> (Result<String, CredentialsErrorKind>, bool) {
        let asked = AtomicUsize::new(0);
        let answer = answer.map_err(|kind| CredentialsError::new(kind, "no"));
        let found = cached.get(at(now), || {
            asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(answer))
        });
        let found = found.await.map(|found| found.access_key_id().to_owned());
        (
            found.map_err(|error| error.kind()),
            asked.load(Ordering::Relaxed) > 0,
        )
    }

    #[tokio::test]
    async fn renewed_before_the_end_and_kept_when_that_fails() {
        let cached = Cached::default();
        let first = Ok("until 3600".to_owned());
        assert_eq!(
            get(&cached, 0, Ok(until(3600))).await,
            (first.clone(), true)
        );
        assert_eq!(
            get(&cached, 3299, Ok(until(1))).await,
            (first.clone(), false)
        );
        assert!(cached.fresh(at(3299)).is_some() && cached.fresh(at(3300)).is_none());
        let failed = Err(CredentialsErrorKind::Failed);
        assert_eq!(get(&cached, 3300, failed).await, (first.clone(), true));
        assert_eq!(get(&cached, 3329, failed_()).await, (first.clone(), false));
        // The same again: asked for only after a pause.
        assert_eq!(
            get(&cached, 3330, Ok(until(3600))).await,
            (first.clone(), true)
        );
        assert_eq!(get(&cached, 3359, failed_()).await, (first, false));
        let second = Ok("until 9000".to_owned());
        assert_eq!(get(&cached, 3600, Ok(until(9000))).await, (second, true));
    }

    fn failed_() -> Result<Credentials, CredentialsErrorKind> {
        Err(CredentialsErrorKind::Failed)
    }

    #[tokio::test]
    async fn a_failure_stands_for_a_moment() {
        let cached = Cached::default();
        let missing = Err(CredentialsErrorKind::Missing);
        let missing_ = || Err(CredentialsErrorKind::Missing);
        assert_eq!(get(&cached, 100, missing_()).await, (missing.clone(), true));
        assert_eq!(get(&cached, 100, Ok(until(900))).await, (missing, false));
        let found = Ok("until 900".to_owned());
        assert_eq!(get(&cached, 101, Ok(until(900))).await, (found, true));
    }

    #[tokio::test]
    async fn what_has_ended_is_not_used() {
        let cached = Cached::default();
        let expired = Err(CredentialsErrorKind::Expired);
        assert_eq!(get(&cached, 50, Ok(until(50))).await, (expired, true));
    }
}
