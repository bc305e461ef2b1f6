//! The choice of limits.

use clap::ValueEnum;
use tower_apigw::mapping::Limits;

/// Which sizes a request and an answer must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LimitsChoice {
    /// API Gateway's: 10 MiB each way, 10,240 bytes of headers and of the URL
    Aws,
    /// None for what streams; what a mapping reads is held in memory up to 10 MiB
    None,
}

impl From<LimitsChoice> for Limits {
    fn from(choice: LimitsChoice) -> Self {
        match choice {
            LimitsChoice::Aws => Self::aws(),
            LimitsChoice::None => Self::none(),
        }
    }
}
