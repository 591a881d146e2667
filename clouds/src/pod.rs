//! What a pod of a workload shows to Entra: the doctor's hands where it runs inside one.

use bridge::act::way_back::Door;
use bridge::doctor::way_back::Shown;
use bridge::port::PortError;
use bridge::spec::Bridge;
use identity::source::{EntraSource, Preference};
use trust::token::Claims;

use crate::azure::Addresses;
use crate::caller::{Settings, client, entra_source};
use crate::error;

/// A pod's log-in to Azure.
pub struct Pod {
    source: EntraSource,
    /// What it asks a token for: Resource Manager, where models are listed.
    scope: &'static str,
}

impl Pod {
    /// The log-in that the environment holds, or why there is none.
    pub fn connect(bridge: &Bridge, settings: &Settings) -> Result<Self, String> {
        let http = client(settings).map_err(|problem| problem.to_string())?;
        let source = entra_source(bridge, settings, Preference::Caller, &http)
            .map_err(|refused| format!("there is no log-in here: {refused}"))?;
        Ok(Self { source, scope: Addresses::of(bridge).management_scope })
    }

    /// What is shown, or why there is nothing to show. Entra is not asked yet.
    pub async fn shown(&self) -> Result<Shown, String> {
        let claims = self.source.assertion_claims().await.map_err(|refused| refused.to_string())?;
        Ok(Shown {
            source: self.source.kind.to_string(),
            claims: claims.and_then(|claims| Claims::from_value(claims.to_json())),
            answer: None,
            waited: 0,
        })
    }
}

impl Door for Pod {
    async fn knock(&self) -> Result<(), PortError> {
        self.source.claims(self.scope).await.map(drop).map_err(|refused| error::no_token(&refused))
    }
}
