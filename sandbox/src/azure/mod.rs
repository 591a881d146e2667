//! Entra, Microsoft Graph, Azure Resource Manager with Azure ML, and blob storage.

use crate::clock::Clock;
use crate::signing::SigningKey;
use crate::start::StartError;
use crate::world::Shared;

pub(crate) mod blob;
pub(crate) mod entra;
pub(crate) mod graph;
pub(crate) mod resource_manager;

/// What this side of the world knows.
pub struct State {
    /// Signs Entra's tokens.
    pub signing: SigningKey,
}

impl State {
    /// The seeded world's Azure side.
    pub fn seeded(_clock: &Clock) -> Result<Self, StartError> {
        Ok(Self { signing: SigningKey::generate()? })
    }
}

/// Settles what depends on addresses: the federated credential that trusts the cluster's issuer.
pub(crate) fn settle(_shared: &Shared) {}
