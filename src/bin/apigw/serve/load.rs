//! How much is taken on at a time; what is more is turned away at once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use clap::Args;
use tokio::sync::Semaphore;
use tower::Layer;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::util::{Either, option_layer};
use tower_apigw::backend::HttpClient;
use tower_apigw::layer::{AccessLog, AccessLogLayer, GatewayResponse, GatewayResponseLayer};
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
    /// `log` tells of what is turned away, too.
    pub(super) fn admission(&self, log: Option<AccessLogLayer>) -> Admission {
        let places = self.max_concurrency.map(NonZeroUsize::get);
        Admission {
            places: places.map(|places| Arc::new(Semaphore::new(places))),
            log,
        }
    }
}

/// What stands in front of the API of one program, whatever document it serves.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    places: Option<Arc<Semaphore>>,
    log: Option<AccessLogLayer>,
}

/// An API that may turn requests away.
type Limited = Either<
    GatewayResponse<LoadShed<ConcurrencyLimit<ApiService<HttpClient>>>>,
    ApiService<HttpClient>,
>;

/// The same, with what is logged of it; or nothing but the API, where nothing is asked for.
pub(super) type Admitted = Either<Either<AccessLog<Limited>, Limited>, ApiService<HttpClient>>;

impl Admission {
    pub(super) fn admit(&self, api: &Api, service: ApiService<HttpClient>) -> Admitted {
        let limited = match &self.places {
            None if self.log.is_none() => return Either::Right(service),
            None => Either::Right(service),
            Some(places) => {
                let limited = ConcurrencyLimit::with_semaphore(service, Arc::clone(places));
                let rim = GatewayResponseLayer::custom(
                    Arc::clone(api.gateway_responses()),
                    Arc::clone(api.stage()),
                );
                Either::Left(rim.layer(LoadShed::new(limited)))
            }
        };
        Either::Left(option_layer(self.log.clone()).layer(limited))
    }
}
