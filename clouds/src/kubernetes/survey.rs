//! Everything in the cluster that a bridge file could speak of, whoever made it. Only reads.

use bridge::convention::{BRIDGE_LABEL, MANAGED_BY, MANAGED_BY_LABEL};
use bridge::import::{Seen, Survey};
use bridge::port::PortResult;
use bridge::resource::{KubernetesObject, Resource};
use serde_json::Value;

use super::SetUp;

/// Kinds of which everybody's are looked at: they make a team's namespace what it is.
const EVERYBODYS: [(&str, &str); 4] = [
    ("v1", "Namespace"),
    ("v1", "ResourceQuota"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
];

/// Kinds of which only those with a mark are looked at.
const MARKED: [(&str, &str); 5] = [
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
];

impl SetUp {
    /// Adds the objects of the cluster.
    pub async fn survey(&self, survey: &mut Survey) -> PortResult<()> {
        let marked = format!("{MANAGED_BY_LABEL}={MANAGED_BY}");
        let everybodys = EVERYBODYS.into_iter().map(|kind| (kind, String::new()));
        for ((version, name), selector) in
            everybodys.chain(MARKED.into_iter().map(|kind| (kind, marked.clone())))
        {
            let objects = self.list_if_served(version, name, None, selector).await?;
            survey.seen.extend(objects.into_iter().map(seen));
        }
        Ok(())
    }
}

fn seen(object: Value) -> Seen {
    let label = |name: &str| object.pointer("/metadata/labels")?.get(name)?.as_str();
    let ours = label(MANAGED_BY_LABEL) == Some(MANAGED_BY);
    let mark = label(BRIDGE_LABEL).filter(|_| ours).map(str::to_owned);
    Seen { resource: Resource::Kubernetes(KubernetesObject { object }), mark }
}
