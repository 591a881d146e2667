//! Checks by Google IAM.

use trust::iam::{self, Decision, DenyPolicy, Layer, Policy, Reason, Request, Resource};
use trust::principal::Caller;

use super::{Actor, Check, Seen, Sighting, near};
use crate::convention::service_account_id;
use crate::resource::GrantTarget;
use crate::spec::Bridge;

/// Reading images.
pub(super) const PULL: &str = "artifactregistry.repositories.downloadArtifacts";
/// Writing images. Whoever pushes reads as well: clients ask what is there already.
pub(super) const PUSH: &str = "artifactregistry.repositories.uploadArtifacts";
/// Becoming a service account.
pub(super) const IMPERSONATE: &str = "iam.serviceAccounts.getAccessToken";
/// Looking the cluster's address up.
pub(super) const FIND_CLUSTER: &str = "container.clusters.get";

/// What was seen, and when it is asked about.
#[derive(Clone, Copy)]
pub(super) struct Eyes<'a> {
    pub(super) bridge: &'a Bridge,
    pub(super) seen: &'a Seen,
    pub(super) now: jiff::Timestamp,
}

/// What IAM says, as far as its policies were seen.
pub(super) struct Answer {
    pub(super) decision: Decision,
    /// Some policy was not seen that could turn it.
    pub(super) blind: bool,
    /// If denied, the rule that comes nearest.
    pub(super) nearest: Option<String>,
    /// Why, in words.
    pub(super) words: Vec<String>,
}

/// A team's service account.
pub(super) fn account_of(team: &str) -> GrantTarget {
    GrantTarget::ServiceAccount(service_account_id(team))
}

impl<'a> Eyes<'a> {
    /// A permission on something, as a check.
    pub(super) fn check(&self, actor: &Actor, permission: &str, target: &GrantTarget) -> Check {
        let needs = format!("`{permission}` on `{}`", self.name(target));
        let Some(caller) = &actor.google else {
            let because = vec![format!("Google does not know `{}`", actor.name)];
            return Check::denied(needs, true, because, None);
        };
        let Answer { decision, blind, nearest, words } = self.ask(caller, permission, target);
        let settled = decision.settled && !blind;
        if decision.allowed {
            Check::allowed(needs, settled, words)
        } else {
            Check::denied(needs, settled, words, nearest)
        }
    }

    /// What IAM says about a permission on something.
    pub(super) fn ask(&self, caller: &Caller, permission: &str, target: &GrantTarget) -> Answer {
        let project = self.name(&GrantTarget::Project);
        let own = self.name(target);
        let own_policy = self.policy(target).filter(|_| *target != GrantTarget::Project);
        let deny = self.deny_policies();
        let mut layers = Vec::new();
        if let Some(policy) = own_policy {
            layers.push(Layer { resource: &own, allow: Some(policy), deny: &[] });
        }
        layers.push(Layer { resource: &project, allow: self.policy(&GrantTarget::Project), deny });
        let resource = self.resource(target);
        let now = Some(self.now.as_second());
        let request = Request { caller, permission, resource: Some(&resource), now };
        let decision = iam::evaluate(&layers, &request);
        let nearest =
            if decision.allowed { None } else { near::grant(&layers, caller, permission, &decision) };
        let words = self.words(target, &decision);
        Answer { blind: self.is_blind(target, decision.allowed), nearest, words, decision }
    }

    /// The words of a decision; of a policy that was not seen nothing is said but that.
    fn words(&self, target: &GrantTarget, decision: &Decision) -> Vec<String> {
        let both = [target, &GrantTarget::Project];
        let mut unseen: Vec<String> =
            both.into_iter().filter(|it| self.policy(it).is_none()).map(|it| self.name(it)).collect();
        unseen.dedup();
        let about_unseen =
            |reason: &&Reason| matches!(reason, Reason::NotNamed { resource } if unseen.contains(resource));
        let seen = decision.because.iter().filter(|it| !about_unseen(it)).map(Reason::to_string);
        let not_seen = unseen.iter().filter(|_| !decision.allowed);
        seen.chain(not_seen.map(|name| format!("the policy of `{name}` was not seen"))).collect()
    }

    /// Was something not seen that could turn the answer? A grant is turned by deny rules only.
    fn is_blind(&self, target: &GrantTarget, allowed: bool) -> bool {
        let deny = !matches!(self.seen.deny, Some(Sighting::Seen(_)));
        if allowed {
            return deny;
        }
        self.policy(target).is_none() || self.policy(&GrantTarget::Project).is_none()
    }

    fn policy(&self, target: &GrantTarget) -> Option<&'a Policy> {
        self.seen.policies.get(target).and_then(Sighting::seen)
    }

    fn deny_policies(&self) -> &'a [DenyPolicy] {
        self.seen.deny.as_ref().and_then(Sighting::seen).map_or(&[], Vec::as_slice)
    }

    /// The last part of a resource's name, for people.
    fn name(&self, target: &GrantTarget) -> String {
        match target {
            GrantTarget::Project => format!("projects/{}", self.bridge.google.project),
            GrantTarget::ServiceAccount(id) => format!("serviceAccounts/{id}"),
            GrantTarget::Repository(id) => format!("repositories/{id}"),
        }
    }

    /// The resource as conditions see it. Which of the project's names the services put in differs from one to the other;
    /// service accounts show conditions nothing of themselves.
    /// Source: <https://cloud.google.com/iam/docs/conditions-resource-attributes>
    fn resource(&self, target: &GrantTarget) -> Resource {
        let google = &self.bridge.google;
        let projects = [&google.project, &google.project_number];
        let (names, service, kind) = match target {
            GrantTarget::Project => {
                let names = projects.map(|project| format!("projects/{project}")).to_vec();
                (names, "cloudresourcemanager.googleapis.com", "cloudresourcemanager.googleapis.com/Project")
            }
            GrantTarget::Repository(id) => {
                let place = format!("locations/{}/repositories/{id}", google.region());
                let names = projects.map(|project| format!("projects/{project}/{place}")).to_vec();
                (names, "artifactregistry.googleapis.com", "artifactregistry.googleapis.com/Repository")
            }
            GrantTarget::ServiceAccount(_) => return Resource::default(),
        };
        Resource { names, kind: Some(kind.to_owned()), service: Some(service.to_owned()) }
    }
}
