//! The doctor's look at the way back: a workload's pods become a managed identity in Azure. What is declared is compared
//! with what both clouds hold, and, inside the pod, with the token that the pod shows.
//!
//! Entra needs minutes to honour a new credential, and refuses a token meanwhile in the very words it has for a wrong one.
//! What tells them apart is the comparison: values that differ stay wrong, values that agree are a matter of time.

use serde::Serialize;
use trust::token::Claims;

use super::Outcome;
use crate::convention::{kubernetes_subject, workload_account_id};
use crate::finding::{Confidence, Finding, cause};
use crate::inventory::{Facts, Inventory};
use crate::plan::{Action, Change, Plan};
use crate::port::PortError;
use crate::resource::{FederatedCredential, Resource, ResourceKey, role_key};
use crate::spec::{Bridge, Team, Via, Workload};
use crate::want::placed;

/// Entra's codes for a token that no credential matches: none at all, none with this issuer, audience, subject, and none
/// with this subject in these capitals.
const NO_MATCH: [&str; 5] = ["AADSTS70025", "AADSTS700211", "AADSTS700212", "AADSTS700213", "AADSTS7002138"];

/// What can be seen of a workload's way.
#[derive(Debug)]
pub struct View<'a> {
    /// The bridge as declared.
    pub bridge: &'a Bridge,
    /// The workload.
    pub workload: &'a Workload,
    /// Its team.
    pub team: &'a Team,
    /// What both clouds hold, or why an administrator's eyes are missing.
    pub clouds: Result<Seen<'a>, String>,
    /// What the pod shows, or why we are not in the pod.
    pub pod: Result<Shown, String>,
}

/// What an administrator sees.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// The live state.
    pub inventory: &'a Inventory,
    /// What follows.
    pub plan: &'a Plan,
}

/// The token that a pod shows to Entra, and what Entra says to it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Where the token is from, for people.
    pub source: String,
    /// Its claims, where they can be read.
    pub claims: Option<Claims>,
    /// What Entra says; `None` if it was not asked yet.
    pub answer: Option<Result<(), PortError>>,
    /// How long it was asked again and again, in seconds.
    pub waited: u64,
}

/// One link of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it is.
    pub name: &'static str,
    /// How it fared.
    pub outcome: Outcome,
    /// One line for people.
    pub detail: String,
}

/// What there is to say about a workload's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WayBack {
    /// The workload.
    pub workload: String,
    /// Every link, in order.
    pub links: Vec<Link>,
    /// What is wrong. Empty: nothing that could be seen.
    pub findings: Vec<Finding>,
}

impl WayBack {
    /// The way up to this link, and what is wrong up to there. `Err` holds the names there are.
    pub fn until(mut self, name: &str) -> Result<Self, Vec<String>> {
        let slug = |link: &Link| link.name.trim_start_matches("the ").replace(' ', "-").replace('\'', "");
        let Some(last) = self.links.iter().position(|link| slug(link) == name) else {
            return Err(self.links.iter().map(slug).collect());
        };
        self.links.truncate(last + 1);
        let broken = |finding: &Finding| self.links.iter().any(|link| link.detail == finding.summary);
        self.findings.retain(broken);
        Ok(self)
    }
}

/// One field by which Entra compares.
struct Compared {
    field: &'static str,
    claim: &'static str,
    cause: &'static str,
    expected: String,
    found: String,
}

impl View<'_> {
    /// Everything there is to say.
    pub fn examine(&self) -> WayBack {
        let mut way =
            WayBack { workload: self.workload.name.clone(), links: Vec::new(), findings: Vec::new() };
        match &self.clouds {
            Ok(seen) => self.look_at_clouds(seen, &mut way),
            Err(why) => {
                for (name, _) in self.parts("") {
                    way.links.push(Link { name, outcome: Outcome::Unseen, detail: why.clone() });
                }
            }
        }
        match &self.pod {
            Ok(shown) => self.look_at_pod(shown, &mut way),
            Err(why) => {
                for name in ["the pod's token", "the exchange"] {
                    way.links.push(Link { name, outcome: Outcome::Unseen, detail: why.clone() });
                }
            }
        }
        way
    }

    /// Whether Entra's answer may become another by waiting: it finds no match where, by all that can be seen, there is
    /// one.
    pub fn may_come(&self) -> bool {
        let Ok(shown) = &self.pod else { return false };
        let no_match = matches!(&shown.answer, Some(Err(refusal)) if is_no_match(refusal));
        no_match && self.differs(shown).is_none() && self.set_up().is_ok()
    }

    /// Whether the pod's token is one that the credential admits, so that asking Entra makes sense.
    pub fn is_worth_asking(&self) -> bool {
        self.pod.as_ref().is_ok_and(|shown| self.differs(shown).is_none())
    }

    /// The parts on both clouds, in the order of the way, with their keys.
    fn parts(&self, identity: &str) -> Vec<(&'static str, Vec<String>)> {
        let Workload { name, service_account, via, .. } = self.workload;
        let account = workload_account_id(name);
        let mut parts = vec![
            // The service account names the identity, so that this one comes first.
            ("managed identity", vec![format!("azure/managed-identity/{identity}")]),
            (
                "service account",
                vec![format!("kubernetes/ServiceAccount/{}/{service_account}", self.team.namespace)],
            ),
        ];
        if *via == Via::Google {
            let grant = format!("google/grant/service-account/{account}/roles/iam.workloadIdentityUser");
            parts.push(("Google account", vec![format!("google/service-account/{account}"), grant]));
        }
        let principal = self.clouds.as_ref().ok().and_then(|seen| seen.facts.shards.get(identity));
        let principal = principal
            .map_or_else(|| crate::plan::principal_id_of(identity), |shard| shard.principal_id.clone());
        let (workspace, container) = (self.bridge.workspace_scope(), self.container());
        let roles = [("Reader", workspace), ("Storage Blob Data Reader", container)]
            .map(|(role, scope)| role_key(role, &scope, &principal));
        parts.push(("federated credential", vec![format!("azure/federated-credential/{identity}/{name}")]));
        parts.push(("rights in Azure", roles.into()));
        parts
    }

    /// The ARM id of the container that models lie in, where the clouds were seen.
    fn container(&self) -> String {
        self.clouds.as_ref().map(|seen| seen.facts.datastore.scope.clone()).unwrap_or_default()
    }

    fn identity(&self, facts: &Facts) -> String {
        let place = placed(self.bridge, facts).into_iter().find(|it| it.workload.name == self.workload.name);
        place.map(|place| place.identity).unwrap_or_default()
    }

    fn look_at_clouds(&self, seen: &Seen<'_>, way: &mut WayBack) {
        for (name, keys) in self.parts(&self.identity(seen.facts)) {
            let broken = !way.findings.is_empty();
            let (outcome, detail) = match keys.iter().find_map(|key| finding(seen, key)) {
                _ if broken => (Outcome::NotReached, "an earlier part is wrong".to_owned()),
                Some(finding) => {
                    let detail = finding.summary.clone();
                    way.findings.push(finding);
                    (Outcome::Broken, detail)
                }
                None => (Outcome::Sound, format!("`{}` is as declared", keys.join("`, `"))),
            };
            way.links.push(Link { name, outcome, detail });
        }
    }

    /// Whether all that could be seen of the clouds is as declared; what could not be seen counts as such.
    fn set_up(&self) -> Result<(), ()> {
        let Ok(seen) = &self.clouds else { return Ok(()) };
        let keys = self.parts(&self.identity(seen.facts)).into_iter().flat_map(|(_, keys)| keys);
        if keys.into_iter().any(|key| finding(seen, &key).is_some()) { Err(()) } else { Ok(()) }
    }

    fn look_at_pod(&self, shown: &Shown, way: &mut WayBack) {
        let name = "the pod's token";
        if let Some(differs) = self.differs(shown) {
            let finding = self.token_differs(shown, &differs);
            way.links.push(Link { name, outcome: Outcome::Broken, detail: finding.summary.clone() });
            way.links.push(Link {
                name: "the exchange",
                outcome: Outcome::NotReached,
                detail: "the token is wrong, so Entra was not asked".to_owned(),
            });
            way.findings.push(finding);
            return;
        }
        way.links.push(match shown.claims {
            Some(_) => {
                Link { name, outcome: Outcome::Sound, detail: format!("as declared ({})", shown.source) }
            }
            None => Link {
                name,
                outcome: Outcome::Unseen,
                detail: format!("its claims cannot be read ({})", shown.source),
            },
        });
        let (outcome, detail) = match &shown.answer {
            None => (Outcome::Unseen, "Entra was not asked".to_owned()),
            Some(Ok(())) => (Outcome::Sound, "Entra gives a token for it".to_owned()),
            Some(Err(refusal)) if refusal.is_transient() => (Outcome::Unseen, refusal.to_string()),
            Some(Err(refusal)) => {
                let finding = self.refused(shown, refusal);
                let detail = finding.summary.clone();
                way.findings.push(finding);
                (Outcome::Broken, detail)
            }
        };
        way.links.push(Link { name: "the exchange", outcome, detail });
    }

    /// The first field in which the pod's token is not what the credential admits.
    fn differs(&self, shown: &Shown) -> Option<Compared> {
        let claims = shown.claims.as_ref()?;
        let expected = self.expected();
        let text = |name: &str| claims.text(name).unwrap_or("nothing").to_owned();
        let compared = |field, claim, cause, expected: String, found: String| {
            (expected != found).then_some(Compared { field, claim, cause, expected, found })
        };
        let issuer = expected
            .issuer
            .and_then(|expected| compared("issuer", "iss", cause::ISSUER_MISMATCH, expected, text("iss")));
        let subject = || {
            expected.subject.and_then(|expected| {
                compared("subject", "sub", cause::LITERAL_MISMATCH, expected, text("sub"))
            })
        };
        let audience = || {
            let found = claims.audiences();
            let admitted = found.contains(&expected.audience.as_str());
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            let one = compared("audience", "aud", cause::AUDIENCE_MISMATCH, expected.audience.clone(), found);
            one.filter(|_| !admitted)
        };
        issuer.or_else(subject).or_else(audience)
    }

    /// What the credential admits, as far as it is known here.
    fn expected(&self) -> Expected {
        let audience = self.bridge.token_exchange_audience().to_owned();
        if let Some(credential) = self.clouds.as_ref().ok().and_then(|seen| self.live_credential(seen)) {
            let audience = credential.audiences.first().cloned().unwrap_or(audience);
            let (issuer, subject) = (Some(credential.issuer), Some(credential.subject));
            return Expected { issuer, subject, audience, origin: "the federated credential in Azure" };
        }
        let (issuer, subject) = match self.workload.via {
            Via::Cluster => (
                self.bridge.conventional_cluster_issuer(),
                Some(kubernetes_subject(&self.team.namespace, &self.workload.service_account)),
            ),
            Via::Google => (Some(self.bridge.google_issuer().to_owned()), None),
        };
        Expected { issuer, subject, audience, origin: "what `bridge.yaml` declares" }
    }

    fn live_credential(&self, seen: &Seen<'_>) -> Option<FederatedCredential> {
        let identity = self.identity(seen.facts);
        let key = format!("azure/federated-credential/{identity}/{}", self.workload.name);
        match &seen.inventory.found.get(&ResourceKey(key))?.resource {
            Resource::FederatedCredential(credential) => Some(credential.clone()),
            _ => None,
        }
    }

    fn token_differs(&self, shown: &Shown, differs: &Compared) -> Finding {
        let Compared { field, claim, cause, expected, found } = differs;
        let finding = Finding::new(
            "azure/workload-token-differs",
            cause,
            format!(
                "the pod's token has another {field} than the credential of workload `{}` admits",
                self.workload.name
            ),
        )
        .expected(expected.clone(), format!("`{field}` of {}", self.expected().origin))
        .found(found.clone(), format!("claim `{claim}` of the token ({})", shown.source));
        let Workload { name, service_account, .. } = self.workload;
        match *field {
            "subject" => finding.advice(format!(
                "run the pod under service account `{service_account}` in namespace `{}`: `spec.serviceAccountName`",
                self.team.namespace
            )),
            "audience" => finding.mend(
                "ask for the token with that audience in the projected volume",
                format!("gangplank render --workload {name}"),
            ),
            _ => finding.advice(
                "run the pod in the declared cluster; if the cluster was made anew, `gangplank apply` corrects the credential",
            ),
        }
    }

    /// Entra refuses a token that looks right.
    fn refused(&self, shown: &Shown, refusal: &PortError) -> Finding {
        let name = &self.workload.name;
        if !is_no_match(refusal) {
            return Finding::new(
                "azure/entra-token-failed",
                cause::OTHER,
                format!("Entra gives workload `{name}` no token"),
            )
            .confidence(Confidence::Likely)
            .found(refusal.message.clone(), "Entra's answer");
        }
        let agrees = shown.claims.is_some() && self.expected().is_whole();
        let finding = Finding::new(
            "azure/federated-credential-not-honoured-yet",
            cause::PROPAGATION,
            format!("Entra does not honour the credential of workload `{name}` yet"),
        )
        .confidence(if agrees && self.clouds.is_ok() { Confidence::Likely } else { Confidence::Possible })
        .found(refusal.message.clone(), format!("Entra's answer, after {} seconds of asking", shown.waited));
        let finding = match &self.clouds {
            Ok(_) => finding.advice(
                "issuer, subject and audience agree on both sides; a new credential takes some minutes to count",
            ),
            Err(_) => finding.advice(
                "the token is what `bridge.yaml` declares; whether the credential is there, an administrator's doctor sees",
            ),
        };
        finding.mend("ask again until it counts", format!("gangplank doctor --workload {name} --wait 600"))
    }
}

/// What a credential admits, as far as it is known.
struct Expected {
    issuer: Option<String>,
    subject: Option<String>,
    audience: String,
    origin: &'static str,
}

impl Expected {
    fn is_whole(&self) -> bool {
        self.issuer.is_some() && self.subject.is_some()
    }
}

const NOT_SET_UP: &str = "azure/workload-not-set-up";

/// What is wrong with one resource.
fn finding(seen: &Seen<'_>, key: &str) -> Option<Finding> {
    let key = ResourceKey(key.to_owned());
    if let Some(obstacle) = seen.plan.obstacles.iter().find(|it| it.key == key) {
        let finding = Finding::new(NOT_SET_UP, cause::OTHER, obstacle.problem.clone());
        return Some(finding.advice(obstacle.mend.clone()));
    }
    let change = seen.plan.changes.iter().find(|it| it.key == key)?;
    Some(match &change.action {
        Action::Update { wanted: Resource::FederatedCredential(wanted), found, .. } => {
            credential_differs(wanted, found)
        }
        action => not_set_up(change, action),
    })
}

fn is_no_match(refusal: &PortError) -> bool {
    let said =
        |code: &&str| refusal.code.as_deref() == Some(*code) || refusal.message.contains(&format!("{code}:"));
    NO_MATCH.iter().any(said)
}

/// The credential in Azure says something else than is declared: which field, and both values.
fn credential_differs(wanted: &FederatedCredential, found: &Resource) -> Finding {
    let Resource::FederatedCredential(found) = found else {
        return Finding::new(NOT_SET_UP, cause::OTHER, "the credential is something else");
    };
    let audiences = |it: &FederatedCredential| it.audiences.join(", ");
    let fields = [
        ("issuer", cause::ISSUER_MISMATCH, wanted.issuer.clone(), found.issuer.clone()),
        ("subject", cause::LITERAL_MISMATCH, wanted.subject.clone(), found.subject.clone()),
        ("audience", cause::AUDIENCE_MISMATCH, audiences(wanted), audiences(found)),
    ];
    let differing: Vec<_> = fields.into_iter().filter(|(_, _, wanted, found)| wanted != found).collect();
    let names: Vec<&str> = differing.iter().map(|(field, ..)| *field).collect();
    let summary =
        format!("the federated credential `{}` in Azure has another {}", wanted.name, names.join(" and "));
    let first = differing.into_iter().next();
    let (field, cause, expected, found) =
        first.unwrap_or_else(|| ("name", cause::OTHER, wanted.name.clone(), found.name.clone()));
    Finding::new("azure/federated-credential-differs", cause, summary)
        .expected(expected, format!("`{field}`, as declared"))
        .found(found, format!("`{field}` of credential `{}` of identity `{}`", wanted.name, wanted.identity))
        .mend("put it back to what the bridge declares", "gangplank apply")
}

fn not_set_up(change: &Change, action: &Action) -> Finding {
    let part = |start: &str| change.key.0.starts_with(start);
    let code = match action {
        Action::Create { .. } if part("azure/federated-credential/") => "azure/federated-credential-missing",
        Action::Create { .. } if part("azure/role/") => "azure/workload-role-missing",
        Action::Create { .. } | Action::Update { .. } if part("google/grant/") => {
            "google/workload-grant-missing"
        }
        Action::Update { .. } if part("kubernetes/ServiceAccount/") => "kubernetes/pod-not-mapped",
        _ => NOT_SET_UP,
    };
    let (cause, problem) = match action {
        _ if code.ends_with("workload-role-missing") || code.ends_with("workload-grant-missing") => {
            (cause::GRANT_MISSING, "is not given")
        }
        _ if code == "kubernetes/pod-not-mapped" => {
            (cause::POD_MAPPING, "does not say which identity its pods become")
        }
        Action::Create { .. } | Action::Undelete { .. } => (cause::OBJECT_MISSING, "does not exist"),
        Action::Delete { .. } => (cause::OTHER, "is declared no longer"),
        Action::Update { .. } | Action::Adopt { .. } => (cause::LITERAL_MISMATCH, "is not as declared"),
    };
    let finding = Finding::new(code, cause, format!("`{}` {problem}", change.key));
    let finding = match action {
        Action::Update { differences, .. } => {
            let all: Vec<String> = differences.iter().map(ToString::to_string).collect();
            finding.found(all.join("; "), "both clouds")
        }
        _ => finding,
    };
    finding.mend("make what the bridge declares", "gangplank apply")
}

#[cfg(test)]
mod tests;
