//! A client secret as log-in, with the SDK's own credential.

use azure_core::credentials::Secret as AzureSecret;
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};

use super::login::{CLIENT_ID, Login, Opened, setup};
use super::{SourceError, SourceKind};

pub(super) const SECRET: &str = "AZURE_CLIENT_SECRET";

pub(super) fn found(login: &Login) -> Result<String, String> {
    login.all_set(&[SECRET])
}

pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    let client_id = login.needed(SECRET, CLIENT_ID)?;
    let secret = AzureSecret::new(login.needed(CLIENT_ID, SECRET)?);
    let options = ClientSecretCredentialOptions { client_options: login.client_options() };
    let credential = ClientSecretCredential::new(&login.tenant, client_id.clone(), secret, Some(options))
        .map_err(|error| setup(&error))?;
    Ok(Opened { kind: SourceKind::ClientSecret { client_id }, credential, presents: None })
}
