//! A token file of another issuer as log-in (Kubernetes, GitHub Actions and others write such files).

use std::path::PathBuf;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::{
    ClientAssertionCredentialOptions, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};

use super::{Login, SourceError};
use crate::claims::Claims;

/// The SDK's credential over `file`, which is looked at first: the SDK would send whatever stands in it.
pub(super) fn credential(
    login: &Login,
    client_id: &str,
    file: &str,
) -> Result<Arc<dyn TokenCredential>, SourceError> {
    check(file)?;
    let options = WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions { client_options: login.client_options() },
        client_id: Some(client_id.to_owned()),
        tenant_id: Some(login.tenant.clone()),
        token_file_path: Some(PathBuf::from(file)),
    };
    let credential = WorkloadIdentityCredential::new(Some(options))
        .map_err(|error| SourceError::Setup { problem: error.to_string() })?;
    Ok(credential)
}

fn check(file: &str) -> Result<(), SourceError> {
    let unusable = |problem: String| SourceError::TokenFile { file: file.to_owned(), problem };
    let text =
        std::fs::read_to_string(file).map_err(|error| unusable(format!("which cannot be read: {error}")))?;
    if text.trim().is_empty() {
        return Err(unusable("which is empty".to_owned()));
    }
    if text.trim() != text {
        return Err(unusable(
            "whose token has white space around it; Entra ID takes the bare token".to_owned(),
        ));
    }
    if Claims::of(&text).is_none() {
        return Err(unusable("which holds no JWT; expected `HEADER.PAYLOAD.SIGNATURE`".to_owned()));
    }
    Ok(())
}
