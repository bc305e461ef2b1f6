//! The program `apigw`: an API Gateway document, served.
//!
//! Exit codes of all commands: 0 success, 1 the document has errors or cannot be read, 2 usage,
//! 3 no listener.

mod document;
mod exit;
mod limits;
mod logging;
mod routes;
mod serve;
mod signals;
mod stage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Amazon API Gateway integrations, on your machine.
#[derive(Debug, Parser)]
#[command(name = "apigw", version, max_term_width = 100)]
struct Apigw {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
}

fn main() -> ExitCode {
    let done = match Apigw::parse().command {
        Command::Serve(serve) => serve.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit(),
    }
}
