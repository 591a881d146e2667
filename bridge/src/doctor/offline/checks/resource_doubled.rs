//! The resource that a token is asked for holds its own prefix twice.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let request = case.of(Kind::TokenRequest).find_map(|it| {
        let pointer = ["/scope", "/resource"].into_iter().find(|at| it.text(at).is_some_and(is_doubled))?;
        Some((it.text(pointer)?.to_owned(), it.origin(pointer), Confidence::Certain))
    });
    let said = || {
        let named = words::words(&case.said).find(|word| is_doubled(word))?;
        Some((named.to_owned(), case.said_in(&named.to_lowercase()), Confidence::Certain))
    };
    if let Some((found, origin, sure)) = request.or_else(said) {
        let once = found.get(found.rfind("api://")?..)?.to_owned();
        let finding = finding("the resource that the token is asked for holds `api://` twice")
            .expected(expected(case).unwrap_or(once), place(case))
            .found(found, origin)
            .confidence(sure);
        let variable = case.variables().into_iter().find(|(name, value, _)| {
            (name.contains("SCOPE") || name.contains("RESOURCE") || name.contains("AUDIENCE"))
                && value.contains("api://")
        });
        return Some(match variable {
            Some((name, value, place)) => finding.advice(format!("`{name}` is `{value}` ({place}), and the program puts the identifier in front again: give only the scope's name")),
            None => finding.advice("give only the scope's name where the program puts the identifier in front, or the whole once"),
        });
    }
    unknown(case)
}

/// The resource is not one of the application's that was shown.
fn unknown(case: &Case<'_>) -> Option<Finding> {
    if !case.says(&["aadsts500011"]) {
        return None;
    }
    let found = words::between(&case.said, "principal named ", " was not found")?;
    let own = expected(case).filter(|own| !own.contains(found))?;
    Some(
        finding("the resource that the token is asked for is not in the tenant")
            .expected(own, place(case))
            .found(found, case.said_in("aadsts500011"))
            .mend(
                "to see the application's identifiers",
                "az ad app show --id APP_ID --query identifierUris",
            ),
    )
}

fn expected(case: &Case<'_>) -> Option<String> {
    let all: Vec<&str> = case.of(Kind::Application).flat_map(|it| it.texts("/identifierUris")).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn place(case: &Case<'_>) -> String {
    let application: Option<&Exhibit> = case.of(Kind::Application).next();
    application
        .map_or_else(|| "the application's identifier URIs".to_owned(), |it| it.origin("/identifierUris"))
}

fn is_doubled(text: &str) -> bool {
    text.split([' ', '+']).any(|one| {
        one.matches("api://").count() > 1 || one.matches("https://").count() > 1 && one.ends_with(".default")
    })
}

fn finding(summary: &str) -> Finding {
    Finding::new("azure/resource-unknown", cause::AUDIENCE_MISMATCH, summary)
}
