//! References into an Azure ML registry's storage: short-lived signed URLs, asked for when they are needed and again when one
//! has run out. The signature is as good as a password: it stays in here and in the requests it signs.

use azure_core::http::{Method, Url};
use bridge::port::{PortResult, Refused};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::rest::Rest;
use crate::error;

/// The query that signs a URL. Cannot be shown.
#[derive(Clone)]
struct Signature(String);

/// Leave to read the files of one version.
pub(super) struct Reference {
    management: Rest,
    /// Where leave is asked for.
    path: String,
    /// The version, `azureml://registries/…`.
    asset: String,
    /// The place of its files, as the registry gives it.
    uri: String,
    /// What the URLs of its files begin with.
    pub(super) prefix: String,
    signature: Mutex<Option<Signature>>,
}

impl Reference {
    pub(super) fn new(
        management: Rest,
        path: String,
        asset: String,
        (uri, prefix): (String, String),
    ) -> Self {
        Self { management, path, asset, uri, prefix, signature: Mutex::default() }
    }

    /// `url` with a signature.
    pub(super) async fn sign(&self, url: &Url) -> PortResult<Url> {
        let mut kept = self.signature.lock().await;
        let signature = match &*kept {
            Some(signature) => signature.clone(),
            None => self.ask().await?,
        };
        let mut signed = url.clone();
        signed.set_query(Some(&signature.0));
        *kept = Some(signature);
        Ok(signed)
    }

    /// Forgets the signature: it was refused.
    pub(super) async fn forget(&self) {
        *self.signature.lock().await = None;
    }

    async fn ask(&self) -> PortResult<Signature> {
        let body = json!({ "assetId": self.asset, "blobUri": self.uri });
        let answer = self.management.write(Method::Post, &self.path, &body).await?;
        let uri = answer.pointer("/blobReferenceForConsumption/credential/sasUri").and_then(Value::as_str);
        let query = uri.and_then(|uri| Some(Url::parse(uri).ok()?.query()?.to_owned()));
        query.filter(|query| query.contains("sig=")).map(Signature).ok_or_else(|| {
            let problem = format!("the registry gave no signed place for `{}`", self.asset);
            error::own(self.management.service(), Refused::Invalid, problem)
        })
    }
}
