//! The keyless bridge that carries models from Azure ML to GKE.
