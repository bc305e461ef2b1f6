//! The signing keys of a layer, each derived once a day.

use std::sync::{Arc, PoisonError, RwLock};

use crate::credentials::Credentials;
use crate::layer::sigv4::settings::Settings;
use crate::signing::ServiceRules;
use crate::signing::{self, Identity, SigningError, SigningKey, Timestamp};
use crate::target::SigningScope;

/// The most keys that are kept.
const MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Keys(RwLock<Vec<Arc<Entry>>>);

/// A key, and how requests are signed with it.
#[derive(Debug)]
pub(super) struct Entry {
    credentials: Credentials,
    scope: Arc<SigningScope>,
    pub(super) key: Arc<SigningKey>,
    pub(super) signing: signing::Settings,
}

impl Keys {
    pub(super) fn get(
        &self,
        settings: &Settings,
        credentials: &Credentials,
        scope: &Arc<SigningScope>,
        time: Timestamp,
    ) -> Result<Arc<Entry>, SigningError> {
        let fits = |entry: &Arc<Entry>| {
            entry.key.is_for(time)
                && (entry.credentials.is(credentials) || entry.credentials == *credentials)
                && (Arc::ptr_eq(&entry.scope, scope) || entry.scope == *scope)
        };
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = known.iter().find(|entry| fits(entry)) {
                return Ok(Arc::clone(entry));
            }
        }
        let entry = Arc::new(derive(settings, credentials, scope, time)?);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|old| old.key.is_for(time) && !fits(old));
        if known.len() >= MAX {
            known.remove(0);
        }
        known.push(Arc::clone(&entry));
        Ok(entry)
    }
}

fn derive(
    settings: &Settings,
    credentials: &Credentials,
    scope: &Arc<SigningScope>,
    time: Timestamp,
) -> Result<Entry, SigningError> {
    let identity = Identity {
        access_key_id: credentials.access_key_id(),
        secret_access_key: credentials.secret_access_key(),
        session_token: credentials.token(),
    };
    let key = SigningKey::derive(&identity, time, &scope.region, &scope.service)?;
    let mut signing = signing::Settings::of_service(&scope.service);
    signing.rules = settings
        .rules
        .unwrap_or_else(|| ServiceRules::of(&scope.service));
    signing.headers = settings.headers;
    signing.unsigned.clone_from(&settings.unsigned);
    Ok(Entry {
        credentials: credentials.clone(),
        scope: Arc::clone(scope),
        key: Arc::new(key),
        signing,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::credentials::SharedProvider;

    #[test]
    fn one_key_for_each_day_scope_and_identity_and_not_too_many() {
        let own = Credentials::new("own", "secret");
        let settings = Settings::new(SharedProvider::new(own.clone()));
        let keys = Keys::default();
        let scope = |service: &str| {
            Arc::new(SigningScope {
                service: service.to_owned(),
                region: "eu-west-1".to_owned(),
            })
        };
        let day =
            |day: u64| Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400));
        let get = |credentials: &Credentials, service: &str, at: u64| {
            keys.get(&settings, credentials, &scope(service), day(at))
                .unwrap()
        };
        let first = get(&own, "sqs", 1);
        assert!(Arc::ptr_eq(&first, &get(&own, "sqs", 1)));
        let same = Credentials::new("own", "secret");
        assert!(Arc::ptr_eq(&first, &get(&same, "sqs", 1)));
        assert!(!Arc::ptr_eq(&first, &get(&own, "sns", 1)));
        let renewed = Credentials::new("own", "another");
        assert!(!Arc::ptr_eq(&first, &get(&renewed, "sqs", 1)));
        assert_eq!(keys.0.read().unwrap().len(), 3);
        assert!(!Arc::ptr_eq(&first, &get(&own, "sqs", 2)));
        // The keys of yesterday are gone.
        assert_eq!(keys.0.read().unwrap().len(), 1);
        for service in 0..2 * MAX {
            get(&own, &format!("service{service}"), 2);
        }
        assert_eq!(keys.0.read().unwrap().len(), MAX);
    }
}
