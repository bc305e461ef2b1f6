//! How backends are reached: whom to trust and with which certificate.

use std::path::PathBuf;

use clap::Args;
use tower_apigw::backend::HttpClient;

use crate::exit::Failure;
use crate::input;

/// The options of commands that call backends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Backends")]
pub(crate) struct BackendOptions {
    /// Trust the certificate authorities in this file (PEM) too, beside Mozilla's; may be given several times
    #[arg(long, value_name = "FILE", env = "APIGW_BACKEND_CA")]
    backend_ca: Vec<PathBuf>,

    /// Show this certificate (PEM, with its chain) to backends that ask for one
    #[arg(
        long,
        value_name = "FILE",
        env = "APIGW_BACKEND_CERT",
        requires = "backend_key"
    )]
    backend_cert: Option<PathBuf>,

    /// The key of --backend-cert (PEM)
    #[arg(
        long,
        value_name = "FILE",
        env = "APIGW_BACKEND_KEY",
        requires = "backend_cert"
    )]
    backend_key: Option<PathBuf>,

    /// How many headers an answer of a backend may have; one with more gives 504
    ///
    /// More than the usual 100 cost memory for each answer.
    #[arg(long, value_name = "N", env = "APIGW_MAX_RESPONSE_HEADERS", default_value_t = 100, value_parser = header_count)]
    max_response_headers: usize,
}

pub(crate) fn header_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err("write a number from 1 to 10000".into()),
    }
}

impl BackendOptions {
    /// The client; with `guard` hosts that others fill in lead to no link-local address.
    pub(crate) fn client(&self, guard: bool) -> Result<HttpClient, Failure> {
        let mut builder = HttpClient::builder()
            .guard(guard)
            .max_response_headers(self.max_response_headers);
        for path in &self.backend_ca {
            let roots = input::bytes(path, "certificates")?;
            // Each is tried by itself, so that the one that cannot be used is named.
            let alone = HttpClient::builder()
                .root_certificates(roots.clone())
                .build();
            alone.map_err(|error| {
                Failure::document(format!("--backend-ca {}: {error}", path.display()))
                    .help("it takes a file in PEM, which begins with -----BEGIN CERTIFICATE-----")
            })?;
            builder = builder.root_certificates(roots);
        }
        if let (Some(certificate), Some(key)) = (&self.backend_cert, &self.backend_key) {
            let certificate = input::bytes(certificate, "certificate")?;
            builder = builder.client_certificate(certificate, input::bytes(key, "key")?);
        }
        builder.build().map_err(|error| {
            Failure::document(error).help(
                "--backend-ca, --backend-cert and --backend-key take files in PEM, which begin with -----BEGIN",
            )
        })
    }
}
