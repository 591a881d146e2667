//! From a model reference to one model version, for a team that may serve it.

use crate::port::{ModelSource, ModelVersion, PortError, Refused};
use crate::spec::{ModelHome, ModelRef, Team, VersionRef};

/// Why a reference names no version that the team may serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The team's patterns do not admit the model.
    #[error("team `{team}` may not serve model `{model}`; it may serve: {}", listed(patterns))]
    NotTheTeams {
        /// The team.
        team: String,
        /// The model.
        model: String,
        /// What the team may serve.
        patterns: Vec<String>,
    },
    /// The reference names another workspace than the bridge's.
    #[error("`{reference}` is in another workspace than the bridge's, which is `{workspace}`")]
    OtherWorkspace {
        /// The reference.
        reference: String,
        /// The ARM id of the bridge's workspace.
        workspace: String,
    },
    /// The workspace has no such model.
    #[error("no model `{model}` in the workspace; models there: {}", listed(models))]
    NoModel {
        /// The model asked for.
        model: String,
        /// What there is.
        models: Vec<String>,
    },
    /// The model has no such version.
    #[error("model `{model}` has no version `{version}`; versions of `{model}`: {}", listed(versions))]
    NoVersion {
        /// The model.
        model: String,
        /// The version asked for.
        version: String,
        /// What there is.
        versions: Vec<String>,
    },
    /// No version of the model has the tag.
    #[error("no version of model `{model}` has the tag `{tag}={value}`; tags of `{model}`: {}", listed(tags))]
    NoTagged {
        /// The model.
        model: String,
        /// The tag asked for.
        tag: String,
        /// Its value.
        value: String,
        /// The tags there are, as `VERSION: TAG=VALUE`.
        tags: Vec<String>,
    },
    /// Azure ML did not answer.
    #[error(transparent)]
    Source(#[from] PortError),
}

/// Resolves a reference. Asks for exactly what it needs, and for the list of what there is only to say it in an error.
pub async fn resolve<S: ModelSource>(
    reference: &ModelRef,
    team: &Team,
    source: &S,
) -> Result<ModelVersion, ResolveError> {
    admit(&reference.name, team)?;
    let found = find(reference, source).await?;
    match &reference.home {
        ModelHome::NamedWorkspace(workspace) if !is_below(&found.asset_id, workspace) => {
            let (own, _) = found.asset_id.split_once("/models/").unwrap_or((&found.asset_id, ""));
            Err(ResolveError::OtherWorkspace { reference: reference.to_string(), workspace: own.to_owned() })
        }
        _ => Ok(found),
    }
}

/// Whether an ARM id lies below another; services write them in either case.
fn is_below(id: &str, above: &str) -> bool {
    let start = id.get(..above.len()).is_some_and(|start| start.eq_ignore_ascii_case(above));
    start && id.get(above.len()..).is_some_and(|rest| rest.starts_with('/'))
}

async fn find<S: ModelSource>(reference: &ModelRef, source: &S) -> Result<ModelVersion, ResolveError> {
    match &reference.version {
        VersionRef::Exact(version) => exact(&reference.name, version, source).await,
        VersionRef::Latest => {
            let versions = existing(&reference.name, source).await?;
            newest(versions).ok_or_else(|| ResolveError::NoVersion {
                model: reference.name.clone(),
                version: "latest".to_owned(),
                versions: Vec::new(),
            })
        }
        VersionRef::Tagged { tag, value } => tagged(&reference.name, tag, value, source).await,
    }
}

fn admit(model: &str, team: &Team) -> Result<(), ResolveError> {
    if team.may_serve(model) {
        return Ok(());
    }
    Err(ResolveError::NotTheTeams {
        team: team.name.clone(),
        model: model.to_owned(),
        patterns: team.models.clone(),
    })
}

async fn exact<S: ModelSource>(model: &str, version: &str, source: &S) -> Result<ModelVersion, ResolveError> {
    match source.version(model, version).await {
        Ok(found) => Ok(found),
        Err(error) if error.kind == Refused::NotFound => {
            let versions = existing(model, source).await?;
            Err(ResolveError::NoVersion {
                model: model.to_owned(),
                version: version.to_owned(),
                versions: versions.into_iter().map(|it| it.version).collect(),
            })
        }
        Err(error) => Err(error.into()),
    }
}

async fn tagged<S: ModelSource>(
    model: &str,
    tag: &str,
    value: &str,
    source: &S,
) -> Result<ModelVersion, ResolveError> {
    let versions = existing(model, source).await?;
    let (with, without): (Vec<_>, Vec<_>) =
        versions.into_iter().partition(|it| it.tags.get(tag).is_some_and(|found| found == value));
    newest(with).ok_or_else(|| ResolveError::NoTagged {
        model: model.to_owned(),
        tag: tag.to_owned(),
        value: value.to_owned(),
        tags: without
            .iter()
            .flat_map(|it| it.tags.iter().map(|(name, value)| format!("{}: {name}={value}", it.version)))
            .collect(),
    })
}

/// The versions of a model, or the error that lists the models there are.
async fn existing<S: ModelSource>(model: &str, source: &S) -> Result<Vec<ModelVersion>, ResolveError> {
    let versions = match source.versions(model).await {
        Ok(versions) => versions,
        Err(error) if error.kind == Refused::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if versions.is_empty() {
        let models = source.models().await?;
        return Err(ResolveError::NoModel { model: model.to_owned(), models });
    }
    Ok(versions)
}

/// The newest: by number when every version is one, else by the time of registration; the version's text settles ties
/// so that two runs agree.
fn newest(versions: Vec<ModelVersion>) -> Option<ModelVersion> {
    let numbered = versions.iter().all(|it| number(&it.version).is_some());
    versions.into_iter().max_by(|a, b| {
        let order =
            if numbered { number(&a.version).cmp(&number(&b.version)) } else { a.created.cmp(&b.created) };
        order.then_with(|| a.version.cmp(&b.version))
    })
}

fn number(version: &str) -> Option<u128> {
    if version.bytes().all(|byte| byte.is_ascii_digit()) { version.parse().ok() } else { None }
}

/// Names in backticks, or a word for none.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
