//! No federated credential admits the workload's token: by its issuer, its subject or its audience.

use trust::token::Claims;

use super::refused_by_entra::{CLIENT, Case};
use crate::finding::{Confidence, Finding, cause};

/// The audience that Entra's federated credentials have by rule.
const AUDIENCE: &str = "api://AzureADTokenExchange";

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code = refused.code(&[
        "AADSTS700211",
        "AADSTS700212",
        "AADSTS700213",
        "AADSTS7002131",
        "AADSTS7002137",
        "AADSTS7002138",
        "AADSTS70021",
        "AADSTS70025",
    ])?;
    let finding = match code {
        "AADSTS700211" => part(refused, cause::ISSUER_MISMATCH, "issuer", "iss"),
        "AADSTS700212" => part(refused, cause::AUDIENCE_MISMATCH, "audience", "aud"),
        "AADSTS700213" | "AADSTS7002131" | "AADSTS7002137" | "AADSTS7002138" => {
            part(refused, cause::LITERAL_MISMATCH, "subject", "sub")
        }
        "AADSTS70025" => none(refused),
        _ => some_part(refused),
    };
    let finding = match code {
        "AADSTS7002138" => finding.advice("only capitals differ: write the subject as the token has it"),
        "AADSTS700213" if claim(refused, "sub").is_some_and(|it| it.starts_with("repo:")) => finding.advice(
            "GitHub's subjects carry the ids of owner and repository since July 2026 (`repo:OWNER@ID/REPOSITORY@ID:…`): a \
             credential in the other form does not match",
        ),
        _ => finding,
    };
    Some(see(finding))
}

fn part(refused: &Case<'_>, cause: &'static str, part: &'static str, name: &str) -> Finding {
    let printed = refused.after(&format!("presented assertion {part} '")).or_else(|| refused.quoted());
    let presented = claim(refused, name).or_else(|| printed.map(str::to_owned));
    let expected = match part {
        "audience" => AUDIENCE.to_owned(),
        "issuer" => "the issuer of one of its credentials; a slash at the end counts".to_owned(),
        _ => "the subject of a credential with this issuer; capitals count".to_owned(),
    };
    let value = presented.as_deref().map(|it| format!(" `{it}`")).unwrap_or_default();
    let summary = format!("no federated credential of the caller's application admits the {part}{value}");
    let finding = refused
        .finding("azure/no-federated-credential", cause, summary)
        .expected(expected, format!("the application's federated credentials, `{part}`"));
    match presented {
        Some(presented) => {
            let claim = format!("claim `{name}` of the token that the caller logs in with");
            finding.found(presented, refused.place(name, claim))
        }
        // Entra's own words stay.
        None => finding,
    }
}

fn none(refused: &Case<'_>) -> Finding {
    let client = refused.quoted().unwrap_or("not seen").to_owned();
    refused
        .finding(
            "azure/no-federated-credential",
            cause::OBJECT_MISSING,
            "the application that the caller logs in as has no federated credential",
        )
        .expected("one for this workload's issuer and subject", "the application's federated credentials")
        .found(format!("none on `{client}`"), "Entra's answer")
}

/// Entra's older wording, which does not tell the part.
fn some_part(refused: &Case<'_>) -> Finding {
    let told = [("issuer", "iss", "Issuer"), ("subject", "sub", "Subject"), ("audience", "aud", "Audience")];
    let each = told.into_iter().filter_map(|(part, name, printed)| {
        let printed = || refused.after(&format!("Assertion {printed}: '")).map(str::to_owned);
        Some(format!("{part} {}", claim(refused, name).or_else(printed)?))
    });
    let presented = each.collect::<Vec<_>>().join(", ");
    let finding = refused
        .finding(
            "azure/no-federated-credential",
            cause::LITERAL_MISMATCH,
            "no federated credential of the caller's application admits the token",
        )
        .expected(
            "one credential with exactly its issuer, subject and audience",
            "the application's federated credentials",
        )
        .confidence(Confidence::Possible);
    if presented.is_empty() { finding } else { finding.found(presented, refused.said()) }
}

fn see(finding: Finding) -> Finding {
    finding
        .look(
            "compare with what there is, character by character",
            format!("az ad app federated-credential list --id {CLIENT}"),
        )
        .advice("a new credential takes about two minutes to count: if it is there and equal, try again then")
}

/// The claim of the token that the caller logs in with, where it could be seen.
fn claim(refused: &Case<'_>, name: &str) -> Option<String> {
    let claims = refused.claims()?;
    match name {
        "aud" => Some(Claims::audiences(claims).join(", ")),
        name => claims.text(name).map(str::to_owned),
    }
}
