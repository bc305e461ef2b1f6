//! A document that is read anew while its API is served.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval};
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::Api;
use tower_apigw::server::{Swap, Tls};

use crate::document::{Document, OnErrorChoice};
use crate::exit::Failure;
use crate::logging::LogFormat;
use crate::serve::certificate::Certificate;
use crate::signals::Hangup;

/// How often a watched file is looked at. It is read when two looks have found the same, so that
/// nobody reads what is half written.
const LOOK: Duration = Duration::from_millis(500);

/// How a document is made into an API, again and again.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) path: PathBuf,
    pub(super) stage: Stage,
    pub(super) on_error: OnErrorChoice,
    pub(super) format: LogFormat,
}

impl Recipe {
    pub(super) fn api(&self) -> Result<Api, Failure> {
        Document::read(&self.path)?.compile(self.stage.clone(), self.on_error, self.format)
    }
}

/// What makes a server read its document again.
#[derive(Debug)]
pub(super) struct Reload {
    recipe: Recipe,
    hangup: Hangup,
    watch: Option<Watch>,
    keeps_header_names: bool,
}

impl Reload {
    /// From now on SIGHUP ends nothing.
    pub(super) fn new(recipe: Recipe, watch: bool, keeps_header_names: bool) -> io::Result<Self> {
        Ok(Self {
            hangup: Hangup::new()?,
            watch: watch.then(|| Watch::new(&recipe.path)),
            recipe,
            keeps_header_names,
        })
    }

    /// Replaces what `service` serves whenever it is time to; a document with errors replaces
    /// nothing. `serves` makes an API what is served. Does not end.
    pub(super) async fn run<S>(
        mut self,
        service: Swap<S>,
        serves: impl Fn(Api) -> S,
        certificate: Option<(Certificate, Tls)>,
    ) {
        loop {
            let reason = tokio::select! {
                () = self.hangup.next() => "SIGHUP",
                () = changed(&mut self.watch) => "the file changed",
            };
            let recipe = self.recipe.clone();
            // Compiling takes a processor for a while, which requests must not wait for.
            let compiled = tokio::task::spawn_blocking(move || recipe.api()).await;
            if let Some((files, tls)) = &certificate {
                match files.read() {
                    Ok(new) => tls.replace(new),
                    Err(failure) => tracing::error!(
                        reason,
                        "cannot reload: {}; the certificate before is shown on",
                        failure.message()
                    ),
                }
            }
            let document = self.recipe.path.display();
            match compiled {
                Ok(Ok(api)) => {
                    let routes = api.routes().len();
                    if api.reads_header_names() && !self.keeps_header_names {
                        tracing::warn!(
                            "the new document reads names of headers, which are lower-case until a restart; --watch keeps their spelling from the start"
                        );
                    }
                    service.replace(serves(api));
                    tracing::info!(reason, %document, routes, "reloaded");
                }
                Ok(Err(failure)) => tracing::error!(
                    reason,
                    "cannot reload: {}; the document before is served on",
                    failure.message()
                ),
                Err(error) => tracing::error!(reason, %error, "cannot reload"),
            }
        }
    }
}

async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// What tells one content of a file from another without reading it.
type Look = Option<(SystemTime, u64)>;

#[derive(Debug)]
struct Watch {
    path: PathBuf,
    acted: Look,
    last: Look,
}

impl Watch {
    fn new(path: &Path) -> Self {
        let now = look(path);
        Self {
            path: path.to_owned(),
            acted: now,
            last: now,
        }
    }

    async fn changed(&mut self) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if self.see(look(&self.path)) {
                return;
            }
        }
    }

    /// Whether the file has changed and come to rest. One that is gone is waited for: editors and
    /// `ConfigMap`s replace files.
    fn see(&mut self, now: Look) -> bool {
        let rests = now == self.last;
        self.last = now;
        let changed = rests && now.is_some() && now != self.acted;
        if changed {
            self.acted = now;
        }
        changed
    }
}

// A look is one call of the system and does not read the file.
fn look(path: &Path) -> Look {
    let about = fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, length: u64) -> Look {
        Some((
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            length,
        ))
    }

    #[test]
    fn a_change_counts_when_it_rests() {
        let mut watch = Watch {
            path: PathBuf::new(),
            acted: at(1, 10),
            last: at(1, 10),
        };
        let looks = [
            (at(1, 10), false),
            (at(2, 0), false),
            (at(2, 20), false),
            (at(2, 20), true),
            (at(2, 20), false),
            (None, false),
            (None, false),
            (at(2, 20), false),
            (at(2, 20), false),
            (at(3, 20), false),
            (at(3, 20), true),
        ];
        for (index, (look, changed)) in looks.into_iter().enumerate() {
            assert_eq!(watch.see(look), changed, "{index}");
        }
    }
}
