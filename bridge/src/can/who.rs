//! WHO: somebody the bridge declares, or a principal as one of the services writes it.

use serde::Serialize;
use trust::principal::{Caller, Principal};
use trust::provider::Mapped;
use trust::rbac::{groups_of, service_account_user};

use super::Unclear;
use super::wish::joined;
use crate::inventory::Facts;
use crate::spec::{Bridge, Identity, Team, Who as Declared, Workload};

/// Who is asked about, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    typed: String,
    /// Whoever the word stands for, where evidence tells.
    known: Option<Caller>,
}

/// Somebody, as each of the services knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// In the words of whoever asked.
    pub name: String,
    /// On Google's side; none if Google does not know them.
    #[serde(skip)]
    pub google: Option<Caller>,
    /// User name in the cluster, if they log in there otherwise than by Google.
    pub kubernetes: Option<String>,
    /// Object ids in Entra.
    pub entra: Vec<String>,
    /// What the name does not tell and the answer leaves out.
    pub notes: Vec<String>,
}

impl Actor {
    pub(super) fn google(name: String, caller: Caller) -> Self {
        Self { name, google: Some(caller), kubernetes: None, entra: Vec::new(), notes: Vec::new() }
    }

    /// As the services call them.
    pub(super) fn described(&self) -> String {
        let google = self.google.as_ref().map(Caller::principal_string);
        let entra = self.entra.first().map(|id| format!("object `{id}` in Entra"));
        let known = google.or_else(|| self.kubernetes.clone()).or(entra);
        known.unwrap_or_else(|| self.name.clone())
    }

    /// User name and groups in the cluster.
    pub(super) fn kubernetes_user(&self) -> Option<(String, Vec<String>)> {
        let by_google = || self.google.as_ref().map(Caller::kubernetes_user);
        let user = self.kubernetes.clone().or_else(by_google)?;
        let groups = groups_of(&user);
        Some((user, groups))
    }
}

impl Who {
    /// What was typed.
    pub fn new(typed: &str) -> Self {
        Self { typed: typed.to_owned(), known: None }
    }

    /// Somebody whom evidence shows.
    pub fn known(typed: &str, caller: Caller) -> Self {
        Self { typed: typed.to_owned(), known: Some(caller) }
    }

    /// Who that is. `facts` tell the ids of declared principals; a declared person is meant by her log-in name.
    pub fn resolve(&self, bridge: &Bridge, facts: Option<&Facts>) -> Result<Actor, Unclear> {
        let typed = self.typed.as_str();
        if let Some(caller) = &self.known {
            return Ok(Actor::google(typed.to_owned(), caller.clone()));
        }
        if let Some(account) = typed.strip_prefix("system:serviceaccount:") {
            let (namespace, name) =
                account.split_once(':').filter(|(a, b)| !a.is_empty() && !b.is_empty()).ok_or_else(|| {
                    self.unclear(
                        "it names no service account of the cluster",
                        "write `system:serviceaccount:NAMESPACE:NAME`",
                    )
                })?;
            return Ok(pod(typed, bridge, namespace, name));
        }
        if typed.starts_with("system:") {
            let actor = Actor { kubernetes: Some(typed.to_owned()), ..nobody(typed) };
            return Ok(actor);
        }
        if is_guid(typed) {
            return Ok(entra(typed, bridge, facts, &typed.to_ascii_lowercase()));
        }
        if typed.contains(':') {
            return self.principal(bridge);
        }
        let person = || facts.and_then(|facts| facts.principals.get(&typed.to_ascii_lowercase()));
        if let Some(person) = person().filter(|it| it.principal_type == "User") {
            return Ok(entra(typed, bridge, facts, &person.object_id));
        }
        if typed.contains('@') {
            let account = typed.ends_with(".gserviceaccount.com");
            let caller = if account { Caller::ServiceAccount } else { Caller::User };
            return Ok(Actor::google(typed.to_owned(), caller(typed.to_owned())));
        }
        self.declared(bridge, facts)
    }

    /// A member of an IAM policy.
    fn principal(&self, bridge: &Bridge) -> Result<Actor, Unclear> {
        let hint = "write a member as IAM does, with the project's number in pools";
        let principal: Principal =
            self.typed.parse().map_err(|problem: trust::principal::ParsePrincipalError| {
                self.unclear(&problem.to_string(), hint)
            })?;
        let name = self.typed.clone();
        let google = |caller| Ok(Actor::google(name.clone(), caller));
        let from_pool = |pool: String, mapped: Mapped, note: &str| {
            let caller = Caller::Federated { pool_resource: pool, mapped };
            Ok(Actor { notes: vec![note.to_owned()], ..Actor::google(name.clone(), caller) })
        };
        match principal {
            Principal::User(email) => google(Caller::User(email)),
            Principal::ServiceAccount(email) => google(Caller::ServiceAccount(email)),
            Principal::KubernetesServiceAccount { namespace, name, .. } => {
                Ok(pod(&self.typed, bridge, &namespace, &name))
            }
            Principal::Subject { pool, subject } => {
                let note = "its groups and attributes are not in the name: grants to those are left out";
                from_pool(pool, Mapped { subject, ..Mapped::default() }, note)
            }
            Principal::FederatedGroup { pool, group } => {
                let note = "grants to single members of the group are left out";
                from_pool(pool, Mapped { groups: vec![group], ..Mapped::default() }, note)
            }
            Principal::Attribute { pool, name, value } => {
                let attributes = [(name, value)].into();
                from_pool(
                    pool,
                    Mapped { attributes, ..Mapped::default() },
                    "grants to single holders are left out",
                )
            }
            Principal::Pool { pool } => {
                from_pool(pool, Mapped::default(), "grants to parts of the pool are left out")
            }
            Principal::Group(_)
            | Principal::Domain(_)
            | Principal::Namespace { .. }
            | Principal::Cluster { .. }
            | Principal::Deleted(_)
            | Principal::AllUsers
            | Principal::AllAuthenticatedUsers => {
                Err(self.unclear("it is nobody in particular", "name somebody who asks, not a set of them"))
            }
        }
    }

    /// Somebody the bridge declares; a prefix says what, where two have one name.
    fn declared(&self, bridge: &Bridge, facts: Option<&Facts>) -> Result<Actor, Unclear> {
        let (kind, name) =
            self.typed.split_once('/').map_or((None, self.typed.as_str()), |(kind, name)| (Some(kind), name));
        let is = |wanted: &str| kind.is_none_or(|kind| kind == wanted);
        let identities = bridge.identities.iter().filter(|identity| is("caller") && identity.name == name);
        let mut found: Vec<Actor> =
            identities.map(|identity| caller(&self.typed, bridge, facts, identity)).collect();
        found.extend(bridge.team(name).filter(|_| is("team")).map(|it| team(&self.typed, bridge, it)));
        found.extend(
            bridge
                .workload(name)
                .filter(|_| is("workload"))
                .and_then(|it| workload(&self.typed, bridge, facts, it)),
        );
        match (found.pop(), found.is_empty()) {
            (Some(actor), true) => Ok(actor),
            (Some(_), false) => Err(self.unclear(
                "several are called so",
                &format!("say which: `caller/{name}`, `team/{name}` or `workload/{name}`"),
            )),
            (None, _) => Err(self.unclear("the bridge file declares nobody of that name", &known(bridge))),
        }
    }

    fn unclear(&self, problem: &str, hint: &str) -> Unclear {
        let problem = if problem.contains(&self.typed) {
            problem.to_owned()
        } else {
            format!("who is `{}`: {problem}", self.typed)
        };
        Unclear { problem, hint: hint.to_owned() }
    }
}

fn known(bridge: &Bridge) -> String {
    let callers = joined(bridge.identities.iter().map(|it| it.name.as_str()));
    let teams = joined(bridge.teams.iter().map(|it| it.name.as_str()));
    let workloads = joined(bridge.workloads.iter().map(|it| it.name.as_str()));
    format!(
        "callers: {callers}; teams: {teams}; workloads: {workloads}; or a principal: `principal://…`, `serviceAccount:…`, \
         `system:serviceaccount:NAMESPACE:NAME`, an object id of Entra"
    )
}

fn nobody(name: &str) -> Actor {
    Actor { name: name.to_owned(), google: None, kubernetes: None, entra: Vec::new(), notes: Vec::new() }
}

fn pool(bridge: &Bridge, id: &str) -> String {
    format!("projects/{}/locations/global/workloadIdentityPools/{id}", bridge.google.project_number)
}

/// A pod of the cluster: the API server's service account, and a principal of the project's own pool.
fn pod(name: &str, bridge: &Bridge, namespace: &str, account: &str) -> Actor {
    let mapped = Mapped { subject: format!("ns/{namespace}/sa/{account}"), ..Mapped::default() };
    let pool_resource = pool(bridge, &format!("{}.svc.id.goog", bridge.google.project));
    Actor {
        google: Some(Caller::Federated { pool_resource, mapped }),
        kubernetes: Some(service_account_user(namespace, account)),
        ..nobody(name)
    }
}

fn team(name: &str, bridge: &Bridge, team: &Team) -> Actor {
    Actor::google(name.to_owned(), Caller::ServiceAccount(bridge.service_account_email(&team.name)))
}

/// A workload is its pods, and the managed identity that holds its credential.
fn workload(name: &str, bridge: &Bridge, facts: Option<&Facts>, workload: &Workload) -> Option<Actor> {
    let team = bridge.team(&workload.team)?;
    let mut actor = pod(name, bridge, &team.namespace, &workload.service_account);
    let shards = facts.into_iter().flat_map(|facts| facts.shards.values());
    let own = shards.filter(|shard| shard.credentials.contains(&workload.name));
    actor.entra = own.map(|shard| shard.principal_id.clone()).collect();
    if actor.entra.is_empty() {
        actor.notes.push("no managed identity holds its credential".to_owned());
    }
    Some(actor)
}

/// A caller that the bridge declares.
fn caller(name: &str, bridge: &Bridge, facts: Option<&Facts>, identity: &Identity) -> Actor {
    let object =
        |id: &String| facts.and_then(|facts| facts.principals.get(id)).map(|it| it.object_id.clone());
    match &identity.who {
        Declared::ServicePrincipal(client) => {
            if let Some(id) = object(client) {
                return entra(name, bridge, facts, &id);
            }
            let note =
                format!("the object id of client `{client}` is not known: grants to it alone are left out");
            Actor { notes: vec![note], ..federated(name, bridge, String::new(), roles_of(bridge, client)) }
        }
        Declared::ManagedIdentity(id) => entra(name, bridge, facts, id),
        Declared::AppRole { role, members, people, groups } => {
            let note =
                "any holder of the role is asked about: grants to single holders are left out".to_owned();
            let entra = [members, people, groups].into_iter().flatten().filter_map(object).collect();
            Actor { notes: vec![note], entra, ..federated(name, bridge, String::new(), vec![role.clone()]) }
        }
        Declared::Group { id, .. } => {
            let note =
                "any member of the group is asked about: grants to single members are left out".to_owned();
            let entra = vec![id.clone()];
            Actor { notes: vec![note], entra, ..federated(name, bridge, String::new(), vec![id.clone()]) }
        }
    }
}

/// Somebody by object id. The roles that the bridge gives them are in their tokens.
fn entra(name: &str, bridge: &Bridge, facts: Option<&Facts>, object_id: &str) -> Actor {
    let mut known = facts.into_iter().flat_map(|facts| &facts.principals);
    let known = known.find(|(_, principal)| principal.object_id == object_id);
    let groups = known.map(|(named, _)| roles_of(bridge, named)).unwrap_or_default();
    let mut notes =
        vec!["groups of Entra that it is in are not known: grants to those are left out".to_owned()];
    let mut subject = object_id.to_owned();
    if known.is_some_and(|(_, principal)| principal.principal_type == "User") {
        // `sub` of a person's token is made for the one application.
        subject.clear();
        notes.push("a person's subject is in her tokens alone: grants to it are left out".to_owned());
    }
    let entra = vec![object_id.to_owned()];
    Actor { entra, notes, ..federated(name, bridge, subject, groups) }
}

fn federated(name: &str, bridge: &Bridge, subject: String, groups: Vec<String>) -> Actor {
    let mapped = Mapped { subject, groups, ..Mapped::default() };
    Actor::google(
        name.to_owned(),
        Caller::Federated { pool_resource: pool(bridge, &bridge.federation.pool), mapped },
    )
}

/// The app roles that the bridge gives to whom it names so.
fn roles_of(bridge: &Bridge, named: &str) -> Vec<String> {
    let roles = bridge.identities.iter().filter_map(|identity| match &identity.who {
        Declared::AppRole { role, members, people, .. } => {
            members.iter().chain(people).any(|one| one == named).then(|| role.clone())
        }
        _ => None,
    });
    roles.collect()
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
