//! How much is taken on at a time; what is more is turned away at once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use clap::Args;
use tokio::sync::Semaphore;
use tower::Layer;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::util::Either;
use tower_apigw::backend::HttpClient;
use tower_apigw::layer::{GatewayResponse, GatewayResponseLayer};
use tower_apigw::openapi::{Api, ApiService};

/// What is asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub(super) struct Load {
    /// Answer so many requests at a time; more get the gateway response THROTTLED, 429
    ///
    /// A request counts until the head of its answer is there.
    #[arg(long, value_name = "N", env = "APIGW_MAX_CONCURRENCY", value_parser = concurrency)]
    max_concurrency: Option<NonZeroUsize>,

    /// Serve so many connections at a time; more wait to be accepted
    #[arg(long, value_name = "N", env = "APIGW_MAX_CONNECTIONS")]
    pub(super) max_connections: Option<NonZeroUsize>,
}

fn concurrency(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(number) if number.get() <= Semaphore::MAX_PERMITS => Ok(number),
        _ => Err("write a number above 0".into()),
    }
}

impl Load {
    pub(super) fn admission(&self) -> Admission {
        let places = self.max_concurrency.map(NonZeroUsize::get);
        Admission(places.map(|places| Arc::new(Semaphore::new(places))))
    }
}

/// The places of one program, whatever document it serves.
#[derive(Debug, Clone)]
pub(super) struct Admission(Option<Arc<Semaphore>>);

/// An API that may turn requests away.
pub(super) type Admitted = Either<
    GatewayResponse<LoadShed<ConcurrencyLimit<ApiService<HttpClient>>>>,
    ApiService<HttpClient>,
>;

impl Admission {
    pub(super) fn admit(&self, api: &Api, service: ApiService<HttpClient>) -> Admitted {
        let Some(places) = &self.0 else {
            return Either::Right(service);
        };
        let limited = ConcurrencyLimit::with_semaphore(service, Arc::clone(places));
        let rim = GatewayResponseLayer::custom(
            Arc::clone(api.gateway_responses()),
            Arc::clone(api.stage()),
        );
        Either::Left(rim.layer(LoadShed::new(limited)))
    }
}
