//! Teams: an account `gp-TEAM`, a namespace, and what fences it in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{LeftOut, Survey, Trust};
use crate::convention::{BRIDGE_LABEL, TEAM_LABEL, is_workload_account, service_account_id};
use crate::file::{is_reserved_label, is_team_name};
use crate::resource::{GrantTarget, Resource};
use crate::spec::{Quota, Team};

/// The quota of a team, the role of whoever deploys, and who may call.
const QUOTA: &str = "gangplank";
const DEPLOYER: &str = "gangplank-deployer";
const CALLERS: &str = "gangplank-callers";

/// All teams there are, in order of their names.
pub(super) fn teams(survey: &Survey, trust: &Trust, left_out: &mut Vec<LeftOut>) -> Vec<Team> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for id in accounts(survey, trust) {
        match id.strip_prefix("gp-").filter(|name| is_team_name(name)) {
            Some(name) => drop(names.insert(name.to_owned())),
            None => left_out.push(LeftOut::new(
                format!("service account `{id}`, which callers of {} become", trust.title()),
                "the account of a team is called `gp-TEAM`; declare a team, and `apply` makes such an account beside this one",
            )),
        }
    }
    let objects = Objects::of(survey);
    names.extend(objects.named_teams(trust).filter(|name| is_team_name(name)));
    names.into_iter().map(|name| objects.team(survey, trust, name, left_out)).collect()
}

/// The accounts that carry our mark, and those that principals of the pool may become.
fn accounts(survey: &Survey, trust: &Trust) -> BTreeSet<String> {
    let marked = survey.ours(trust).filter_map(|resource| match resource {
        Resource::ServiceAccount(account) => Some(account.id.clone()),
        _ => None,
    });
    let pool = trust.principals(survey);
    let entered = survey.grants().filter_map(|grant| match &grant.target {
        GrantTarget::ServiceAccount(id) if grant.members.iter().any(|member| member.contains(&pool)) => {
            Some(id.clone())
        }
        _ => None,
    });
    marked.chain(entered).filter(|id| !is_workload_account(id)).collect()
}

/// The objects of the cluster.
pub(super) struct Objects<'a>(Vec<&'a Value>);

impl<'a> Objects<'a> {
    pub(super) fn of(survey: &'a Survey) -> Self {
        let objects = survey.seen.iter().filter_map(|seen| match &seen.resource {
            Resource::Kubernetes(object) => Some(&object.object),
            _ => None,
        });
        Self(objects.collect())
    }

    /// Those of one kind in one namespace.
    pub(super) fn within(&self, kind: &'static str, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
        let all = self.0.iter().copied();
        all.filter(move |object| {
            text(object, "/kind") == kind && text(object, "/metadata/namespace") == namespace
        })
    }

    /// All of one kind.
    fn all(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().copied().filter(move |object| text(object, "/kind") == kind)
    }

    /// The teams that namespaces of ours say they are for.
    fn named_teams(&self, trust: &Trust) -> impl Iterator<Item = String> {
        self.all("Namespace")
            .filter(|it| label(it, BRIDGE_LABEL) == trust.name)
            .map(|it| label(it, TEAM_LABEL).to_owned())
    }

    fn team(&self, survey: &Survey, trust: &Trust, name: String, left_out: &mut Vec<LeftOut>) -> Team {
        let namespace = self.namespace(survey, trust, &name, left_out);
        for object in ["ResourceQuota", "NetworkPolicy", "RoleBinding"]
            .iter()
            .flat_map(|kind| self.within(kind, &namespace))
        {
            if label(object, BRIDGE_LABEL) != trust.name {
                let (kind, object) = (text(object, "/kind"), text(object, "/metadata/name"));
                left_out.push(LeftOut::new(
                    format!("{kind} `{object}` in namespace `{namespace}`"),
                    "it is not the bridge's, and stays beside what the bridge makes",
                ));
            }
        }
        Team {
            labels: self.labels(trust, &namespace),
            quota: self.quota(trust, &namespace, left_out),
            callers: self.callers(trust, &namespace),
            models: Vec::new(),
            repository: None,
            name,
            namespace,
        }
    }

    /// The namespace that says it is the team's, or else one where the team's account is bound to a role.
    fn namespace(&self, survey: &Survey, trust: &Trust, team: &str, left_out: &mut Vec<LeftOut>) -> String {
        let labelled = self
            .all("Namespace")
            .find(|it| label(it, BRIDGE_LABEL) == trust.name && label(it, TEAM_LABEL) == team)
            .map(|it| text(it, "/metadata/name").to_owned());
        let email = format!("{}@", service_account_id(team));
        let bound: BTreeSet<&str> = self
            .all("RoleBinding")
            .filter(|it| subjects(it).any(|name| name.starts_with(&email) && !is_elsewhere(survey, name)))
            .map(|it| text(it, "/metadata/namespace"))
            .collect();
        let namespace =
            labelled.or_else(|| bound.first().map(|it| (*it).to_owned())).unwrap_or_else(|| team.to_owned());
        for other in bound.iter().filter(|it| **it != namespace) {
            left_out.push(LeftOut::new(
                format!("the rights of `{}` in namespace `{other}`", service_account_id(team)),
                format!("a team has one namespace, and `{namespace}` is taken to be that of `{team}`"),
            ));
        }
        namespace
    }

    /// The labels that everything of the team carries. Its role has them and no others.
    fn labels(&self, trust: &Trust, namespace: &str) -> BTreeMap<String, String> {
        let role = self.within("Role", namespace).find(|it| text(it, "/metadata/name") == DEPLOYER);
        let whole = self.all("Namespace").find(|it| text(it, "/metadata/name") == namespace);
        let ours = role.or(whole).filter(|it| label(it, BRIDGE_LABEL) == trust.name);
        let labels = ours.and_then(|it| it.pointer("/metadata/labels")?.as_object());
        let own = labels.into_iter().flatten().filter(|(key, _)| !is_reserved_label(key));
        own.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }

    fn quota(&self, trust: &Trust, namespace: &str, left_out: &mut Vec<LeftOut>) -> Option<Quota> {
        let mut all = self.within("ResourceQuota", namespace);
        let ours =
            all.find(|it| text(it, "/metadata/name") == QUOTA && label(it, BRIDGE_LABEL) == trust.name)?;
        let hard = |key: &str| ours.pointer("/spec/hard")?.get(key)?.as_str().map(str::to_owned);
        let quota = || {
            let (cpu, memory) = (hard("requests.cpu")?, hard("requests.memory")?);
            Some(Quota { cpu, memory, pods: hard("pods")?.parse().ok()? })
        };
        let found = quota();
        if found.is_none() {
            left_out.push(LeftOut::new(
                format!("ResourceQuota `{QUOTA}` in namespace `{namespace}`"),
                "a team's quota is `requests.cpu`, `requests.memory` and `pods`",
            ));
        }
        found
    }

    /// Namespaces that are let in as a whole.
    fn callers(&self, trust: &Trust, namespace: &str) -> Vec<String> {
        let mut all = self.within("NetworkPolicy", namespace);
        let ours =
            all.find(|it| text(it, "/metadata/name") == CALLERS && label(it, BRIDGE_LABEL) == trust.name);
        let from = ours.and_then(|it| it.pointer("/spec/ingress/0/from")?.as_array());
        let whole = from.into_iter().flatten().filter(|it| it.get("podSelector").is_none());
        let named = whole.filter_map(|it| {
            it.pointer("/namespaceSelector/matchLabels")?.get("kubernetes.io/metadata.name")?.as_str()
        });
        named.map(str::to_owned).collect()
    }
}

/// Whether an e-mail address is of a project other than the one looked at.
fn is_elsewhere(survey: &Survey, email: &str) -> bool {
    let (_, domain) = email.split_once('@').unwrap_or_default();
    let ours = survey.node_service_account.split_once('@').map_or("", |(_, domain)| domain);
    domain.ends_with(".iam.gserviceaccount.com")
        && ours.ends_with(".iam.gserviceaccount.com")
        && domain != ours
}

fn subjects(binding: &Value) -> impl Iterator<Item = &str> {
    let all = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|it| it.get("name")?.as_str())
}

/// The text at a place, or nothing.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The value of a label, or nothing.
pub(super) fn label<'a>(object: &'a Value, name: &str) -> &'a str {
    let labels = object.pointer("/metadata/labels").and_then(|labels| labels.get(name));
    labels.and_then(Value::as_str).unwrap_or_default()
}
