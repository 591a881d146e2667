//! VERB WHAT: what somebody wants, in the words of people, as permissions of the services.

use std::fmt;

use trust::rbac::{Attributes, api_groups_of};

use super::Unclear;
use super::google::{IMPERSONATE, PULL, PUSH};
use crate::convention::service_account_id;
use crate::resource::GrantTarget;
use crate::spec::Bridge;

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Permissions on something of Google's, all of them.
    Google {
        /// `artifactregistry.repositories.uploadArtifacts`, ….
        permissions: Vec<String>,
        /// On what.
        target: GrantTarget,
    },
    /// A request to the cluster; user and groups are not set yet.
    Kubernetes(Box<Attributes>),
    /// To read the workspace's models and their files.
    ReadModels,
}

impl Wish {
    /// Understands VERB WHAT. `namespace` and `name` are for requests to the cluster.
    pub fn parse(
        bridge: &Bridge,
        verb: &str,
        what: &str,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<Self, Unclear> {
        let (kind, rest) = what.split_once('/').map_or((what, None), |(kind, rest)| (kind, Some(rest)));
        let wish = match (verb, kind) {
            ("read-models", "workspace") => read_models(bridge, rest)?,
            ("push", "repository") => google(&[PULL, PUSH], repository(bridge, rest)?),
            ("pull", "repository") => google(&[PULL], repository(bridge, rest)?),
            ("impersonate", "serviceAccount" | "team") => {
                google(&[IMPERSONATE], account(bridge, kind, rest)?)
            }
            _ if is_permission(verb) => google(&[verb], target(bridge, kind, rest)?),
            ("push" | "pull" | "read-models", _) | (_, "repository" | "serviceAccount" | "workspace") => {
                return Err(no_such_wish(verb, what));
            }
            _ => return kubernetes(verb, what, namespace, name),
        };
        if namespace.is_some() || name.is_some() {
            return Err(Unclear {
                problem: format!(
                    "`{verb} {what}` is no request to the cluster, so it has no namespace or name"
                ),
                hint: "leave `--namespace` and `--name` out".to_owned(),
            });
        }
        Ok(wish)
    }
}

fn google(permissions: &[&str], target: GrantTarget) -> Wish {
    Wish::Google { permissions: permissions.iter().map(|it| (*it).to_owned()).collect(), target }
}

fn no_such_wish(verb: &str, what: &str) -> Unclear {
    Unclear {
        problem: format!("`{verb} {what}` is nothing that anybody could do"),
        hint: "try `push repository/ID`, `pull repository/ID`, `impersonate team/NAME`, `read-models workspace`, a verb and a \
               resource of the cluster (`create deployments -n NAMESPACE`), or a permission of Google's on \
               `repository/ID`, `serviceAccount/ID` or `project`"
            .to_owned(),
    }
}

fn read_models(bridge: &Bridge, named: Option<&str>) -> Result<Wish, Unclear> {
    match named {
        Some(name) if name != bridge.azure.workspace => Err(Unclear {
            problem: format!("workspace `{name}` is not the bridge's"),
            hint: format!("the bridge's is `workspace/{}`", bridge.azure.workspace),
        }),
        Some(_) | None => Ok(Wish::ReadModels),
    }
}

/// `artifactregistry.repositories.get` has two dots; verbs of Kubernetes have none.
fn is_permission(verb: &str) -> bool {
    verb.split('.').count() >= 3 && verb.split('.').all(|part| !part.is_empty())
}

fn target(bridge: &Bridge, kind: &str, named: Option<&str>) -> Result<GrantTarget, Unclear> {
    match kind {
        "repository" => repository(bridge, named),
        "serviceAccount" | "team" => account(bridge, kind, named),
        "project" if named.is_none_or(|name| name == bridge.google.project) => Ok(GrantTarget::Project),
        _ => Err(Unclear {
            problem: format!("`{kind}` is no resource that a permission could be asked about"),
            hint: format!(
                "name `project` (`{}`), `repository/ID`, `serviceAccount/ID` or `team/NAME`",
                bridge.google.project
            ),
        }),
    }
}

fn repository(bridge: &Bridge, named: Option<&str>) -> Result<GrantTarget, Unclear> {
    let id = named.unwrap_or(&bridge.google.repository);
    if id.is_empty() || id.contains('/') {
        return Err(Unclear {
            problem: format!("`repository/{id}` names no repository"),
            hint: format!(
                "name one of project `{}` by its id, `repository/{}`",
                bridge.google.project, bridge.google.repository
            ),
        });
    }
    Ok(GrantTarget::Repository(id.to_owned()))
}

fn account(bridge: &Bridge, kind: &str, named: Option<&str>) -> Result<GrantTarget, Unclear> {
    let named = named.unwrap_or_default();
    let own = format!("@{}.iam.gserviceaccount.com", bridge.google.project);
    let id = named.strip_suffix(&own).unwrap_or(named);
    if kind == "team" {
        return match bridge.team(named) {
            Some(team) => Ok(GrantTarget::ServiceAccount(service_account_id(&team.name))),
            None => Err(Unclear {
                problem: format!("the bridge file has no team `{named}`"),
                hint: format!(
                    "the teams are: {}",
                    joined(bridge.teams.iter().map(|team| team.name.as_str()))
                ),
            }),
        };
    }
    if id.is_empty() || id.contains(['@', '/']) {
        return Err(Unclear {
            problem: format!("`{named}` is no service account of project `{}`", bridge.google.project),
            hint: format!("name it by its id, `serviceAccount/gp-TEAM`, or by `ID{own}`"),
        });
    }
    Ok(GrantTarget::ServiceAccount(id.to_owned()))
}

pub(super) fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// `get pods/log`, `create deployments.apps`, `get /healthz`: a resource in plural, its subresource, its group.
fn kubernetes(verb: &str, what: &str, namespace: Option<&str>, name: Option<&str>) -> Result<Wish, Unclear> {
    let common = Attributes { verb: verb.to_owned(), ..Attributes::default() };
    if what.starts_with('/') {
        let path = Some(what.to_owned());
        return Ok(Wish::Kubernetes(Box::new(Attributes { non_resource_url: path, ..common })));
    }
    let (plain, subresource) = match what.split_once('/') {
        Some((plain, sub)) => (plain, Some(sub)),
        None => (what, None),
    };
    let (resource, group) = match plain.split_once('.') {
        Some((resource, group)) => (resource, group.to_owned()),
        None => (plain, group_of(verb, plain)?),
    };
    // `pods/log.v1` is nothing, but `deployments/scale.apps` and `deployments.apps/scale` are the same.
    let (subresource, group) = match subresource.and_then(|sub| sub.split_once('.')) {
        Some((sub, group)) => (Some(sub), group.to_owned()),
        None => (subresource, group),
    };
    Ok(Wish::Kubernetes(Box::new(Attributes {
        api_group: group,
        resource: resource.to_owned(),
        subresource: subresource.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        ..common
    })))
}

/// The API group of a resource that is named without one.
fn group_of(verb: &str, resource: &str) -> Result<String, Unclear> {
    if resource == "*" {
        return Ok("*".to_owned());
    }
    match api_groups_of(resource).as_slice() {
        [group, ..] => Ok((*group).to_owned()),
        [] => Err(Unclear {
            problem: format!("`{resource}` in `{verb} {resource}` is no resource that is known here"),
            hint: format!(
                "write it in plural and lower case, and one of another API with its group: `{resource}.GROUP`"
            ),
        }),
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Google { permissions, target } => {
                let verb = match permissions.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    [PULL, PUSH] => "push to".to_owned(),
                    [PULL] => "pull from".to_owned(),
                    [IMPERSONATE] => "impersonate".to_owned(),
                    others => format!("use {} on", others.join(" and ")),
                };
                match target {
                    GrantTarget::Project => write!(formatter, "{verb} the project"),
                    GrantTarget::ServiceAccount(id) => write!(formatter, "{verb} service account `{id}`"),
                    GrantTarget::Repository(id) => write!(formatter, "{verb} repository `{id}`"),
                }
            }
            Self::Kubernetes(attributes) => formatter.write_str(&super::kubernetes::described(attributes)),
            Self::ReadModels => formatter.write_str("read the workspace's models"),
        }
    }
}
