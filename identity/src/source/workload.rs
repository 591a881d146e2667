//! A token file of another issuer as log-in (Kubernetes and others write such files), with the SDK's own credential.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use azure_identity::{
    ClientAssertionCredentialOptions, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};

use super::assertion::Presents;
use super::login::{CLIENT_ID, Login, Opened, setup};
use super::{SourceError, SourceKind};
use crate::claims::Claims;

pub(super) const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

pub(super) fn found(login: &Login) -> Result<String, String> {
    login.all_set(&[FILE])
}

/// The SDK's credential over the file, which is looked at first: the SDK would send whatever stands in it.
pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    let client_id = login.needed(FILE, CLIENT_ID)?;
    let file = login.needed(CLIENT_ID, FILE)?;
    read(&file)?;
    let options = WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions { client_options: login.client_options() },
        client_id: Some(client_id.clone()),
        tenant_id: Some(login.tenant.clone()),
        token_file_path: Some(PathBuf::from(&file)),
    };
    let credential = WorkloadIdentityCredential::new(Some(options)).map_err(|error| setup(&error))?;
    let presents = Arc::new(TokenFile(file.clone()));
    Ok(Opened {
        kind: SourceKind::WorkloadIdentity { client_id, file },
        credential,
        presents: Some(presents),
    })
}

struct TokenFile(String);

#[async_trait]
impl Presents for TokenFile {
    async fn presented(&self) -> Result<Option<Claims>, SourceError> {
        read(&self.0).map(Some)
    }
}

/// The claims of the token in `file`; an error if Entra could not take what stands in it.
fn read(file: &str) -> Result<Claims, SourceError> {
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
    let no_jwt = || unusable("which holds no JWT; expected `HEADER.PAYLOAD.SIGNATURE`".to_owned());
    Claims::of(&text).ok_or_else(no_jwt)
}
