//! The stage that a document is deployed to, from the command line.

use clap::Args;
use tower_apigw::aws::Endpoints;
use tower_apigw::mapping::{Limits, Stage};

use crate::exit::Failure;
use crate::limits::LimitsChoice;
use crate::pairs::{Lines, pairs};

/// Options of the commands that deploy a document.
#[derive(Debug, Args)]
pub(crate) struct StageOptions {
    /// The name of the stage, `$context.stage`
    #[arg(
        long = "stage",
        value_name = "NAME",
        env = "APIGW_STAGE",
        default_value = "default",
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    name: String,

    /// A stage variable; may be given several times [in the environment: one `K=V` a line]
    #[arg(
        long = "stage-variable",
        value_name = "K=V",
        env = "APIGW_STAGE_VARIABLE",
        hide_env_values = true
    )]
    variables: Vec<Lines>,

    /// The API's id, `$context.apiId`
    #[arg(long, value_name = "ID", env = "APIGW_API_ID", default_value = "local")]
    api_id: String,

    /// The account's id, `$context.accountId`
    #[arg(
        long,
        value_name = "ID",
        env = "APIGW_ACCOUNT_ID",
        default_value = "000000000000"
    )]
    account_id: String,

    /// The sizes that requests and answers must keep to
    #[arg(
        long,
        value_enum,
        value_name = "WHOSE",
        env = "APIGW_LIMITS",
        default_value = "aws"
    )]
    limits: LimitsChoice,
}

impl StageOptions {
    pub(crate) fn limits(&self) -> Limits {
        self.limits.into()
    }

    pub(crate) fn stage(&self) -> Result<Stage, Failure> {
        // What is no text cannot be a URL.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let endpoints = Endpoints::from_variables(variables)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let mut stage = Stage::new(self.name.as_str())
            .api_id(self.api_id.as_str())
            .account_id(self.account_id.as_str())
            .limits(self.limits())
            .endpoints(endpoints);
        for (name, value) in pairs(&self.variables, "a stage variable", "--stage-variable")? {
            stage = stage.variable(name, value);
        }
        Ok(stage)
    }
}
