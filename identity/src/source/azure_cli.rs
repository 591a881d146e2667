//! The Azure CLI's log-in, run with the environment that was handed in.

use std::ffi::OsStr;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};

use super::login::{Login, Opened, setup};
use super::{SourceError, SourceKind};
use crate::environment::Environment;

/// The CLI is a Python program that may have to refresh its own tokens first.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn found(login: &Login) -> Result<String, String> {
    let command = login.environment.find_command("az");
    let command = command.ok_or_else(|| "the command `az` is not on `PATH`".to_owned())?;
    Ok(format!("`{}` is on `PATH`", command.display()))
}

pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    let options = AzureCliCredentialOptions {
        tenant_id: Some(login.tenant.clone()),
        executor: Some(Arc::new(InEnvironment(login.environment.clone()))),
        ..Default::default()
    };
    let credential = AzureCliCredential::new(Some(options)).map_err(|error| setup(&error))?;
    Ok(Opened { kind: SourceKind::AzureCli, credential, presents: None })
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
