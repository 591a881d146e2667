//! The one door by which a token leaves this process: written straight to a reader that asked for it, in the form that
//! this reader knows, never returned as text.
//!
//! Everything else that leaves this crate is a header marked sensitive or an SDK's own credential type. A [`Handover`] exists
//! for tools that cannot be given either: kubectl, docker, Google's client libraries, a shell. The caller picks the form and
//! the writer; the token's text is never in a value of hers.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::secret::AccessToken;

/// The user name that goes with a registry refresh token in an Azure container registry:
/// <https://learn.microsoft.com/azure/container-registry/container-registry-authentication>.
pub const AZURE_REGISTRY_USER: &str = "00000000-0000-0000-0000-000000000000";
/// The user name that goes with an access token in Artifact Registry:
/// <https://cloud.google.com/artifact-registry/docs/docker/authentication#token>.
pub const GOOGLE_REGISTRY_USER: &str = "oauth2accesstoken";

/// What the reader understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// The token and a line break.
    Plain,
    /// kubectl's `ExecCredential`:
    /// <https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>.
    ExecCredential {
        /// The version that kubectl asked in, `client.authentication.k8s.io/v1`.
        api_version: String,
    },
    /// The answer of a docker credential helper to `get`:
    /// <https://github.com/docker/docker-credential-helpers#development>.
    DockerCredential {
        /// The server as docker named it.
        server: String,
        /// [`AZURE_REGISTRY_USER`] or [`GOOGLE_REGISTRY_USER`].
        username: &'static str,
    },
    /// The answer of an executable source of Google's client libraries: <https://google.aip.dev/auth/4117>.
    GoogleExecutable {
        /// The type that the library asked for, `urn:ietf:params:oauth:token-type:jwt`.
        token_type: String,
    },
}

/// A token on its way out.
#[derive(Debug, Clone)]
pub struct Handover {
    token: AccessToken,
    form: Form,
}

impl Handover {
    /// Takes a token that somebody asked for in `form`.
    pub fn new(token: AccessToken, form: Form) -> Self {
        Self { token, form }
    }

    /// Writes the answer, ending in a line break.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        match self.document() {
            None => {
                to.write_all(self.token.secret.expose().as_bytes())?;
            }
            Some(document) => serde_json::to_writer(&mut *to, &document)?,
        }
        to.write_all(b"\n")?;
        to.flush()
    }

    fn document(&self) -> Option<Value> {
        let token = self.token.secret.expose();
        Some(match &self.form {
            Form::Plain => return None,
            Form::ExecCredential { api_version } => json!({
                "kind": "ExecCredential",
                "apiVersion": api_version,
                "status": {
                    "expirationTimestamp": self.token.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                    "token": token,
                },
            }),
            Form::DockerCredential { server, username } => {
                json!({ "ServerURL": server, "Username": username, "Secret": token })
            }
            Form::GoogleExecutable { token_type } => json!({
                "version": 1,
                "success": true,
                "token_type": token_type,
                "expiration_time": self.token.expires_at.as_second(),
                "id_token": token,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use jiff::Timestamp;

    fn written(form: Form) -> String {
        let expires_at = "2026-05-04T10:15:00.25Z".parse::<Timestamp>().unwrap();
        let token = AccessToken { secret: Secret::token("ya29.secret".to_owned()).unwrap(), expires_at };
        let mut out = Vec::new();
        Handover::new(token, form).write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn document(form: Form) -> Value {
        let text = written(form);
        assert!(text.ends_with("}\n"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn each_reader_gets_its_form() {
        assert_eq!(written(Form::Plain), "ya29.secret\n");
        let api_version = "client.authentication.k8s.io/v1".to_owned();
        assert_eq!(
            document(Form::ExecCredential { api_version: api_version.clone() }),
            json!({
                "kind": "ExecCredential",
                "apiVersion": api_version,
                "status": { "expirationTimestamp": "2026-05-04T10:15:00Z", "token": "ya29.secret" },
            })
        );
        let server = "quay.azurecr.io".to_owned();
        assert_eq!(
            document(Form::DockerCredential { server, username: AZURE_REGISTRY_USER }),
            json!({
                "ServerURL": "quay.azurecr.io",
                "Username": "00000000-0000-0000-0000-000000000000",
                "Secret": "ya29.secret",
            })
        );
        let token_type = "urn:ietf:params:oauth:token-type:jwt".to_owned();
        assert_eq!(
            document(Form::GoogleExecutable { token_type: token_type.clone() }),
            json!({
                "version": 1,
                "success": true,
                "token_type": token_type,
                "expiration_time": 1_777_889_700,
                "id_token": "ya29.secret",
            })
        );
    }

    #[test]
    fn a_handover_is_not_shown() {
        let token = AccessToken {
            secret: Secret::token("ya29.secret".to_owned()).unwrap(),
            expires_at: Timestamp::UNIX_EPOCH,
        };
        let shown = format!("{:?}", Handover::new(token, Form::Plain));
        assert!(!shown.contains("ya29"), "{shown}");
    }
}
