//! Google STS, IAM, IAM credentials, Resource Manager, Artifact Registry, Kubernetes Engine.

use crate::clock::Clock;
use crate::random;
use crate::start::StartError;

pub(crate) mod artifact_registry;
pub(crate) mod cloud_resource_manager;
pub(crate) mod container;
pub(crate) mod iam;
pub(crate) mod iam_credentials;
pub(crate) mod oauth2;
pub(crate) mod registry;
pub(crate) mod sts;

/// What this side of the world knows.
pub struct State {
    /// The administrator's application-default credentials; the folder's `adc.json` holds them.
    pub admin: AdminLogin,
}

/// What an `authorized_user` file holds.
pub struct AdminLogin {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: String,
    /// `refresh_token`.
    pub refresh_token: String,
}

impl State {
    /// The seeded world's Google side.
    pub fn seeded(_clock: &Clock) -> Result<Self, StartError> {
        Ok(Self {
            admin: AdminLogin {
                client_id: format!("{}.apps.googleusercontent.com", random::hex()),
                client_secret: random::secret(),
                refresh_token: format!("1//{}", random::secret()),
            },
        })
    }
}
