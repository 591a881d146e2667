//! What happened on the way: one record a hop, for the doctor and for audits. Holds no token.

use jiff::Timestamp;
use serde::Serialize;

use crate::claims::Claims;
use crate::error::Hop;

/// One hop that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HopRecord {
    /// Which hop.
    pub hop: Hop,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub milliseconds: i64,
    /// Who was asked: the log-in for Entra, the provider for STS, the service account for IAM credentials.
    pub target: String,
    /// Claims of the Entra token that are no secret.
    pub claims: Option<Claims>,
    /// Who one is after this hop, as IAM names them.
    pub principal: Option<String>,
    /// When the token expires, or why there is none.
    pub outcome: HopOutcome,
}

/// How a hop ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HopOutcome {
    /// A token was given.
    Token {
        /// When it expires.
        expires_at: Timestamp,
    },
    /// None was given.
    Refused {
        /// The service's own code, where it gave one.
        code: Option<String>,
        /// Why.
        message: String,
    },
}
