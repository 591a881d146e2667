//! A federated credential cannot be written: too many, at the same time, or the same pair twice.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

/// Source: `https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations`.
const MOST: usize = 20;

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    concurrent(case).or_else(|| twice(case)).or_else(|| too_many(case))
}

fn finding(summary: impl Into<String>) -> Finding {
    Finding::new("azure/federated-credential-limit", cause::LIMIT, summary)
}

fn concurrent(case: &Case<'_>) -> Option<Finding> {
    let needle = "concurrentfederatedidentitycredentialswrites";
    if !case.says(&[needle, "federated identity credentials are written concurrently"]) {
        return None;
    }
    let count = case.of(Kind::FederatedCredential).count();
    let found = if count > 1 {
        format!("{count} credentials written at the same time")
    } else {
        "several at the same time".to_owned()
    };
    Some(
        finding("federated credentials of one managed identity are written at the same time")
            .expected("one after the other", "Azure's resource manager")
            .found(found, case.talk())
            .confidence(Confidence::Certain)
            .advice("write them in turn: `@batchSize(1)` in Bicep, `depends_on` from one to the next in Terraform, or `-parallelism=1`"),
    )
}

fn twice(case: &Case<'_>) -> Option<Finding> {
    let needle = "issuer and subject combination already exists";
    let all: Vec<&Exhibit> = case.of(Kind::FederatedCredential).collect();
    let pair = |it: &Exhibit| (it.text("/issuer").map(str::to_owned), it.text("/subject").map(str::to_owned));
    let double = all.iter().enumerate().find_map(|(index, one)| {
        let other = all
            .iter()
            .skip(index + 1)
            .find(|other| pair(other) == pair(one) && other.text("/name") != one.text("/name"))?;
        Some((*one, *other))
    });
    if !case.says(&[needle]) {
        return None;
    }
    let base = finding("the identity has a credential with this issuer and subject, under another name");
    let held = double.map(|(one, _)| one).or_else(|| all.first().copied());
    let Some(held) = held else {
        return Some(
            base.expected("each pair of issuer and subject once", "Entra")
                .found("the pair twice", case.said_in(needle))
                .confidence(Confidence::Likely),
        );
    };
    let name = held.text("/name").unwrap_or("NAME");
    let wanted = double.and_then(|(_, other)| other.text("/name")).unwrap_or("another name");
    Some(
        base.expected(format!("each pair of issuer and subject once; wanted as `{wanted}`"), "Entra")
            .found(format!("`{name}`: {}, {}", held.text("/issuer").unwrap_or_default(), held.text("/subject").unwrap_or_default()), held.origin("/subject"))
            .mend("keep the old name, or delete the old one first", format!("az identity federated-credential delete --name {name} --identity-name IDENTITY --resource-group RESOURCE_GROUP")),
    )
}

fn too_many(case: &Case<'_>) -> Option<Finding> {
    let all: Vec<&Exhibit> = case.of(Kind::FederatedCredential).collect();
    let said = case.says(&["too many federated", "maximum number of federated", "exceeds the maximum"]);
    if all.len() < MOST || !said && all.len() <= MOST {
        return None;
    }
    Some(
        finding(format!("one identity has at most {MOST} federated credentials"))
            .expected(format!("at most {MOST}"), "Entra")
            .found(all.len().to_string(), all.first()?.file.clone())
            .advice("delete those that nobody uses, or share them out over several identities; `gangplank apply` does so by itself"),
    )
}
