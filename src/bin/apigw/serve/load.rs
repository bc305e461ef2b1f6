//! How much is taken on at a time; what is more is turned away at once.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::{Request, Response};
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::util::{BoxCloneSyncService, Either, MapErrLayer, option_layer};
use tower::{BoxError, Layer};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::gateway_response::GatewayResponseType;
use tower_apigw::layer::{AccessLogLayer, GatewayResponseLayer, TraceContextLayer};
use tower_apigw::metrics::{Metrics, RouteMetrics};
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
    #[arg(long, value_name = "N", env = "APIGW_MAX_CONNECTIONS", value_parser = connections)]
    pub(super) max_connections: Option<NonZeroUsize>,
}

fn concurrency(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(number) if number.get() <= Semaphore::MAX_PERMITS => Ok(number),
        _ => Err(format!(
            "write a number from 1 to {}",
            Semaphore::MAX_PERMITS
        )),
    }
}

fn connections(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "write a number above 0".into())
}

impl Load {
    /// `log` and `metrics` tell of what is turned away, too.
    pub(super) fn admission(
        &self,
        log: Option<AccessLogLayer>,
        context: Option<TraceContextLayer>,
        metrics: Option<&Metrics>,
    ) -> Admission {
        let places = self.max_concurrency.map(NonZeroUsize::get);
        Admission {
            places: places.map(|places| Arc::new(Semaphore::new(places))),
            log,
            context,
            shed: metrics.map(Metrics::refused),
        }
    }
}

/// What stands in front of the API of one program, whatever document it serves.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    places: Option<Arc<Semaphore>>,
    log: Option<AccessLogLayer>,
    context: Option<TraceContextLayer>,
    /// Where is counted what is turned away.
    shed: Option<RouteMetrics>,
}

/// The API, or what stands in front of it: in a box, so that without it a request needs no room for it.
pub(super) type Admitted =
    Either<BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>, ApiService<HttpClient>>;

impl Admission {
    pub(super) fn admit(&self, api: &Api, service: ApiService<HttpClient>) -> Admitted {
        if self.places.is_none() && self.log.is_none() && self.context.is_none() {
            return Either::Right(service);
        }
        let limit = self.places.as_ref().map(|places| {
            let rim = GatewayResponseLayer::custom(
                Arc::clone(api.gateway_responses()),
                Arc::clone(api.stage()),
            );
            let places = GlobalConcurrencyLimitLayer::with_semaphore(Arc::clone(places));
            let shed = self.shed.clone();
            let status = api
                .gateway_responses()
                .status(GatewayResponseType::Throttled);
            // The API behind has no errors, so that each is one of a request that was turned away.
            let count = MapErrLayer::new(move |error: BoxError| {
                if let Some(shed) = &shed {
                    shed.count(status, Duration::ZERO);
                }
                error
            });
            (rim, count, LoadShedLayer::new(), places)
        });
        let layers = (
            option_layer(self.context),
            option_layer(self.log.clone()),
            option_layer(limit),
        );
        Either::Left(BoxCloneSyncService::new(layers.layer(service)))
    }
}
