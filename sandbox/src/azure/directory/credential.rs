//! What applications and managed identities log in with: secrets, certificates, federated identity credentials.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data;

/// A secret of an application.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret {
    /// The secret itself.
    pub value: String,
    /// When it stops working.
    pub expires: Timestamp,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// A federated identity credential.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedCredential {
    /// GUID.
    pub id: String,
    /// Unique within the application.
    pub name: String,
    /// Issuer of the outside token, exactly.
    pub issuer: String,
    /// Subject of the outside token, exactly.
    pub subject: String,
    /// Exactly one.
    pub audiences: Vec<String>,
    /// Free text.
    pub description: Option<String>,
    /// When it was written. The token endpoint sees it a while later.
    #[serde(default, skip_serializing_if = "data::is_shown")]
    pub created: Timestamp,
}

/// A certificate of an application, without its private key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyCredential {
    /// GUID.
    pub key_id: String,
    /// SHA-1 thumbprint in upper-case hex: `x5t` of assertions, differently written.
    pub custom_key_identifier: String,
    /// Mostly the certificate's subject.
    pub display_name: String,
    /// When it begins to work.
    pub start_date_time: Timestamp,
    /// When it stops working.
    pub end_date_time: Timestamp,
    /// `AsymmetricX509Cert`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Verify`.
    pub usage: String,
    /// The certificate, DER. Graph shows it only when asked for it by name.
    #[serde(default, skip_serializing_if = "data::is_shown", with = "data::bytes")]
    pub certificate: Vec<u8>,
}
