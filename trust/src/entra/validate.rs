//! What Entra refuses when somebody writes federated credentials, before any assertion is seen.
//! <https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-considerations>

use super::FederatedCredential;

/// Federated credentials that one application or managed identity may have.
pub const MOST_CREDENTIALS: usize = 20;
/// Characters of an issuer, a subject and an audience.
const LENGTH: usize = 600;
/// Characters of a name.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=120;

/// Everything Entra would refuse about the credentials of one identity, in our words; empty if it would take them.
pub fn validate(credentials: &[FederatedCredential]) -> Vec<String> {
    let mut found = Vec::new();
    if credentials.len() > MOST_CREDENTIALS {
        found.push(format!(
            "{} federated credentials, expected at most {MOST_CREDENTIALS}",
            credentials.len()
        ));
    }
    for (place, credential) in credentials.iter().enumerate() {
        found.extend(
            faults(credential).into_iter().map(|fault| format!("credential `{}`: {fault}", credential.name)),
        );
        let same = |other: &&FederatedCredential| {
            (&other.issuer, &other.subject, &other.expression)
                == (&credential.issuer, &credential.subject, &credential.expression)
        };
        if let Some(other) = credentials.iter().take(place).find(same) {
            found.push(format!(
                "credential `{}`: issuer and subject are those of `{}`, expected another combination",
                credential.name, other.name
            ));
        }
    }
    found
}

fn faults(credential: &FederatedCredential) -> Vec<String> {
    let mut found = Vec::new();
    let length = credential.name.chars().count();
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let starts = credential.name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !NAME_LENGTH.contains(&length) || !starts || !credential.name.chars().all(fits) {
        found.push(
            "the name needs 3 to 120 letters, digits, `-` or `_`, and a letter or digit first".to_owned(),
        );
    }
    let audiences = credential.audiences.len();
    if audiences != 1 {
        found.push(format!("{audiences} audiences, expected exactly one"));
    }
    if !credential.issuer.starts_with("https://") {
        found.push(format!("the issuer `{}` is no address that starts with `https://`", credential.issuer));
    }
    let long = [("issuer", &credential.issuer), ("subject", &credential.subject)];
    let long = long.into_iter().chain(credential.audiences.iter().map(|audience| ("audience", audience)));
    for (part, text) in long.filter(|(_, text)| text.chars().count() > LENGTH) {
        found.push(format!("the {part} has {} characters, expected at most {LENGTH}", text.chars().count()));
    }
    match &credential.expression {
        None if credential.subject.is_empty() => {
            found.push("no subject, and no expression either".to_owned());
        }
        Some(_) if !credential.subject.is_empty() => {
            found.push("a subject and an expression, expected one of them".to_owned());
        }
        Some(expression) => found.extend(expression.fault(&credential.issuer)),
        None => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::ClaimsExpression;

    fn credential(name: &str, subject: &str) -> FederatedCredential {
        FederatedCredential {
            name: name.to_owned(),
            issuer: "https://issuer.example".to_owned(),
            subject: subject.to_owned(),
            audiences: vec!["api://AzureADTokenExchange".to_owned()],
            expression: None,
        }
    }

    #[test]
    fn faults_are_named() {
        let good = credential("ci", "s");
        let expression = ClaimsExpression { value: "claims['sub'] eq 'x'".into(), language_version: 1 };
        let name = |name: &str| format!("credential `{name}`: ");
        let table = [
            (vec![credential("ci-1", "s")], vec![]),
            (
                vec![good.clone()],
                vec![
                    name("ci")
                        + "the name needs 3 to 120 letters, digits, `-` or `_`, and a letter or digit first",
                ],
            ),
            (
                vec![FederatedCredential {
                    audiences: vec![],
                    issuer: "http://i".into(),
                    ..credential("one", "s")
                }],
                vec![
                    name("one") + "0 audiences, expected exactly one",
                    name("one") + "the issuer `http://i` is no address that starts with `https://`",
                ],
            ),
            (vec![credential("one", "")], vec![name("one") + "no subject, and no expression either"]),
            (
                vec![FederatedCredential { expression: Some(expression.clone()), ..credential("one", "s") }],
                vec![name("one") + "a subject and an expression, expected one of them"],
            ),
            (
                vec![FederatedCredential { expression: Some(expression), ..credential("one", "") }],
                vec![
                    name("one")
                        + "tokens of `https://issuer.example` cannot be matched by an expression, only those of GitHub, GitLab and Terraform Cloud",
                ],
            ),
            (
                vec![credential("one", "s"), credential("two", "s")],
                vec![name("two") + "issuer and subject are those of `one`, expected another combination"],
            ),
            (
                vec![credential("one", &"s".repeat(601))],
                vec![name("one") + "the subject has 601 characters, expected at most 600"],
            ),
        ];
        for (credentials, expected) in table {
            assert_eq!(validate(&credentials), expected);
        }
        let many: Vec<_> =
            (0..21).map(|number| credential(&format!("c-{number}"), &number.to_string())).collect();
        assert_eq!(validate(&many), ["21 federated credentials, expected at most 20"]);
    }
}
