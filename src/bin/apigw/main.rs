//! The program `apigw`: an API Gateway document, served or checked; a mapping template, rendered; requests, signed.
//!
//! Exit codes of all commands: 0 success, 1 what was to be read has errors or cannot be read,
//! 2 usage, 3 no listener.

mod backend;
mod check;
mod credentials;
mod document;
mod exit;
mod input;
mod invoke;
mod limits;
mod listen;
mod logging;
mod pairs;
mod render;
mod report;
mod routes;
mod serve;
mod sign;
mod signals;
mod stage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gives back what a load took; see `Cargo.toml`.
#[cfg(all(unix, not(target_env = "musl")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
    Invoke(invoke::Invoke),
    Check(check::Check),
    Render(render::Render),
    Sign(sign::Sign),
}

fn main() -> ExitCode {
    let done = match Apigw::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Invoke(invoke) => invoke.run(),
        Command::Check(check) => check.run(),
        Command::Render(render) => render.run(),
        Command::Sign(sign) => sign.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit(),
    }
}
