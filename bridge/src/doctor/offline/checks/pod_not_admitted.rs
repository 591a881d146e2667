//! For a pod on GKE: nobody let its Kubernetes service account act as the Google one. Decided as any impersonation is; the
//! grant has the form `serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]`.

use trust::principal::Caller;

use super::super::case::Case;
use crate::doctor::{Chain, Evidence, Shown, Sight, Thing, impersonation_not_granted};
use crate::finding::Finding;

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let account = case.account()?;
    let project = case.pool_project()?;
    let policy = case.account_policies().into_iter().next()?;
    let pod =
        Caller::ServiceAccount(format!("{project}.svc.id.goog[{}/{}]", account.namespace, account.name));
    let chain = Chain::from(Shown { caller: Some(pod), ..case.shown() });
    // What a token becomes is no matter here.
    let mut evidence = Evidence::default();
    evidence.places.keep(Thing::ServiceAccountPolicy, policy.exhibit);
    impersonation_not_granted::check(&chain, &evidence, None, &Sight::Seen(policy.policy))
}
