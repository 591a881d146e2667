//! Checks in the cluster. On GKE a caller of Google's finds the cluster by IAM, and what it asks there RBAC or IAM may
//! allow; a service account of the cluster has RBAC alone.
//! Source: <https://cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control#interaction-with-iam>

use trust::rbac::{self, Attributes, gke_permission};

use super::google::{Eyes, FIND_CLUSTER};
use super::{Actor, Check, Sighting, near};
use crate::resource::GrantTarget;

/// What a request to the cluster takes.
pub(super) fn checks(eyes: &Eyes<'_>, actor: &Actor, wanted: &Attributes) -> Vec<Check> {
    let Some((user, groups)) = actor.kubernetes_user() else {
        let because = vec![format!("the cluster does not know `{}`", actor.name)];
        return vec![Check::denied(described(wanted), true, because, None)];
    };
    let asked = Attributes { user, groups, ..wanted.clone() };
    // Who logs in to the cluster by Google looks its address up there.
    let by_google = actor.kubernetes.is_none();
    let find = by_google.then(|| eyes.check(actor, FIND_CLUSTER, &GrantTarget::Project));
    find.into_iter().chain([request(eyes, actor, &asked, by_google)]).collect()
}

fn request(eyes: &Eyes<'_>, actor: &Actor, asked: &Attributes, by_google: bool) -> Check {
    let needs = described(asked);
    let (mut allowed_by, mut because, mut nearest) = (Vec::new(), Vec::new(), None);
    let mut settled = true;
    match eyes.seen.rbac.as_ref().and_then(Sighting::seen) {
        None => {
            settled = false;
            because.push("RBAC: not seen".to_owned());
        }
        Some(seen) => {
            let objects = seen.objects();
            let decision = rbac::decide(&objects, asked);
            if decision.allowed {
                let grants = rbac::grants(&objects, asked);
                allowed_by.extend(grants.iter().map(|grant| format!("RBAC: {grant}")));
                if grants.is_empty() {
                    allowed_by.extend(decision.because.iter().map(|reason| format!("RBAC: {reason}")));
                }
            } else {
                because.extend(decision.because.iter().map(|reason| format!("RBAC: {reason}")));
                nearest = near::binding(&objects, asked, &decision);
                if eyes.seen.partial {
                    settled = false;
                    because.push("RBAC: a binding that was not given may allow it".to_owned());
                }
            }
        }
    }
    let permission = gke_permission(asked).filter(|_| by_google);
    if let (Some(permission), Some(caller)) = (permission, &actor.google) {
        let answer = eyes.ask(caller, &permission, &GrantTarget::Project);
        let lines = answer.words.iter().map(|line| format!("IAM, by `{permission}`: {line}"));
        if answer.decision.allowed {
            allowed_by.extend(lines);
        } else {
            because.extend(lines);
            settled &= answer.decision.settled && !answer.blind;
            nearest = nearest.or(answer.nearest);
        }
    }
    if allowed_by.is_empty() {
        Check::denied(needs, settled, because, nearest)
    } else {
        // Either may allow, and RBAC knows no deny rules.
        Check::allowed(needs, true, allowed_by)
    }
}

/// The request in words: `create deployments.apps in namespace x`.
pub(super) fn described(asked: &Attributes) -> String {
    if let Some(path) = &asked.non_resource_url {
        return format!("{} `{path}`", asked.verb);
    }
    let subresource = asked.subresource.as_ref().map(|sub| format!("/{sub}")).unwrap_or_default();
    let group = if asked.api_group.is_empty() { String::new() } else { format!(".{}", asked.api_group) };
    let name = asked.name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
    let place = match &asked.namespace {
        Some(namespace) => format!("in namespace `{namespace}`"),
        None => "in all namespaces".to_owned(),
    };
    format!("{} {}{subresource}{group}{name} {place}", asked.verb, asked.resource)
}
