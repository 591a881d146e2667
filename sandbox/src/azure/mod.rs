//! Entra, Microsoft Graph, Azure Resource Manager with Azure ML, and blob storage.

/// What this side of the world knows.
#[derive(Default)]
pub struct State {}
