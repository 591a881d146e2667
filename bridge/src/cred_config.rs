//! Credential configurations: `external_account` files, with which Google's client libraries cross the bridge themselves.
//! The format is <https://google.aip.dev/auth/4117>. A file holds no secret, only where a token is to be had.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spec::{Bridge, Team};

/// The only kind we write.
const KIND: &str = "external_account";
/// An Entra token is a JWT.
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";
const UNIVERSE: &str = "googleapis.com";
/// Azure's instance metadata, the same in every Azure:
/// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>.
const INSTANCE_METADATA: &str =
    "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
/// How long Google's libraries let an executable run, at least and at most, in milliseconds: AIP-4117.
const TIMEOUT: std::ops::RangeInclusive<u64> = 5_000..=120_000;
/// How long an impersonated token may live, in seconds. IAM gives up to twelve hours where the organisation allows it; ours
/// live an hour at most. The lower bound is the libraries'.
const LIFETIME: std::ops::RangeInclusive<u64> = 600..=3_600;

/// Where a client library finds the Entra token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A file that something else keeps fresh.
    File {
        /// Its absolute path.
        path: String,
    },
    /// Azure's instance metadata, for virtual machines and what runs on them.
    InstanceMetadata {
        /// The client id of a user-assigned managed identity; without it, the system-assigned one.
        client_id: Option<String>,
    },
    /// A command, such as ours.
    Executable {
        /// The command line.
        command: String,
        /// How long it may run.
        timeout: Duration,
        /// Where it keeps its answer between runs.
        output_file: Option<String>,
    },
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Where the Entra token is found.
    pub source: TokenSource,
    /// The team whose service account is impersonated; without one, the federated principal acts itself.
    pub team: Option<&'a Team>,
    /// How long an impersonated token lives; an hour unless said.
    pub lifetime: Option<Duration>,
}

/// Why a configuration would be refused by Google's libraries, or would not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredConfigError {
    /// Not our kind, or not in the shape.
    #[error("it is no `external_account` configuration: {0}")]
    Shape(String),
    /// A value that the libraries refuse.
    #[error("`{field}` is `{found}`, expected {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// A lifetime for nobody.
    #[error("a lifetime is given but no team; a federated token's lifetime is decided by Google's STS")]
    LifetimeAlone,
}

/// A credential configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredConfig {
    /// `googleapis.com`.
    pub universe_domain: String,
    /// `external_account`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The provider's full resource name.
    pub audience: String,
    /// What kind of token the source gives.
    pub subject_token_type: String,
    /// Google STS.
    pub token_url: String,
    /// Who is impersonated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_impersonation_url: Option<String>,
    /// For how long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_impersonation: Option<Impersonation>,
    /// Where the token is found.
    pub credential_source: Source,
}

/// For how long somebody is impersonated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Impersonation {
    /// Seconds.
    pub token_lifetime_seconds: u64,
}

/// `credential_source`: exactly one of three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// A file.
    File(FileSource),
    /// An address.
    Url(UrlSource),
    /// A command.
    Executable(ExecutableSource),
}

/// A file with the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// Its path.
    pub file: String,
    /// What is in it.
    pub format: Format,
}

/// An address that answers with the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrlSource {
    /// The address.
    pub url: String,
    /// Headers to send.
    pub headers: std::collections::BTreeMap<String, String>,
    /// What the answer is.
    pub format: Format,
}

/// A command that prints the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutableSource {
    /// The command.
    pub executable: Executable,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Executable {
    /// The command line; the libraries split it at white space.
    pub command: String,
    /// How long it may run.
    pub timeout_millis: u64,
    /// Where it keeps its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_file: Option<String>,
}

/// Text, or JSON with the token in a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Format {
    /// The token alone.
    Text,
    /// A JSON object.
    Json {
        /// The field that holds the token.
        subject_token_field_name: String,
    },
}

impl CredConfig {
    /// The configuration that is wanted for `bridge`.
    pub fn of(bridge: &Bridge, wanted: &Wanted<'_>) -> Result<Self, CredConfigError> {
        let endpoints = &bridge.endpoints;
        let address = |given: &Option<String>, public: &str| {
            given.as_deref().unwrap_or(public).trim_end_matches('/').to_owned()
        };
        if wanted.lifetime.is_some() && wanted.team.is_none() {
            return Err(CredConfigError::LifetimeAlone);
        }
        let iam_credentials = address(&endpoints.iam_credentials, "https://iamcredentials.googleapis.com");
        let config = Self {
            universe_domain: UNIVERSE.to_owned(),
            kind: KIND.to_owned(),
            audience: bridge.provider_name(&bridge.google.project_number),
            subject_token_type: TOKEN_TYPE.to_owned(),
            token_url: format!("{}/v1/token", address(&endpoints.sts, "https://sts.googleapis.com")),
            service_account_impersonation_url: wanted.team.map(|team| {
                let account = bridge.service_account_email(&team.name);
                format!("{iam_credentials}/v1/projects/-/serviceAccounts/{account}:generateAccessToken")
            }),
            service_account_impersonation: wanted
                .lifetime
                .map(|life| Impersonation { token_lifetime_seconds: life.as_secs() }),
            credential_source: Source::of(bridge, &wanted.source),
        };
        config.check()?;
        Ok(config)
    }

    /// Reads a configuration, strictly: what we would not write is refused.
    pub fn parse(text: &str) -> Result<Self, CredConfigError> {
        let config: Self =
            serde_json::from_str(text).map_err(|error| CredConfigError::Shape(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), CredConfigError> {
        let is = |field: &'static str, found: &str, expected: &'static str| {
            if found == expected { Ok(()) } else { Err(value(field, found, expected)) }
        };
        is("type", &self.kind, KIND)?;
        is("universe_domain", &self.universe_domain, UNIVERSE)?;
        is("subject_token_type", &self.subject_token_type, TOKEN_TYPE)?;
        if !self.audience.starts_with("//iam.googleapis.com/projects/") {
            return Err(value("audience", &self.audience, "a provider's full resource name"));
        }
        if let Some(Impersonation { token_lifetime_seconds }) = &self.service_account_impersonation {
            if self.service_account_impersonation_url.is_none() {
                return Err(CredConfigError::LifetimeAlone);
            }
            if !LIFETIME.contains(token_lifetime_seconds) {
                let found = token_lifetime_seconds.to_string();
                return Err(value("token_lifetime_seconds", &found, "600 to 3600 (10m to 1h)"));
            }
        }
        self.credential_source.check()
    }
}

impl Source {
    fn of(bridge: &Bridge, source: &TokenSource) -> Self {
        match source {
            TokenSource::File { path } => Self::File(FileSource { file: path.clone(), format: Format::Text }),
            TokenSource::InstanceMetadata { client_id } => {
                let mut url = format!("{INSTANCE_METADATA}&resource={}", bridge.identifier_uri());
                if let Some(client_id) = client_id {
                    url.push_str("&client_id=");
                    url.push_str(client_id);
                }
                let headers = [("Metadata".to_owned(), "True".to_owned())].into();
                let subject_token_field_name = "access_token".to_owned();
                Self::Url(UrlSource { url, headers, format: Format::Json { subject_token_field_name } })
            }
            TokenSource::Executable { command, timeout, output_file } => {
                let timeout_millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                let executable =
                    Executable { command: command.clone(), timeout_millis, output_file: output_file.clone() };
                Self::Executable(ExecutableSource { executable })
            }
        }
    }

    fn check(&self) -> Result<(), CredConfigError> {
        let absolute = |field: &'static str, path: &str| {
            let expected = "an absolute path: libraries run in any folder";
            if path.starts_with('/') { Ok(()) } else { Err(value(field, path, expected)) }
        };
        match self {
            Self::File(FileSource { file, .. }) => absolute("file", file),
            Self::Url(UrlSource { url, .. }) => check_client_id(url),
            Self::Executable(ExecutableSource { executable }) => {
                absolute("command", &executable.command)?;
                if let Some(file) = &executable.output_file {
                    absolute("output_file", file)?;
                }
                if TIMEOUT.contains(&executable.timeout_millis) {
                    return Ok(());
                }
                let found = executable.timeout_millis.to_string();
                Err(value("timeout_millis", &found, "5000 to 120000 (5s to 120s)"))
            }
        }
    }
}

/// A client id is a GUID; anything else would change the address.
fn check_client_id(url: &str) -> Result<(), CredConfigError> {
    let Some((_, client_id)) = url.split_once("&client_id=") else { return Ok(()) };
    let guid = client_id.len() == 36 && client_id.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
    if guid { Ok(()) } else { Err(value("client_id", client_id, "a GUID")) }
}

fn value(field: &'static str, found: &str, expected: &'static str) -> CredConfigError {
    CredConfigError::Value { field, found: found.to_owned(), expected }
}

/// A command line of `words`; one with white space in it could not be taken apart again.
pub fn command_line(words: &[&str]) -> Result<String, CredConfigError> {
    match words.iter().find(|word| word.is_empty() || word.contains(char::is_whitespace)) {
        Some(word) => Err(value("command", word, "no white space: the libraries split the command there")),
        None => Ok(words.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn bridge() -> Bridge {
        let text = include_str!("../../cli/tests/bridge.yaml");
        crate::file::parse("bridge.yaml", text).unwrap()
    }

    fn executable(timeout: u64) -> TokenSource {
        TokenSource::Executable {
            command: command_line(&["/usr/bin/gangplank", "token", "google"]).unwrap(),
            timeout: Duration::from_millis(timeout),
            output_file: Some("/run/token.json".to_owned()),
        }
    }

    fn sources() -> [TokenSource; 4] {
        let client_id = "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01".to_owned();
        [
            TokenSource::File { path: "/run/entra.token".to_owned() },
            TokenSource::InstanceMetadata { client_id: None },
            TokenSource::InstanceMetadata { client_id: Some(client_id) },
            executable(30_000),
        ]
    }

    #[test]
    fn whatever_is_written_is_read_again() {
        let bridge = bridge();
        for source in sources() {
            for (team, lifetime) in [
                (None, None),
                (bridge.team("oncology"), None),
                (bridge.team("oncology"), Some(Duration::from_mins(15))),
            ] {
                let config =
                    CredConfig::of(&bridge, &Wanted { source: source.clone(), team, lifetime }).unwrap();
                let text = serde_json::to_string_pretty(&config).unwrap();
                assert_eq!(CredConfig::parse(&text).as_ref(), Ok(&config), "{text}");
            }
        }
    }

    #[test]
    fn instance_metadata_is_asked_for_the_bridges_application() {
        let bridge = bridge();
        let [_, source, assigned, _] = sources();
        let wanted =
            |source| Wanted { source, team: bridge.team("cellar"), lifetime: Some(Duration::from_mins(15)) };
        let found = serde_json::to_value(CredConfig::of(&bridge, &wanted(source)).unwrap()).unwrap();
        let pool =
            "//iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank";
        assert_eq!(
            found,
            json!({
                "universe_domain": "googleapis.com",
                "type": "external_account",
                "audience": format!("{pool}/providers/entra"),
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/gp-cellar@harbour-sandbox.iam.gserviceaccount.com:generateAccessToken",
                "service_account_impersonation": { "token_lifetime_seconds": 900 },
                "credential_source": {
                    "url": "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api://0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10/gangplank-bridge",
                    "headers": { "Metadata": "True" },
                    "format": { "type": "json", "subject_token_field_name": "access_token" },
                },
            })
        );
        let url = serde_json::to_value(CredConfig::of(&bridge, &wanted(assigned)).unwrap()).unwrap();
        let url = url.pointer("/credential_source/url").and_then(Value::as_str).unwrap();
        assert!(url.ends_with("&client_id=a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01"), "{url}");
    }

    #[test]
    fn what_google_refuses_is_refused() {
        let bridge = bridge();
        let team = bridge.team("cellar");
        let [file, ..] = sources();
        let minutes = |minutes| Some(Duration::from_mins(minutes));
        let metadata =
            |client_id: &str| TokenSource::InstanceMetadata { client_id: Some(client_id.to_owned()) };
        for (source, team, lifetime, expected) in [
            (file.clone(), None, minutes(15), "no team"),
            (file.clone(), team, minutes(5), "token_lifetime_seconds"),
            (file.clone(), team, minutes(120), "token_lifetime_seconds"),
            (executable(4_999), None, None, "timeout_millis"),
            (executable(120_001), None, None, "timeout_millis"),
            (TokenSource::File { path: "entra.token".to_owned() }, None, None, "absolute"),
            (metadata("me&resource=other"), None, None, "client_id"),
        ] {
            let refused =
                CredConfig::of(&bridge, &Wanted { source, team, lifetime }).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
        for words in [&["/a b/gangplank"][..], &["/gangplank", ""], &["/gangplank", "a\tb"]] {
            assert!(command_line(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_parser_is_strict() {
        let bridge = bridge();
        let [source, ..] = sources();
        let good = CredConfig::of(&bridge, &Wanted { source, team: None, lifetime: None }).unwrap();
        let good = serde_json::to_value(good).unwrap();
        let spoil: [&dyn Fn(&mut Value); 7] = [
            &|it| it["type"] = "authorized_user".into(),
            &|it| it["client_secret"] = "s".into(),
            &|it| it["audience"] = "api://app".into(),
            &|it| it["subject_token_type"] = "urn:ietf:params:oauth:token-type:saml2".into(),
            &|it| it["credential_source"]["url"] = "http://x".into(),
            &|it| it["credential_source"]["format"] = json!({"type": "json"}),
            &|it| it["service_account_impersonation"] = json!({"token_lifetime_seconds": 900}),
        ];
        for (index, spoil) in spoil.into_iter().enumerate() {
            let mut bad = good.clone();
            spoil(&mut bad);
            assert!(CredConfig::parse(&bad.to_string()).is_err(), "{index}: {bad}");
        }
    }
}
