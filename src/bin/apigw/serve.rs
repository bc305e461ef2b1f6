//! `apigw serve`: a document as a server.

mod access_log;
mod admin;
mod certificate;
mod load;
mod reload;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use http::StatusCode;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tower_apigw::backend::HttpClient;
use tower_apigw::credentials::SharedProvider;
use tower_apigw::layer::{AccessLogLayer, RetryLayer, TraceContextLayer};
use tower_apigw::metrics::Metrics;
use tower_apigw::openapi::Api;
use tower_apigw::server::{End, Refused, Server, Swap};

use crate::backend::{BackendOptions, header_count};
use crate::credentials::{CredentialsOptions, Signers};
use crate::document::OnErrorChoice;
use crate::exit::Failure;
use crate::listen;
use crate::logging::LogOptions;
use crate::routes;
use crate::serve::access_log::{AccessLog, AccessLogOptions};
use crate::serve::admin::Admin;
use crate::serve::certificate::Certificate;
use crate::serve::load::Load;
use crate::serve::reload::{Recipe, Reload};
use crate::signals::{Hangup, Signals};
use crate::stage::StageOptions;

/// Serve an API from its OpenAPI document
///
/// Prints the address it listens on and a table of the routes; logs go to standard error. SIGTERM and
/// Ctrl-C end it when the requests in flight are answered, at most 10 seconds later; a second one ends
/// it at once. SIGHUP makes it read the document again: requests in flight end on the one before, and a
/// document with errors changes nothing. Exit codes: 0 ended by a signal, 1 the document has errors, or a file cannot be read, 2 usage,
/// 3 it cannot listen, or not open its access log.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The document: OpenAPI 2.0, 3.0 or 3.1 with x-amazon-apigateway-integration, in YAML or JSON
    #[arg(value_name = "API", env = "APIGW_API")]
    api: PathBuf,

    /// The address to listen on; port 0 takes any free one
    #[arg(long, value_name = "HOST:PORT", env = "APIGW_LISTEN", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: String,

    #[command(flatten)]
    stage: StageOptions,

    /// What to do with a document that has errors
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        env = "APIGW_ON_ERROR",
        default_value = "refuse"
    )]
    on_error: OnErrorChoice,

    #[command(flatten)]
    credentials: CredentialsOptions,

    /// Assume the roles that integrations name as their `credentials`, through STS
    ///
    /// Without it the server's own credentials sign for them.
    #[arg(long, env = "APIGW_ASSUME_ROLES")]
    assume_roles: bool,

    /// Sign with the server's own credentials where an integration wants those of its caller
    /// (arn:aws:iam::*:user/*)
    #[arg(long)]
    sign_for_callers: bool,

    /// Read the document again when its file changes, as on SIGHUP
    ///
    /// The file is looked at twice a second, and read once it rests.
    #[arg(long, env = "APIGW_WATCH")]
    watch: bool,

    /// A second address, with /livez, /metrics for Prometheus, and /readyz, which answers 503 while requests in flight end
    #[arg(long, value_name = "HOST:PORT", env = "APIGW_ADMIN", value_parser = address)]
    admin: Option<String>,

    /// Let --admin be an address that other machines can reach
    #[arg(long, env = "APIGW_ADMIN_PUBLIC")]
    admin_public: bool,

    #[command(flatten)]
    log: LogOptions,

    /// Put each request into the trace that its traceparent names, or into a new one, and tell backends
    ///
    /// Without it traceparent and tracestate pass like any header, as with API Gateway.
    #[arg(long, env = "APIGW_TRACE_CONTEXT")]
    trace_context: bool,

    /// How many threads serve, at most 1024 [default: one for each processor]
    #[arg(long, value_name = "N", env = "APIGW_THREADS", value_parser = threads)]
    threads: Option<NonZeroUsize>,

    /// How many times a request is sent again that could not reach its backend, or was answered with
    /// 502, 503 or 504
    ///
    /// Only methods that may be repeated: GET, HEAD, OPTIONS, PUT, DELETE. At most a fifth of all requests and ten a
    /// second, within the time of the integration, and with bodies of up to 64 KiB where they stream.
    #[arg(long, value_name = "N", env = "APIGW_RETRIES", default_value = "0", hide_default_value = true, value_parser = clap::value_parser!(u32).range(..=10))]
    retries: u32,

    /// How many seconds a client may send nothing of a body, and take nothing of an answer
    #[arg(long, value_name = "SECONDS", env = "APIGW_BODY_IDLE_TIMEOUT", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    body_idle_timeout: u32,

    /// How many headers a request of HTTP/1.1 may have; one with more gives 431
    ///
    /// Any other number than 100 costs memory for each request.
    #[arg(long, value_name = "N", env = "APIGW_MAX_HEADERS", default_value_t = 100, value_parser = header_count)]
    max_headers: usize,

    /// Let hosts with parameters or stage variables lead to link-local addresses
    ///
    /// Without it such a host cannot reach 169.254.0.0/16 and its kin, where clouds keep a machine's credentials.
    #[arg(long, env = "APIGW_ALLOW_LINK_LOCAL")]
    allow_link_local: bool,

    // Each has a heading of its own, under which everything behind it would stand.
    #[command(flatten)]
    access_log: AccessLogOptions,

    #[command(flatten)]
    certificate: Certificate,

    #[command(flatten)]
    load: Load,

    #[command(flatten)]
    backends: BackendOptions,
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(threads) if threads.get() <= 1024 => Ok(threads),
        _ => Err("write a number from 1 to 1024".into()),
    }
}

/// Only the form: whether the host has an address is seen when it is listened on.
fn address(text: &str) -> Result<String, String> {
    let valid = text.parse::<SocketAddr>().is_ok()
        || text.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains([':', '/']) && port.parse::<u16>().is_ok()
        });
    if valid {
        Ok(text.to_owned())
    } else {
        Err("write a host and a port, such as 127.0.0.1:8080".into())
    }
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let recipe = Recipe {
            path: self.api.clone(),
            stage: self.stage.stage()?,
            on_error: self.on_error,
            format: self.log.format,
        };
        self.log.init()?;
        let api = recipe.api()?;
        let client = self.backends.client(!self.allow_link_local)?;
        let runtime = self
            .runtime()
            .map_err(|error| Failure::listener(format!("cannot start: {error}")))?;
        let admin = Admin::default();
        let log = self.access_log.open(&admin.dropped_lines)?;
        let served = runtime.block_on(self.serve(api, recipe, client, admin, log.as_ref()));
        // A name that is still being looked up must not hold up the end.
        runtime.shutdown_background();
        if let Some(log) = log {
            log.end();
        }
        served
    }

    fn runtime(&self) -> io::Result<Runtime> {
        let mut builder = match self.threads.map(NonZeroUsize::get) {
            Some(1) => Builder::new_current_thread(),
            Some(threads) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(threads);
                builder
            }
            None => Builder::new_multi_thread(),
        };
        builder.enable_all().build()
    }

    /// Asked for when something is to be signed.
    fn credentials(&self) -> SharedProvider {
        let Signers { mut own, roles } = self.credentials.signers();
        if self.assume_roles {
            own = own.assume_roles(roles);
        }
        if self.sign_for_callers {
            own = own.sign_for_callers();
        }
        own
    }

    fn retry(&self) -> Option<RetryLayer> {
        let statuses = [
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        (self.retries > 0).then(|| RetryLayer::new(self.retries).statuses(statuses))
    }

    async fn serve(
        &self,
        api: Api,
        recipe: Recipe,
        client: HttpClient,
        admin: Admin,
        log: Option<&AccessLog>,
    ) -> Result<(), Failure> {
        let signals = Signals::new();
        let no_signals =
            |error: io::Error| Failure::listener(format!("cannot listen for signals: {error}"));
        let mut signals = signals.map_err(no_signals)?;
        // A document to come may read the names.
        let keep_header_names = self.watch || api.reads_header_names();
        let reload = Reload::new(recipe, self.watch, keep_header_names).map_err(no_signals)?;
        let tls = self.certificate.tls()?;
        let cannot = |error: io::Error| listen::cannot("--listen", &self.listen, &error);
        let listener = listen::listen(&self.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut head = format!("listening on {scheme}://{address}\n");
        if let Some(address) = &self.admin {
            let (listener, address) = Admin::bind(address, self.admin_public).await?;
            let _ = writeln!(head, "admin on http://{address}");
            // Ends with the runtime.
            tokio::spawn(admin.clone().serve(listener));
        }
        head.push_str(&routes::table(&api));
        // Whoever started this may have closed its output; it is served all the same.
        let _ = io::stdout().write_all(head.as_bytes());
        let _ = io::stdout().flush();

        let mut server = Server::new()
            .limits(&self.stage.limits())
            .body_idle_timeout(Duration::from_secs(self.body_idle_timeout.into()))
            .keep_header_names(keep_header_names)
            .max_headers(self.max_headers);
        if let Some(most) = self.load.max_connections {
            server = server.max_connections(most);
        }
        if let Some(tls) = &tls {
            server = server.tls(tls.clone());
        }
        // Nothing is counted that nobody can read.
        let metrics = self.admin.is_some().then(|| admin.metrics.clone());
        let lines = log.map(|log| log.layer.clone());
        if metrics.is_some() || lines.is_some() {
            server = server.on_refusal(refusals(metrics.as_ref(), lines.clone()));
        }
        let context = self.trace_context.then(TraceContextLayer::new);
        let admission = self.load.admission(lines, context, metrics.as_ref());
        if let Some(log) = log {
            // Ends with the runtime.
            tokio::spawn(log.reopens(Hangup::new().map_err(no_signals)?));
        }
        // One pool and one store of credentials for all documents to come.
        let (credentials, retry) = (self.credentials(), self.retry());
        let serves = move |api: Api| {
            let api = match &metrics {
                Some(metrics) => api.metrics(metrics),
                None => api,
            };
            let api = api.credentials(credentials.clone());
            let api = match &retry {
                Some(retry) => api.retry(retry.clone()),
                None => api,
            };
            admission.admit(&api.clone(), api.into_service(client.clone()))
        };
        let service = Swap::new(serves(api));
        // Ends with the runtime.
        let certificate = tls.map(|tls| (self.certificate.clone(), tls));
        tokio::spawn(reload.run(service.clone(), serves, certificate));
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let mut serving = pin!(server.serve(listener, service, shutdown));
        let signal = tokio::select! {
            end = &mut serving => return told(end),
            signal = signals.next() => signal,
        };
        tracing::info!(signal, "shutting down");
        admin.drain();
        let _ = stop.send(());
        tokio::select! {
            end = &mut serving => told(end),
            signal = signals.next() => {
                tracing::warn!(signal, "ended at once");
                Ok(())
            }
        }
    }
}

/// Counts and logs what the server answers by itself.
fn refusals(
    metrics: Option<&Metrics>,
    lines: Option<AccessLogLayer>,
) -> impl Fn(&Refused<'_>) + Send + Sync + 'static {
    let count = metrics.map(Metrics::refused);
    move |refused| {
        if let Some(count) = &count {
            count.count(refused.status, Duration::ZERO);
        }
        if let Some(lines) = &lines {
            lines.refused(refused.head, refused.client, refused.status, refused.length);
        }
    }
}

// One arm for each way a server ends, both of which are what the user asked for.
fn told(end: End) -> Result<(), Failure> {
    match end {
        End::Drained => tracing::info!("all requests are answered"),
        End::Cut(connections) => {
            tracing::warn!(connections, "time is up: connections were cut off")
        }
    }
    Ok(())
}
