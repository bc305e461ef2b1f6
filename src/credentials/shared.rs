//! One provider for all requests: it remembers, renews in time, and knows about roles.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::credentials::cached::Cached;
use crate::credentials::{
    AssumeRole, Credentials, CredentialsError, CredentialsErrorKind, ProvideCredentials,
};

/// What an integration writes to be signed with the credentials of its caller.
// AWS: integration request setup, `credentials`.
const CALLER: &str = "arn:aws:iam::*:user/*";

/// The most roles whose credentials are kept.
const MAX_ROLES: usize = 256;

/// A provider for all requests. Clones share what it knows.
///
/// Credentials are renewed five minutes before they end. The request that finds them ageing asks;
/// the others go on with the old ones meanwhile, or wait if there are none. If the provider fails, the old ones serve
/// until their end. A failure stands for a second, then the provider is asked again.
#[derive(Clone)]
pub struct SharedProvider {
    own: Arc<Own>,
    roles: Option<Arc<Roles>>,
    for_callers: bool,
    clock: fn() -> SystemTime,
}

struct Own {
    provider: Box<dyn ProvideCredentials>,
    cached: Cached,
}

struct Roles {
    assume: Box<dyn AssumeRole>,
    cached: Mutex<HashMap<Arc<str>, Arc<Cached>>>,
}

impl SharedProvider {
    /// Keeps what `provider` gives.
    pub fn new(provider: impl ProvideCredentials + 'static) -> Self {
        Self {
            own: Arc::new(Own {
                provider: Box::new(provider),
                cached: Cached::default(),
            }),
            roles: None,
            for_callers: false,
            clock: SystemTime::now,
        }
    }

    /// Lets the roles that integrations name be assumed by `roles`. Without this, one's own
    /// credentials sign for them.
    #[must_use]
    pub fn assume_roles(mut self, roles: impl AssumeRole + 'static) -> Self {
        self.roles = Some(Arc::new(Roles {
            assume: Box::new(roles),
            cached: Mutex::default(),
        }));
        self
    }

    /// Lets one's own credentials sign where an integration wants those of the caller
    /// (`arn:aws:iam::*:user/*`). Without this, such requests fail.
    #[must_use]
    pub fn sign_for_callers(mut self) -> Self {
        self.for_callers = true;
        self
    }

    /// Takes the time from `clock`, for tests.
    #[must_use]
    pub fn clock(mut self, clock: fn() -> SystemTime) -> Self {
        self.clock = clock;
        self
    }

    /// The provider's own credentials.
    ///
    /// # Errors
    /// Those of the provider, and [`CredentialsErrorKind::Expired`].
    pub async fn own(&self) -> Result<Credentials, CredentialsError> {
        let own = &self.own;
        let provide = || own.provider.provide();
        own.cached.get((self.clock)(), provide).await
    }

    /// The credentials for an integration whose `credentials` are `role`.
    ///
    /// # Errors
    /// As [`own`](Self::own); [`CredentialsErrorKind::OfCaller`] for the caller's credentials, and
    /// [`CredentialsErrorKind::RoleNotAssumed`] when assuming fails.
    pub async fn for_role(&self, role: Option<&str>) -> Result<Credentials, CredentialsError> {
        match self.role(role)? {
            None => self.own().await,
            Some((roles, role)) => roles.get(role, (self.clock)()).await,
        }
    }

    /// The same, if nothing has to be awaited.
    pub(crate) fn fresh(&self, role: Option<&str>) -> Option<Credentials> {
        let now = (self.clock)();
        match self.role(role).ok()? {
            None => self.own.cached.fresh(now),
            Some((roles, role)) => {
                let cached = roles.cached.lock().unwrap_or_else(PoisonError::into_inner);
                cached.get(role)?.fresh(now)
            }
        }
    }

    fn role<'a>(
        &self,
        role: Option<&'a str>,
    ) -> Result<Option<(&Arc<Roles>, &'a str)>, CredentialsError> {
        match (role, &self.roles) {
            (None, _) => Ok(None),
            (Some(CALLER), _) if self.for_callers => Ok(None),
            (Some(CALLER), _) => Err(CredentialsError::new(
                CredentialsErrorKind::OfCaller,
                "the integration is to be signed with the credentials of its caller, which are not known here",
            )),
            (Some(_), None) => Ok(None),
            (Some(role), Some(roles)) => Ok(Some((roles, role))),
        }
    }
}

impl Roles {
    async fn get(&self, role: &str, now: SystemTime) -> Result<Credentials, CredentialsError> {
        let cached = self.slot(role, now);
        let found = cached.get(now, || self.assume.assume(role)).await;
        // AWS: the text is that of its execution log.
        found.map_err(|error| {
            let message = format!(
                "execution failed due to configuration error: API Gateway does not have permission to assume the provided role {role}"
            );
            CredentialsError::new(CredentialsErrorKind::RoleNotAssumed, message).with_source(error)
        })
    }

    /// Where the credentials of `role` are kept. A table that is full forgets those that have
    /// ended, and if there are none, all.
    fn slot(&self, role: &str, now: SystemTime) -> Arc<Cached> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cached.get(role) {
            return Arc::clone(found);
        }
        if cached.len() >= MAX_ROLES {
            cached.retain(|_, slot| slot.fresh(now).is_some());
            if cached.len() >= MAX_ROLES {
                cached.clear();
            }
        }
        Arc::clone(cached.entry(role.into()).or_default())
    }
}

impl<P: ProvideCredentials + 'static> From<P> for SharedProvider {
    fn from(provider: P) -> Self {
        Self::new(provider)
    }
}

/// Tells what it is set to, and nothing that it holds.
impl fmt::Debug for SharedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedProvider")
            .field("assumes_roles", &self.roles.is_some())
            .field("for_callers", &self.for_callers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_who_wait_ask_once() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let shared = SharedProvider::new(|| async {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            let count = ASKED.fetch_add(1, Ordering::Relaxed);
            Ok(Credentials::new(format!("number {count}"), "secret"))
        });
        assert!(shared.fresh(None).is_none());
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let shared = shared.clone();
            waiting.spawn(async move { shared.own().await.unwrap() });
        }
        while let Some(found) = waiting.join_next().await {
            assert_eq!(found.unwrap().access_key_id(), "number 0");
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
        assert!(shared.fresh(None).is_some());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_does_not_stop_the_others() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let shared = SharedProvider::new(|| async {
            if ASKED.fetch_add(1, Ordering::Relaxed) == 0 {
                std::future::pending::<()>().await;
            }
            Ok(Credentials::new("id", "secret"))
        });
        let first = tokio::spawn({
            let shared = shared.clone();
            async move { shared.own().await }
        });
        while ASKED.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        first.abort();
        let _ = first.await;
        assert_eq!(shared.own().await.unwrap().access_key_id(), "id");
    }

    #[tokio::test]
    async fn roles_only_where_they_are_allowed() {
        const ROLE: &str = "arn:aws:iam::123456789012:role/api";
        let own = SharedProvider::new(Credentials::new("own", "secret"));
        let name = |found: Result<Credentials, CredentialsError>| {
            found
                .map(|found| found.access_key_id().to_owned())
                .map_err(|error| error.kind())
        };
        assert_eq!(name(own.for_role(Some(ROLE)).await), Ok("own".into()));
        let caller = name(own.for_role(Some(CALLER)).await);
        assert_eq!(caller, Err(CredentialsErrorKind::OfCaller));
        let allowed = own.clone().sign_for_callers();
        assert_eq!(name(allowed.for_role(Some(CALLER)).await), Ok("own".into()));
        assert!(allowed.fresh(Some(CALLER)).is_some() && own.fresh(Some(CALLER)).is_none());

        let assuming = own.clone().assume_roles(|role: String| async move {
            if role == ROLE {
                Ok(Credentials::new("role", "secret"))
            } else {
                let kind = CredentialsErrorKind::Failed;
                Err(CredentialsError::new(kind, "AccessDenied"))
            }
        });
        assert_eq!(name(assuming.for_role(Some(ROLE)).await), Ok("role".into()));
        assert_eq!(name(assuming.for_role(None).await), Ok("own".into()));
        let refused = assuming.for_role(Some("other")).await.unwrap_err();
        assert_eq!(refused.kind(), CredentialsErrorKind::RoleNotAssumed);
        assert!(refused.to_string().contains("role other"), "{refused}");
    }
}
