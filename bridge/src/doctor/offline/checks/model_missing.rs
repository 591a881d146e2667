//! The model version is not in the workspace that is asked.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needle = "modelnotfound";
    let said = case.says(&[
        needle,
        "not found in provided workspace",
        "the specified resource was not found",
        "resourcenotfound",
    ]);
    if !said {
        return None;
    }
    let name = words::between(&case.said, "Model with name ", ",").map(str::trim);
    let version = words::between(&case.said, "version ", " not found").map(str::trim);
    let wanted = format!("{}:{}", name.unwrap_or("the model"), version.unwrap_or("the version"));
    let models: Vec<&Exhibit> = case.of(Kind::Model).collect();
    let held = models.iter().find(|it| {
        name.is_none_or(|own| it.text("/name") == Some(own))
            && version.is_none_or(|own| shown(it, "/version") == own)
    });
    let base = Finding::new(
        "azure/model-missing",
        cause::OBJECT_MISSING,
        format!("the workspace that is asked has no model {wanted}"),
    );
    let (asked, place) = workspace(case)
        .unwrap_or_else(|| ("a workspace that was not shown".to_owned(), case.said_in(needle)));
    let finding = match held {
        Some(model) => {
            let home = home(model).unwrap_or("the workspace that was listed");
            base.expected(format!("{wanted} in {home}"), model.origin("/id"))
                .found(format!("asked of {asked}"), place)
        }
        None if !models.is_empty() || case.none_of(Kind::Model).is_some() => {
            let all: Vec<String> = models
                .iter()
                .map(|it| format!("{}:{}", it.text("/name").unwrap_or("?"), shown(it, "/version")))
                .collect();
            base.expected(&wanted, case.said_in(needle)).found(
                if all.is_empty() { "no model".to_owned() } else { all.join(", ") },
                models.first().map_or_else(String::new, |it| it.origin("")),
            )
        }
        None => base
            .expected(&wanted, "the workspace")
            .found("not found", case.said_in(needle))
            .confidence(Confidence::Likely),
    };
    Some(
        finding
            .mend("see what the workspace has that is asked", "az ml model list --workspace-name WORKSPACE --resource-group RESOURCE_GROUP --name MODEL")
            .advice("see which workspace and subscription the client is set to, and that the version is passed as a text"),
    )
}

fn shown(model: &Exhibit, pointer: &str) -> String {
    model.get(pointer).map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).unwrap_or_default()
}

fn home(model: &Exhibit) -> Option<&str> {
    let id = model.text("/id")?;
    let after = id.split_once("/workspaces/").or_else(|| id.split_once("/registries/"))?.1;
    after.split('/').next()
}

/// The workspace that the client is set to.
fn workspace(case: &Case<'_>) -> Option<(String, String)> {
    let variables = case.variables();
    let set = variables
        .iter()
        .find(|(name, value, _)| name.to_ascii_uppercase().contains("WORKSPACE") && !value.is_empty());
    let named = set.map(|(_, value, origin)| ((*value).to_owned(), origin.clone()));
    named.or_else(|| case.fact("workspace").map(|(value, origin)| (value.to_owned(), origin))).or_else(|| {
        case.of(Kind::Workspace).find_map(|it| Some((it.text("/name")?.to_owned(), it.origin("/name"))))
    })
}
