//! An image's name has an empty part, or too few parts.

use super::super::case::Case;
use super::super::pod::WORKLOADS;
use super::super::words;
use crate::exhibit::Exhibit;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let (image, origin) = images(case).into_iter().find(|(image, _)| fault(image).is_some())?;
    let why = fault(&image)?;
    let finding =
        Finding::new("client/image-name-malformed", cause::RESOURCE_NAME, format!("the image's name {why}"))
            .expected(form(&image), "the registry")
            .found(&image, origin);
    let empty = case.variables().into_iter().find(|(_, value, _)| value.is_empty());
    Some(match empty {
        Some((name, _, place)) => {
            finding.advice(format!("`{name}` is empty ({place}): set it where it is read"))
        }
        None => finding.advice("see which variable of the name is empty where it is put together"),
    })
}

/// The images that are named: in the text, by variables, in pods.
pub(super) fn images(case: &Case<'_>) -> Vec<(String, String)> {
    let said = words::words(&case.said)
        .filter(|word| is_image(word))
        .map(|word| (word.to_owned(), case.said_in(&word.to_lowercase())));
    let fact = case.fact("image").into_iter().map(|(value, origin)| (value.to_owned(), origin));
    let set = case
        .variables()
        .into_iter()
        .filter(|(_, value, _)| is_image(value))
        .map(|(_, value, origin)| (value.to_owned(), origin));
    let deployed = case.objects(&WORKLOADS).flat_map(containers);
    said.chain(fact).chain(set).chain(deployed).collect()
}

fn is_image(word: &str) -> bool {
    let bare = word.trim_start_matches("docker://");
    bare.split_once('/').is_some_and(|(host, rest)| {
        words::is_registry(host) && !rest.starts_with("v2/") && !rest.starts_with("oauth2/")
    })
}

fn containers(workload: &Exhibit) -> Vec<(String, String)> {
    let at = super::super::pod::template(workload);
    let each = ["containers", "initContainers"].into_iter().flat_map(|list| {
        let pointer = format!("{at}/spec/{list}");
        (0..workload.list(&pointer).len()).map(move |index| format!("{pointer}/{index}/image"))
    });
    each.filter_map(|pointer| Some((workload.text(&pointer)?.to_owned(), workload.origin(&pointer))))
        .collect()
}

fn fault(image: &str) -> Option<&'static str> {
    let bare = image.trim_start_matches("docker://").trim_start_matches("https://");
    let (host, rest) = bare.split_once('/')?;
    let path = rest.split('@').next().unwrap_or(rest);
    let parts: Vec<&str> = path.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || part.starts_with(':')) {
        return Some("has an empty part");
    }
    (host.ends_with("-docker.pkg.dev") && parts.len() < 3 && image.contains(':'))
        .then_some("has too few parts for Artifact Registry")
}

fn form(image: &str) -> String {
    if image.contains("-docker.pkg.dev") {
        "LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE:TAG".to_owned()
    } else {
        "HOST/PATH:TAG".to_owned()
    }
}
