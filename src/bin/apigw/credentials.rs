//! The credentials that sign: from the places where AWS's own clients look, or of a role.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use tower_apigw::backend::HttpClient;
use tower_apigw::credentials::{DefaultChain, SharedProvider, StsRoles};

/// Options of the commands that sign.
#[derive(Debug, Args)]
pub(crate) struct CredentialsOptions {
    /// The role whose credentials sign, assumed through STS with the credentials that are found
    #[arg(
        long,
        value_name = "ARN",
        env = "APIGW_ROLE_ARN",
        value_parser = NonEmptyStringValueParser::new()
    )]
    role_arn: Option<String>,

    /// The name of sessions of roles, which AWS logs
    #[arg(
        long,
        value_name = "NAME",
        env = "APIGW_ROLE_SESSION_NAME",
        default_value = "apigw",
        value_parser = NonEmptyStringValueParser::new()
    )]
    role_session_name: String,

    /// The external id that the role of --role-arn asks for
    #[arg(
        long,
        value_name = "ID",
        env = "APIGW_EXTERNAL_ID",
        hide_env_values = true,
        requires = "role_arn"
    )]
    external_id: Option<String>,
}

/// Who signs, and what assumes the roles of others.
pub(crate) struct Signers {
    pub(crate) own: SharedProvider,
    pub(crate) roles: StsRoles,
}

impl CredentialsOptions {
    /// Nothing is read or asked yet.
    pub(crate) fn signers(&self) -> Signers {
        let chain = DefaultChain::new(HttpClient::new());
        let roles = |own: &SharedProvider| {
            chain
                .roles(own.clone())
                .session_name(&self.role_session_name)
        };
        let mut own = SharedProvider::new(chain.clone());
        if let Some(role) = &self.role_arn {
            let mut assumed = roles(&own);
            if let Some(id) = &self.external_id {
                assumed = assumed.external_id(id);
            }
            own = SharedProvider::new(assumed.role(role));
        }
        let roles = roles(&own);
        Signers { own, roles }
    }
}
