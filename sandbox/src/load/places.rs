//! `${NAME}` in a world file: what a sandbox only knows once it runs.

use serde_json::json;

use super::Problem;
use crate::seed;
use crate::world::Shared;

/// The text with every `${NAME}` replaced. Lines stay where they are.
pub(super) fn fill_in(shared: &Shared, text: &str) -> Result<String, Vec<Problem>> {
    let known = known(shared);
    let mut problems = Vec::new();
    let mut filled = String::with_capacity(text.len());
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after.trim_end(), ""));
            if let Some((_, value)) = known.iter().find(|(known, _)| known == name) {
                filled.push_str(value);
            } else {
                let column = line.len() - rest.len() + before.len() + 1;
                let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
                let message = format!("`${{{name}}}` is not known, expected one of {}", names.join(", "));
                problems.push(Problem { line: number, column: column as u64, message });
            }
            rest = after;
        }
        filled.push_str(rest);
    }
    if problems.is_empty() { Ok(filled) } else { Err(problems) }
}

/// What is known by name.
pub(super) fn known(shared: &Shared) -> Vec<(String, String)> {
    let seeded = [
        ("tenant", seed::TENANT),
        ("subscription", seed::SUBSCRIPTION),
        ("resourceGroup", seed::RESOURCE_GROUP),
        ("workspace", seed::WORKSPACE),
        ("project", seed::PROJECT),
        ("number", seed::PROJECT_NUMBER),
        ("location", seed::LOCATION),
    ];
    let seeded = seeded.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let addresses = json!(shared.addresses());
    let addresses = addresses.as_object().into_iter().flatten();
    let addresses =
        addresses.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    // The bridge's own application, once it is set up.
    let directory = shared.azure.directory();
    let ours = directory.applications.iter().find(|it| it.display_name == seed::APPLICATION);
    let ours = ours.map(|it| ("application".to_owned(), it.app_id.clone()));
    let identities = directory.managed_identities.iter().filter(|it| it.name.starts_with("gp-"));
    let identities = identities.map(|it| (format!("identity.{}", it.name), it.client_id.clone()));
    seeded.chain(addresses).chain(ours).chain(identities).collect()
}
