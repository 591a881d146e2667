//! A pod that should reach Entra lacks the label that makes the webhook set it up.

use super::super::case::Case;
use super::super::pod::{WORKLOADS, namespace, template};
use crate::exhibit::Exhibit;
use crate::finding::{Finding, cause};

const LABEL: &str = "azure.workload.identity/use";
const POINTER: &str = "/metadata/labels/azure.workload.identity~1use";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let wanted = case.is_about_entra()
        || case.says(&["azure_", "azure workload identity", "azure identity"])
        || case
            .objects(&["ServiceAccount"])
            .any(|it| it.text("/metadata/annotations/azure.workload.identity~1client-id").is_some());
    let workload = case.objects(&WORKLOADS).find(|it| wanted && lacks(it))?;
    let at = template(workload);
    let found = workload
        .text(&format!("{at}{POINTER}"))
        .map_or_else(|| "no such label".to_owned(), |it| format!("{LABEL}: {it:?}"));
    let kind = workload.text("/kind").unwrap_or("Pod").to_lowercase();
    let name = workload.text("/metadata/name").unwrap_or("NAME");
    let space = namespace(workload);
    let finding = Finding::new(
        "kubernetes/workload-label-missing",
        cause::POD_MAPPING,
        format!("the pods of {kind} `{name}` lack the label that gives them an Entra identity"),
    )
    .expected(
        format!("{LABEL}: \"true\""),
        "the webhook's selector; a label of the pod, not of the service account",
    )
    .found(found, workload.origin(&format!("{at}/metadata/labels")));
    if kind == "pod" {
        return Some(finding.advice(
            "set the label on the pod's template and make the pod anew: the webhook acts when a pod is made",
        ));
    }
    Some(finding.mend(
        "set the label on the template; new pods get it",
        format!("kubectl patch {kind} {name} --namespace={space} --type=merge --patch='{{\"spec\":{{\"template\":{{\"metadata\":{{\"labels\":{{\"{LABEL}\":\"true\"}}}}}}}}}}'"),
    ))
}

/// Neither labelled nor set up by hand.
fn lacks(workload: &Exhibit) -> bool {
    let at = template(workload);
    if workload.get(&format!("{at}/spec")).is_none()
        || workload.text(&format!("{at}{POINTER}")) == Some("true")
    {
        return false;
    }
    let spec = workload.get(&format!("{at}/spec")).map(ToString::to_string).unwrap_or_default();
    !spec.contains("AZURE_FEDERATED_TOKEN_FILE")
}
