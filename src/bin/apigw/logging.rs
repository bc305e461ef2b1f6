//! Logs, on standard error.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::exit::Failure;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, with the findings about the document among them
    Json,
}

/// Options about logs.
#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    /// The form of log lines, on standard error
    #[arg(
        long = "log-format",
        value_enum,
        value_name = "FORM",
        env = "APIGW_LOG_FORMAT",
        default_value = "text"
    )]
    pub(crate) format: LogFormat,

    /// What is logged: `debug`, or `warn,tower_apigw::layer=debug` [also: RUST_LOG] [default: info]
    #[arg(long = "log", value_name = "FILTER", env = "APIGW_LOG")]
    filter: Option<String>,
}

impl LogOptions {
    /// Starts logging.
    pub(crate) fn init(&self) -> Result<(), Failure> {
        let inherited = || std::env::var(EnvFilter::DEFAULT_ENV).ok();
        let filter = self
            .filter
            .clone()
            .or_else(inherited)
            .filter(|filter| !filter.is_empty());
        let filter = filter.as_deref().unwrap_or("info");
        let filter = EnvFilter::try_new(filter).map_err(|error| {
            Failure::usage(format!("the log filter {filter:?} makes no sense: {error}"))
        })?;
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            // A request, and a call of a backend, is a line when it has ended: at `debug`, as spans are.
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(std::io::stderr().is_terminal());
        match self.format {
            LogFormat::Text => logs.init(),
            LogFormat::Json => logs.json().flatten_event(true).init(),
        }
        Ok(())
    }
}
