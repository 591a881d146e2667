//! The Azure CLI's log-in, run with the environment that was handed in.

use std::ffi::OsStr;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};

use super::SourceError;
use crate::environment::Environment;

/// The CLI is a Python program that may have to refresh its own tokens first.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn credential(
    environment: &Environment,
    tenant: &str,
) -> Result<Arc<dyn TokenCredential>, SourceError> {
    let options = AzureCliCredentialOptions {
        tenant_id: Some(tenant.to_owned()),
        executor: Some(Arc::new(InEnvironment(environment.clone()))),
        ..Default::default()
    };
    let credential = AzureCliCredential::new(Some(options))
        .map_err(|error| SourceError::Setup { problem: error.to_string() })?;
    Ok(credential)
}

#[derive(Debug)]
struct InEnvironment(Environment);

#[async_trait]
impl Executor for InEnvironment {
    async fn run(&self, program: &OsStr, arguments: &[&OsStr]) -> std::io::Result<Output> {
        let output = tokio::process::Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.0.pairs())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let late =
            || std::io::Error::new(std::io::ErrorKind::TimedOut, "`az` did not answer within a minute");
        tokio::time::timeout(PATIENCE, output).await.map_err(|_| late())?
    }
}
