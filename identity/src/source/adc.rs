//! An administrator's own Google log-in: application-default credentials, through Google's library.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, CacheableResource, Credentials, CredentialsProvider, EntityTag, external_account,
    impersonated, service_account, user_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, HeaderValue};
use serde_json::Value;

use crate::answer::words;
use crate::bearer::{Bearer, HeaderSource};
use crate::environment::Environment;
use crate::error::TokenError;
use crate::http::with_causes;
use crate::{CLOUD_PLATFORM, USERINFO_EMAIL};

const FILE_VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// Names the project that is charged and whose quota counts, before the one in the file. Some services refuse a user's
/// log-in that names none: <https://docs.cloud.google.com/docs/authentication/troubleshoot-adc>.
const QUOTA_PROJECT: &str = "GOOGLE_CLOUD_QUOTA_PROJECT";
const WELL_KNOWN: &str = ".config/gcloud/application_default_credentials.json";

/// Why there is no Google log-in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdcError {
    /// No file.
    #[error(
        "no Google log-in found: `GOOGLE_APPLICATION_CREDENTIALS` is not set and {looked_at}; \
         run `gcloud auth application-default login`"
    )]
    NothingFound {
        /// What was looked at besides the variable.
        looked_at: String,
    },
    /// A file that cannot be read.
    #[error("cannot read the Google log-in `{file}`: {problem}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        problem: String,
    },
    /// A file that is no log-in.
    #[error("`{file}` is no Google log-in: {problem}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The log-in was refused.
    #[error(
        "Google refused the log-in in `{file}`: {}{description}; run `gcloud auth application-default login`",
        .error.as_ref().map(|error| format!("{error}: ")).unwrap_or_default()
    )]
    Refused {
        /// The file.
        file: String,
        /// HTTP status, where there was an answer.
        status: Option<u16>,
        /// `invalid_grant`, …
        error: Option<String>,
        /// The service's own words.
        description: String,
    },
    /// No answer.
    #[error("cannot reach Google to use the log-in in `{file}`: {problem}")]
    Unreachable {
        /// The file.
        file: String,
        /// Why.
        problem: String,
    },
}

impl AdcError {
    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => *status,
            _ => None,
        }
    }
}

/// An administrator's Google log-in.
#[derive(Debug, Clone)]
pub struct Administrator {
    /// For Google's client libraries.
    pub credentials: Credentials,
    /// For everything else.
    pub bearer: Bearer,
    /// `authorized_user`, `service_account`, `external_account`, `impersonated_service_account`.
    pub kind: String,
    /// The file it came from.
    pub file: PathBuf,
}

impl Administrator {
    /// Whether the file holds a key that never expires: worth a warning, since this product exists to remove them.
    pub fn is_long_lived_key(&self) -> bool {
        self.kind == "service_account"
    }
}

/// Finds and opens the application-default credentials. Must be called inside a Tokio runtime: Google's library keeps
/// its tokens fresh in a task of its own.
pub fn administrator_google(environment: &Environment) -> Result<Administrator, AdcError> {
    let file = find(environment)?;
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(&file)
        .map_err(|error| AdcError::Unreadable { file: shown.clone(), problem: error.to_string() })?;
    let malformed = |problem: String| AdcError::Malformed { file: shown.clone(), problem };
    // The parser's own message could quote the file, which holds a refresh token or a key.
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| malformed(format!("no JSON (line {}, column {})", error.line(), error.column())))?;
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let json = charged(json, environment.get(QUOTA_PROJECT));
    let inner = open(&kind, json).map_err(malformed)?;
    let login = Arc::new(Login { inner, file: shown });
    let bearer = Bearer::new(login.clone(), format!("application-default credentials ({kind})"));
    Ok(Administrator { credentials: Credentials::from(ForLibraries(login)), bearer, kind, file })
}

fn find(environment: &Environment) -> Result<PathBuf, AdcError> {
    if let Some(file) = environment.get(FILE_VARIABLE) {
        return Ok(PathBuf::from(file));
    }
    let nothing = |looked_at: String| AdcError::NothingFound { looked_at };
    let home = environment.get("HOME").ok_or_else(|| nothing("`HOME` is not set either".to_owned()))?;
    let file = Path::new(home).join(WELL_KNOWN);
    if file.is_file() { Ok(file) } else { Err(nothing(format!("`{}` does not exist", file.display()))) }
}

fn charged(mut json: Value, project: Option<&str>) -> Value {
    if let (Some(file), Some(project)) = (json.as_object_mut(), project) {
        file.insert("quota_project_id".to_owned(), project.into());
    }
    json
}

fn open(kind: &str, json: Value) -> Result<AccessTokenCredentials, String> {
    let scopes = [CLOUD_PLATFORM, USERINFO_EMAIL];
    let built = match kind {
        // No scopes: a user's refresh token gives those that were agreed to at log-in, and refuses to be asked for others.
        "authorized_user" => user_account::Builder::new(json).build_access_token_credentials(),
        "service_account" => service_account::Builder::new(json)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes(scopes))
            .build_access_token_credentials(),
        "external_account" => {
            external_account::Builder::new(json).with_scopes(scopes).build_access_token_credentials()
        }
        "impersonated_service_account" => {
            impersonated::Builder::new(json).with_scopes(scopes).build_access_token_credentials()
        }
        "" => return Err("no `type` in it".to_owned()),
        other => {
            return Err(format!(
                "its `type` is `{other}`; expected `authorized_user`, `external_account`, \
                 `impersonated_service_account` or `service_account`"
            ));
        }
    };
    built.map_err(|error| words(&with_causes(&error)))
}

/// The library's credentials, with its errors taken apart.
#[derive(Debug)]
struct Login {
    inner: AccessTokenCredentials,
    file: String,
}

impl Login {
    async fn headers(&self) -> Result<HeaderMap, AdcError> {
        let failed = |error: &CredentialsError| typed(&self.file, error);
        match self.inner.headers(Extensions::new()).await.map_err(|error| failed(&error))? {
            CacheableResource::New { mut data, .. } => {
                if let Some(header) = data.get_mut(AUTHORIZATION) {
                    header.set_sensitive(true);
                }
                Ok(data)
            }
            CacheableResource::NotModified => Err(AdcError::Refused {
                file: self.file.clone(),
                status: None,
                error: None,
                description: "the library gave no token".to_owned(),
            }),
        }
    }
}

#[async_trait]
impl HeaderSource for Login {
    async fn header(&self) -> Result<HeaderValue, TokenError> {
        let headers = self.headers().await?;
        Ok(headers.get(AUTHORIZATION).cloned().unwrap_or_else(|| HeaderValue::from_static("")))
    }

    async fn renew(&self) {}
}

/// The log-in for Google's libraries: besides the token, the project that is charged.
#[derive(Debug)]
struct ForLibraries(Arc<Login>);

impl CredentialsProvider for ForLibraries {
    async fn headers(&self, _: Extensions) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        let data = self.0.headers().await.map_err(|error| {
            let error = TokenError::from(error);
            let (transient, message) = (error.is_transient(), error.to_string());
            CredentialsError::new(transient, message, error)
        })?;
        Ok(CacheableResource::New { entity_tag: EntityTag::new(), data })
    }

    async fn universe_domain(&self) -> Option<String> {
        CredentialsProvider::universe_domain(&self.0.inner).await
    }
}

/// The library puts the whole answer of the token endpoint into its text; only the documented fields leave here.
fn typed(file: &str, error: &CredentialsError) -> AdcError {
    let file = file.to_owned();
    let text = with_causes(error);
    let status = find_status(error);
    let body = text.split_once("body=<").and_then(|(_, rest)| rest.split_once('>').map(|(body, _)| body));
    let body: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
    let field = |name: &str| body.as_ref()?.get(name)?.as_str().map(words);
    if status.is_none() && error.is_transient() {
        return AdcError::Unreachable {
            file,
            problem: words(text.split("body=<").next().unwrap_or_default()),
        };
    }
    let description = field("error_description")
        .or_else(|| status.map(|status| format!("HTTP status {status}")))
        .unwrap_or_else(|| "the answer is no token".to_owned());
    AdcError::Refused { file, status, error: field("error"), description }
}

fn find_status(error: &CredentialsError) -> Option<u16> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<reqwest::Error>().and_then(reqwest::Error::status) {
            return Some(found.as_u16());
        }
        cause = error.source();
    }
    None
}
