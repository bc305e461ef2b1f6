//! The certificate that a listener shows, out of files.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use tower_apigw::server::Tls;

use crate::exit::Failure;

/// Where the certificate is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct Certificate {
    /// Speak TLS with this certificate and its chain, in PEM; read again with the document
    #[arg(
        long,
        value_name = "FILE",
        env = "APIGW_TLS_CERT",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,

    /// The key of the certificate, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "APIGW_TLS_KEY",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,

    /// Let in only clients with a certificate of one of these authorities, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "APIGW_TLS_CLIENT_CA",
        requires = "tls_cert"
    )]
    tls_client_ca: Option<PathBuf>,
}

impl Certificate {
    /// What to serve with, if TLS is asked for.
    pub(super) fn tls(&self) -> Result<Option<Tls>, Failure> {
        self.tls_cert.is_some().then(|| self.read()).transpose()
    }

    pub(super) fn read(&self) -> Result<Tls, Failure> {
        let (Some(chain_file), Some(key_file)) = (&self.tls_cert, &self.tls_key) else {
            return Err(Failure::usage("--tls-cert and --tls-key belong together"));
        };
        let (chain, key) = (read(chain_file)?, read(key_file)?);
        let tls = match &self.tls_client_ca {
            None => Tls::from_pem(&chain, &key),
            Some(file) => Tls::mutual(&chain, &key, &read(file)?),
        };
        tls.map_err(|error| {
            let reason = std::error::Error::source(&error).map_or_else(
                || "there is no certificate in it".to_owned(),
                ToString::to_string,
            );
            let mut files = vec![chain_file, key_file];
            files.extend(&self.tls_client_ca);
            let files: Vec<_> = files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            Failure::document(format!("{error}: {reason} ({})", files.join(", "))).help(
                "write PEM: the certificate first, then its chain; a key without a passphrase",
            )
        })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file)
        .map_err(|error| Failure::document(format!("cannot read {}: {error}", file.display())))
}
