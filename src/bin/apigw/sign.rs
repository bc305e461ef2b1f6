//! `apigw sign`: a proxy that signs.

mod forward;
mod refusal;

use std::io::{self, Write as _};
use std::pin::pin;
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Uri};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tower::Layer;
use tower_apigw::backend::HttpClient;
use tower_apigw::credentials::{CredentialsErrorKind, SharedProvider};
use tower_apigw::layer::{DispatchLayer, PayloadSigning, SigV4Layer};
use tower_apigw::server::{End, Server};
use tower_apigw::signing::SignedHeaders;

use crate::backend::BackendOptions;
use crate::credentials::CredentialsOptions;
use crate::exit::Failure;
use crate::listen;
use crate::logging::LogOptions;
use crate::pairs::{Lines, pairs};
use crate::sign::forward::Forward;
use crate::signals::Signals;

/// Sign requests on their way to a service of AWS
///
/// Takes plain HTTP, removes whatever Authorization and signature a client sent, signs with the credentials that AWS's
/// own clients would find (environment, profile, web identity, container, instance) or with those of
/// --role-arn, and streams request and answer. GET /health answers 200 by itself. Exit codes: 0 ended by a signal, 1 no credentials,
/// 2 usage, 3 it cannot listen.
///
/// A client's own Authorization cannot be kept: the signature stands in that header, and services refuse a request that
/// brings two kinds of authorization. --duplicate-header Authorization passes it on as X-Original-Authorization.
///
/// Blanks and line ends around keys and tokens are left out, wherever they are from: no key has any, and what is put into a
/// variable or a file often brings a line end along. A key with one within is refused.
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Where requests go: a scheme and a host, such as `https://dynamodb.eu-west-1.amazonaws.com`
    #[arg(long, value_name = "URL", env = "APIGW_UPSTREAM")]
    upstream: Uri,

    /// The name of the service in signatures, such as s3 or execute-api
    #[arg(long, visible_alias = "name", value_name = "NAME", value_parser = scope)]
    service: String,

    /// The region in signatures
    #[arg(long, value_name = "REGION", env = "AWS_REGION", value_parser = scope)]
    region: String,

    /// The address to listen on; port 0 takes any free one
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "APIGW_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: String,

    /// The host to sign for and to send as Host, where it is not that of the upstream
    #[arg(long, value_name = "HOST", value_parser = host)]
    sign_host: Option<HeaderValue>,

    /// How bodies are covered by signatures
    #[arg(long, value_enum, value_name = "HOW", default_value = "auto")]
    payload: PayloadChoice,

    /// The same as --payload unsigned
    #[arg(long, conflicts_with = "payload")]
    unsigned_payload: bool,

    /// Sign all headers but those that change on the way, instead of those that AWS requires
    #[arg(long)]
    sign_all_headers: bool,

    /// A header of clients that is not passed on; repeatable
    #[arg(long, short, value_name = "HEADER")]
    strip: Vec<HeaderName>,

    /// A header of clients that is passed on as X-Original-HEADER too; repeatable
    #[arg(
        long = "duplicate-header",
        visible_alias = "duplicate-headers",
        value_name = "HEADER"
    )]
    duplicate: Vec<HeaderName>,

    /// A header that every request gets; repeatable
    #[arg(
        long = "custom-header",
        visible_alias = "custom-headers",
        value_name = "NAME=VALUE"
    )]
    custom: Vec<Lines>,

    /// How long the service may take until the head of its answer is there, in seconds: at most a day
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,

    /// The longest body that is read into memory to be signed, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 10 * 1024 * 1024)]
    collect_limit: u64,

    /// Log requests that the service answers with 4xx or 5xx, with the beginning of the answer
    #[arg(long)]
    log_failed_requests: bool,

    #[command(flatten)]
    credentials: CredentialsOptions,

    #[command(flatten)]
    log: LogOptions,

    #[command(flatten)]
    backends: BackendOptions,
}

/// A part of the scope of a signature, which stands between slashes.
fn scope(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match text {
        "" => Err("it is empty".into()),
        text if text.bytes().all(fits) => Ok(text.to_owned()),
        _ => Err("write letters, digits and hyphens, such as s3 or eu-west-1".into()),
    }
}

fn host(text: &str) -> Result<HeaderValue, String> {
    let wrong = || "write a host, with a port if it is not the usual one".to_owned();
    let authority: Authority = text.parse().map_err(|_| wrong())?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}

/// How bodies are covered.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum PayloadChoice {
    /// Uploads to S3 of more than 64 KiB in signed chunks, all else read and signed
    Auto,
    /// Read into memory and signed
    Signed,
    /// Streamed and not covered; S3 takes it over TLS
    Unsigned,
    /// Streamed in signed chunks; for uploads to S3
    Chunks,
}

impl Sign {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.log.init()?;
        let (scheme, authority) = self.address()?;
        let custom = self.custom_headers()?;
        let client = self.backends.client(false)?;
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Failure::listener(format!("cannot start: {error}")))?;
        let served = runtime.block_on(self.serve(scheme, authority, custom, client));
        runtime.shutdown_background();
        served
    }

    fn address(&self) -> Result<(Scheme, Authority), Failure> {
        let uri = &self.upstream;
        let wrong = |what: &str| {
            Failure::usage(format!("the upstream {what}"))
                .help("write --upstream https://dynamodb.eu-west-1.amazonaws.com")
        };
        if uri
            .path_and_query()
            .is_some_and(|path| path.as_str() != "/")
        {
            return Err(wrong("has a path"));
        }
        if let Some(authority) = uri.authority() {
            // `Authority` passes over a port that is none.
            let port = authority.as_str().len() > authority.host().len();
            if authority.as_str().contains('@') {
                return Err(wrong("has a user or a password, which is not sent"));
            }
            if port && authority.port_u16().is_none_or(|port| port == 0) {
                return Err(wrong("has a port that is none"));
            }
        }
        match (uri.scheme(), uri.authority()) {
            (Some(scheme), Some(authority))
                if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS =>
            {
                Ok((scheme.clone(), authority.clone()))
            }
            _ => Err(wrong("is not an absolute http or https URL")),
        }
    }

    fn custom_headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        pairs(&self.custom, "a custom header", "--custom-header")?
            .into_iter()
            .map(
                |(name, value)| match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                    (Ok(name), Ok(value)) => Ok((name, value)),
                    _ => Err(Failure::usage(format!("{name:?} cannot be a header"))),
                },
            )
            .collect()
    }

    fn layer(&self, credentials: SharedProvider) -> SigV4Layer {
        let payload = match self.payload {
            _ if self.unsigned_payload => PayloadSigning::Unsigned,
            PayloadChoice::Auto => PayloadSigning::Auto,
            PayloadChoice::Signed => PayloadSigning::Signed,
            PayloadChoice::Unsigned => PayloadSigning::Unsigned,
            PayloadChoice::Chunks => PayloadSigning::Chunks,
        };
        let mut layer = SigV4Layer::new(credentials)
            .scope(&self.service, &self.region)
            .payload(payload)
            .collect_limit(self.collect_limit)
            .remove_signature(true);
        if self.sign_all_headers {
            layer = layer.signed_headers(SignedHeaders::All);
        }
        if let Some(host) = &self.sign_host {
            layer = layer.host(host.clone());
        }
        layer
    }

    async fn serve(
        &self,
        scheme: Scheme,
        authority: Authority,
        custom: Vec<(HeaderName, HeaderValue)>,
        client: HttpClient,
    ) -> Result<(), Failure> {
        let credentials = self.credentials.signers().own;
        // Told now rather than with the first request.
        credentials.own().await.map_err(|error| {
            let failure = Failure::document(format!("there are no credentials: {error}"));
            match error.kind() {
                CredentialsErrorKind::Missing => {
                    failure.help("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
                }
                _ => failure,
            }
        })?;
        let mut signals = Signals::new()
            .map_err(|error| Failure::listener(format!("cannot listen for signals: {error}")))?;
        let cannot = |error: io::Error| listen::cannot("--listen", &self.listen, &error);
        let listener = listen::listen(&self.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let head = format!(
            "listening on http://{address}\nsigning for {} in {}, to {scheme}://{authority}\n",
            self.service, self.region
        );
        // Whoever started this may have closed its output; it is served all the same.
        let _ = io::stdout().write_all(head.as_bytes());
        let _ = io::stdout().flush();

        let signed = self
            .layer(credentials)
            .layer(DispatchLayer::new().layer(client));
        let service = Forward::new(signed, scheme, authority)
            .strip(self.strip.clone())
            .duplicate(self.duplicate.clone())
            .custom(custom)
            .timeout(self.timeout.map(Duration::from_secs))
            .log_failed(self.log_failed_requests);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let mut serving = pin!(Server::new().serve(listener, service, shutdown));
        let signal = tokio::select! {
            _ = &mut serving => return Ok(()),
            signal = signals.next() => signal,
        };
        tracing::info!(signal, "shutting down");
        let _ = stop.send(());
        tokio::select! {
            end = &mut serving => if let End::Cut(connections) = end {
                tracing::warn!(connections, "time is up: connections were cut off");
            },
            signal = signals.next() => tracing::warn!(signal, "ended at once"),
        }
        Ok(())
    }
}
