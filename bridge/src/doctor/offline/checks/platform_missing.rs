//! The image is not built for the processor of the node.

use serde_json::Value;

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

const NODE: &str = "/status/nodeInfo/architecture";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let images: Vec<&Exhibit> = case.of(Kind::Image).collect();
    let built: Vec<String> = images.iter().flat_map(|it| architectures(it)).collect();
    let node = case
        .objects(&["Node"])
        .find(|it| it.text(NODE).is_some_and(|arch| !built.iter().any(|own| own == arch)));
    let needles =
        ["no match for platform", "exec format error", "must support amd64", "no matching manifest for"];
    let said = case.says(&needles);
    if let (Some(node), Some(image)) = (node, images.first().filter(|_| !built.is_empty())) {
        let wanted = node.text(NODE).unwrap_or_default();
        return Some(finding(wanted).expected(format!("linux/{wanted}"), node.origin(NODE)).found(
            built.iter().map(|arch| format!("linux/{arch}")).collect::<Vec<_>>().join(", "),
            image.origin("/manifests"),
        ));
    }
    let needle = needles.iter().find(|needle| said && case.says(&[needle]))?;
    Some(
        finding("amd64")
            .expected("a manifest for the node's processor", "the image")
            .found("none", case.said_in(needle))
            .confidence(Confidence::Likely),
    )
}

fn finding(architecture: &str) -> Finding {
    Finding::new("client/platform-missing", cause::ARCHITECTURE, "the image is not built for the node's processor")
        .mend(
            "build it for every processor that its pods may meet",
            "docker buildx build --platform linux/amd64,linux/arm64 --tag IMAGE --push .",
        )
        .advice(format!("or keep its pods on nodes it fits, by `nodeSelector: {{kubernetes.io/arch: …}}`; these were on {architecture}"))
}

fn architectures(image: &Exhibit) -> Vec<String> {
    let own = image.text_of(&["/architecture", "/Architecture"]).map(str::to_owned);
    let listed = image.list("/manifests").iter().filter_map(|it| {
        let platform = it.get("platform").or_else(|| it.get("Platform"))?;
        platform.get("architecture").and_then(Value::as_str).map(str::to_owned)
    });
    own.into_iter().chain(listed).filter(|it| it != "unknown").collect()
}
