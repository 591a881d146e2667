//! The token against the federated credentials, as Entra compares them: issuer, subject, audience, each exactly. A live walk
//! sees no credentials, so what Entra's words alone say is told by the walk.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use trust::entra::{Assertion, FederatedCredential, match_assertion};
use trust::token::Claims;

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

const CODE: &str = "azure/no-federated-credential";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const MISSING: [&str; 9] = [
    "aadsts700211",
    "aadsts700212",
    "aadsts700213",
    "aadsts7002131",
    "aadsts7002137",
    "aadsts7002138",
    "aadsts70021",
    "aadsts70025",
    "no matching federated identity",
];

/// What is presented, with the place of each part.
struct Presented {
    claims: Claims,
    origin: Box<dyn Fn(&str) -> String>,
}

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    // A snapshot's credentials are of the way back; what was refused in it is on the way across.
    if case.of(Kind::Attempts).next().is_some() {
        return None;
    }
    let said = case.says(&MISSING);
    if !said
        && (case.of(Kind::FederatedCredential).next().is_none() || case.provider().is_some())
        && case.none_of(Kind::FederatedCredential).is_none()
    {
        return None;
    }
    if let Some(none) = case.none_of(Kind::FederatedCredential) {
        return Some(nothing(case, none.origin("")));
    }
    let seen: Vec<(&Exhibit, FederatedCredential)> =
        case.of(Kind::FederatedCredential).map(|it| (it, credential(it))).collect();
    let presented = presented(case).filter(|_| !seen.is_empty())?;
    let credentials: Vec<FederatedCredential> = seen.iter().map(|(_, it)| it.clone()).collect();
    let assertion = Assertion { client: "", claims: &presented.claims, entra_issuers: &[] };
    let now = presented.claims.issued_at().unwrap_or(Timestamp::UNIX_EPOCH);
    match match_assertion(&credentials, &assertion, now) {
        Ok(matched) => said.then(|| not_yet(case, &seen, &matched.name)),
        Err(refusal) => Some(match refusal.code {
            700_211 => issuer(&seen, &presented),
            700_212 => audience(&seen, &presented),
            700_213 | 7_002_138 => subject(&seen, &presented),
            _ => return None,
        }),
    }
}

fn credential(exhibit: &Exhibit) -> FederatedCredential {
    let text = |pointer: &str| exhibit.text(pointer).unwrap_or_default().to_owned();
    FederatedCredential {
        name: text("/name"),
        issuer: text("/issuer"),
        subject: text("/subject"),
        expression: exhibit
            .get("/claimsMatchingExpression")
            .and_then(|it| serde_json::from_value(it.clone()).ok()),
        audiences: exhibit.texts("/audiences").into_iter().map(str::to_owned).collect(),
    }
}

/// The token, else what Entra printed of it; what neither tells is taken to be right.
fn presented(case: &Case<'_>) -> Option<Presented> {
    let printed = printed(case);
    let tokens = case.tokens();
    let fits = |claims: &Claims| {
        printed.iter().all(|(name, value)| claims.get(name).is_none_or(|own| own == value || *name == "aud"))
    };
    let token = tokens.iter().find(|it| fits(&it.claims));
    let mut map = token.map(|it| it.claims.as_map().clone()).unwrap_or_default();
    if token.is_none() && printed.is_empty() {
        return None;
    }
    let mut places = Vec::new();
    for (name, value) in printed {
        if !map.contains_key(name) {
            map.insert(name.to_owned(), value);
            places.push((name, case.talk()));
        }
    }
    complete(&mut map, case);
    let lines: Vec<(String, String)> = map
        .keys()
        .map(|name| {
            (
                name.clone(),
                token.map_or_else(|| case.talk(), |it| it.exhibit.origin(&format!("/claims/{name}"))),
            )
        })
        .collect();
    let origin = move |name: &str| {
        let by_text = places.iter().find(|(own, _)| *own == name).map(|it| it.1.clone());
        by_text
            .or_else(|| lines.iter().find(|(own, _)| own == name).map(|it| it.1.clone()))
            .unwrap_or_default()
    };
    Some(Presented { claims: Claims::from_map(map), origin: Box::new(origin) })
}

/// The parts that Entra prints of what was presented.
fn printed(case: &Case<'_>) -> Vec<(&'static str, Value)> {
    let said = &case.said;
    let marks = [
        ("iss", ["Assertion Issuer: '", "presented assertion issuer '"]),
        ("sub", ["Assertion Subject: '", "presented assertion subject '"]),
        ("aud", ["Assertion Audience: '", "presented assertion audience '"]),
    ];
    let found = |(name, marks): (&'static str, [&str; 2])| {
        let text = marks.iter().find_map(|mark| words::between(said, mark, "'"))?;
        Some((name, json!(text)))
    };
    marks.into_iter().filter_map(found).collect()
}

/// Fills in what an excerpt leaves out, from the credential that fits best.
fn complete(map: &mut Map<String, Value>, case: &Case<'_>) {
    let matches = |it: &&Exhibit| {
        ["iss", "sub"]
            .iter()
            .zip(["/issuer", "/subject"])
            .any(|(name, at)| map.get(*name).and_then(Value::as_str) == it.text(at))
    };
    let all: Vec<&Exhibit> = case.of(Kind::FederatedCredential).collect();
    let best = all.iter().copied().find(|it| matches(it)).or_else(|| all.first().copied());
    let Some(best) = best else { return };
    for (name, at) in [("iss", "/issuer"), ("sub", "/subject"), ("aud", "/audiences/0")] {
        if let (false, Some(value)) = (map.contains_key(name), best.get(at)) {
            map.insert(name.to_owned(), value.clone());
        }
    }
    let times = ["iat", "exp", "nbf"].iter().any(|it| map.contains_key(*it));
    if !times {
        map.insert("iat".to_owned(), json!(1_700_000_000));
        map.insert("exp".to_owned(), json!(1_700_003_600));
    }
    if !map.contains_key("exp") || !map.contains_key("iat") {
        let known = map
            .get("iat")
            .or_else(|| map.get("exp"))
            .or_else(|| map.get("nbf"))
            .and_then(Value::as_i64)
            .unwrap_or_default();
        map.insert("iat".to_owned(), json!(known));
        map.insert("exp".to_owned(), json!(known + 3600));
    }
}

fn issuer(seen: &[(&Exhibit, FederatedCredential)], presented: &Presented) -> Finding {
    let own = presented.claims.issuer().unwrap_or("none");
    let bare = |it: &str| {
        it.trim_end_matches('/')
            .trim_start_matches("https://")
            .trim_start_matches("http://")
            .replace("//", "/")
            .to_lowercase()
    };
    let near = seen.iter().find(|(_, it)| bare(&it.issuer) == bare(own));
    let subject = presented.claims.subject().unwrap_or_default();
    let best = near.or_else(|| seen.iter().find(|(_, it)| it.subject == subject)).or_else(|| seen.first());
    let finding = differs(
        cause::ISSUER_MISMATCH,
        "issuer",
        best.map(|it| (it.0, "/issuer", it.1.issuer.clone())),
        own,
        (presented.origin)("iss"),
    );
    let finding = if near.is_some() {
        finding.advice("only slashes, capitals or the scheme differ, and Entra compares exactly")
    } else {
        finding
    };
    update(finding, best, "issuer", own)
}

fn subject(seen: &[(&Exhibit, FederatedCredential)], presented: &Presented) -> Finding {
    let own = presented.claims.subject().unwrap_or("none");
    let issuer = presented.claims.issuer().unwrap_or_default();
    let same: Vec<&(&Exhibit, FederatedCredential)> =
        seen.iter().filter(|(_, it)| it.issuer == issuer).collect();
    let near = same.iter().find(|(_, it)| it.subject.eq_ignore_ascii_case(own));
    let without_ids = without_ids(own);
    let immutable = same.iter().find(|(_, it)| without_ids != own && it.subject == without_ids);
    let best = near.or(immutable).or_else(|| same.first()).copied();
    let finding = differs(
        cause::LITERAL_MISMATCH,
        "subject",
        best.map(|it| (it.0, "/subject", it.1.subject.clone())),
        own,
        (presented.origin)("sub"),
    );
    let finding = if near.is_some() {
        finding.advice(
            "only capitals differ, and Entra compares exactly: owner, repository and environment all count",
        )
    } else if immutable.is_some() || own.contains('@') && own.starts_with("repo:") {
        finding.advice("GitHub's subjects carry the ids of owner and repository since July 2026: write the subject as the token has it")
    } else {
        finding.advice("if this caller should come in, give it a credential of its own with exactly this subject; leave the others as they are")
    };
    if near.is_some() || immutable.is_some() {
        return update(finding, best, "subject", own);
    }
    create(finding, issuer, own)
}

/// `repo:owner@1/name@2:…` → `repo:owner/name:…`.
fn without_ids(subject: &str) -> String {
    let mut out = String::new();
    let mut rest = subject;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let digits = after.chars().skip(1).take_while(char::is_ascii_digit).count();
        if digits == 0 {
            out.push('@');
        }
        rest = after.get(1 + digits..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn audience(seen: &[(&Exhibit, FederatedCredential)], presented: &Presented) -> Finding {
    let own = presented.claims.audiences().join(", ");
    let subject = presented.claims.subject().unwrap_or_default();
    let best = seen.iter().find(|(_, it)| it.subject == subject).or_else(|| seen.first());
    let finding = differs(
        cause::AUDIENCE_MISMATCH,
        "audience",
        best.map(|it| (it.0, "/audiences", it.1.audiences.join(", "))),
        &own,
        (presented.origin)("aud"),
    );
    finding.advice(format!("ask for the token with the audience `{AUDIENCE}`: on Kubernetes by a projected volume, on GitHub by `audience`"))
}

fn differs(
    cause: &'static str,
    part: &str,
    best: Option<(&Exhibit, &str, String)>,
    own: &str,
    origin: String,
) -> Finding {
    let finding = Finding::new(CODE, cause, format!("no federated credential admits the {part} `{own}`"))
        .found(own, origin);
    match best {
        Some((exhibit, pointer, value)) => finding.expected(value, exhibit.origin(pointer)),
        None => finding,
    }
}

fn update(
    finding: Finding,
    best: Option<&(&Exhibit, FederatedCredential)>,
    part: &str,
    value: &str,
) -> Finding {
    let Some((exhibit, credential)) = best else { return finding };
    let name = &credential.name;
    let identity = exhibit
        .text("/id")
        .and_then(|id| Some(id.split_once("/userAssignedIdentities/")?.1.split('/').next()?.to_owned()));
    match identity {
        Some(identity) => {
            let group = exhibit.text("/resourceGroup").unwrap_or("RESOURCE_GROUP");
            finding.mend(
                "write it as the token has it",
                format!("az identity federated-credential update --name {name} --identity-name {identity} --resource-group {group} --{part} '{value}'"),
            )
        }
        None => finding.mend(
            "write it as the token has it",
            format!("az ad app federated-credential update --id APP_ID --federated-credential-id {name} --parameters '{{\"{part}\":\"{value}\"}}'"),
        ),
    }
}

fn create(finding: Finding, issuer: &str, subject: &str) -> Finding {
    finding.mend(
        "give this subject a credential",
        format!("az ad app federated-credential create --id APP_ID --parameters '{{\"name\":\"NAME\",\"issuer\":\"{issuer}\",\"subject\":\"{subject}\",\"audiences\":[\"{AUDIENCE}\"]}}'"),
    )
}

fn nothing(case: &Case<'_>, origin: String) -> Finding {
    let presented = presented(case);
    let issuer = presented.as_ref().and_then(|it| it.claims.issuer()).unwrap_or("ISSUER").to_owned();
    let subject = presented.as_ref().and_then(|it| it.claims.subject()).unwrap_or("SUBJECT").to_owned();
    let finding =
        Finding::new(CODE, cause::OBJECT_MISSING, "the application has no federated credential at all")
            .expected(
                format!("one for issuer {issuer} and subject {subject}"),
                "the application's federated credentials",
            )
            .found("none", origin);
    create(finding, &issuer, &subject)
        .advice("see that it is the right application or identity: the client id decides")
}

/// Everything agrees, and Entra still refuses.
fn not_yet(case: &Case<'_>, seen: &[(&Exhibit, FederatedCredential)], name: &str) -> Finding {
    let matched = seen.iter().find(|(_, it)| it.name == name);
    let place = matched.map_or_else(String::new, |(it, _)| it.origin("/issuer"));
    Finding::new("azure/federated-credential-not-honoured-yet", cause::PROPAGATION, format!("federated credential `{name}` admits this token, and Entra does not honour it yet"))
        .expected("issuer, subject and audience as in the token: they are", place)
        .found("refused all the same", case.talk())
        .confidence(Confidence::Likely)
        .advice("wait up to ten minutes after the last write, and let the client drop what it keeps: make its pod anew")
        .advice("if it lasts longer, delete this credential and create it again, alone: of several written to one identity at the same time, one may be lost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_from_subjects() {
        for (subject, expected) in [
            ("repo:a@1/b@23:ref:x", "repo:a/b:ref:x"),
            ("repo:a/b:environment:x@y", "repo:a/b:environment:x@y"),
        ] {
            assert_eq!(without_ids(subject), expected);
        }
    }
}
