//! What the doctor sees of a bridge, as files that somebody may pass on: claims without a signature, settings, policies, the
//! first refusal. Nothing comes out if anything in them looks like a secret.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::without_secrets;
use crate::doctor::{Answer, Ask, Sight};
use crate::manifest::{LeakKind, secret_kind};
use crate::spec::{Bridge, Team};

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

/// A file that would hold a secret. Names the file and never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` would hold {kind}; nothing was written")]
pub struct Secret {
    /// Which file.
    pub file: &'static str,
    /// What it looks like.
    pub kind: LeakKind,
}

/// Everything that is asked for a team, in the order of the chain.
pub fn questions(bridge: &Bridge, team: &Team) -> Vec<Ask> {
    let google = &bridge.google;
    let (project, pool) = (google.project.clone(), bridge.federation.pool.clone());
    let provider = bridge.federation.provider.clone();
    let service_account = bridge.service_account_email(&team.name);
    let location = google.region().to_owned();
    let repository = bridge.repository_of(team).to_owned();
    vec![
        Ask::EntraToken { scope: format!("{}/.default", bridge.identifier_uri()) },
        Ask::Exchange { pool: pool.clone(), provider: provider.clone() },
        Ask::Pool { project: project.clone(), pool: pool.clone() },
        Ask::Provider { project: project.clone(), pool, provider },
        Ask::Impersonation { service_account: service_account.clone() },
        Ask::ServiceAccountPolicy { project: project.clone(), service_account: service_account.clone() },
        Ask::Upload { project: project.clone(), location: location.clone(), repository: repository.clone() },
        Ask::RepositoryPolicy { project: project.clone(), location, repository },
        Ask::Cluster {
            project,
            location: google.location.clone(),
            cluster: google.cluster.clone(),
            namespace: team.namespace.clone(),
            service_account,
        },
    ]
}

/// The files that the answers come to.
pub fn sheets(seen: &[(Ask, Answer)], now: Timestamp) -> Result<Vec<Sheet>, Secret> {
    let mut sheets = vec![sheet("environment.json", &json!({"time": now.to_string()}))];
    let mut refusals = Vec::new();
    for (ask, answer) in seen {
        sheets.extend(file(ask, answer));
        refusals.extend(refusal(answer));
    }
    // Later attempts are refused because an earlier one was.
    if let Some(first) = refusals.into_iter().next() {
        sheets.push(Sheet { name: "refusal.txt", text: without_secrets(&first) + "\n" });
    }
    gate(sheets)
}

/// Nothing goes out if one file holds a secret.
fn gate(sheets: Vec<Sheet>) -> Result<Vec<Sheet>, Secret> {
    match sheets.iter().find_map(|it| Some(Secret { file: it.name, kind: secret_kind(&it.text)? })) {
        Some(secret) => Err(secret),
        None => Ok(sheets),
    }
}

fn file(ask: &Ask, answer: &Answer) -> Option<Sheet> {
    match (ask, answer) {
        (_, Answer::EntraToken(Sight::Seen(claims))) => Some(sheet("claims.json", claims)),
        (_, Answer::Pool(Sight::Seen(pool))) => Some(sheet("pool.json", pool)),
        (_, Answer::Provider(Sight::Seen(provider))) => Some(sheet("provider.json", provider)),
        (
            Ask::ServiceAccountPolicy { service_account, .. },
            Answer::ServiceAccountPolicy(Sight::Seen(policy)),
        ) => {
            let resource = format!("//iam.googleapis.com/projects/-/serviceAccounts/{service_account}");
            Some(sheet("service-account-policy.json", &json!({"resource": resource, "policy": policy})))
        }
        (
            Ask::RepositoryPolicy { project, location, repository },
            Answer::RepositoryPolicy(Sight::Seen(policy)),
        ) => {
            let resource = format!(
                "//artifactregistry.googleapis.com/projects/{project}/locations/{location}/repositories/{repository}"
            );
            Some(sheet("repository-policy.json", &json!({"resource": resource, "policy": policy})))
        }
        _ => None,
    }
}

fn sheet<T: Serialize>(name: &'static str, value: &T) -> Sheet {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    Sheet { name, text: text + "\n" }
}

/// What an attempt was refused with.
fn refusal(answer: &Answer) -> Option<String> {
    match answer {
        Answer::EntraToken(sight) => words(sight),
        Answer::Exchange(sight)
        | Answer::Impersonation(sight)
        | Answer::Upload(sight)
        | Answer::Cluster(sight) => words(sight),
        _ => None,
    }
}

fn words<T>(sight: &Sight<T>) -> Option<String> {
    sight.refusal().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{PortError, Refused};
    use trust::Claims;

    fn upload() -> Ask {
        Ask::Upload { project: "p".into(), location: "l".into(), repository: "r".into() }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    #[test]
    fn claims_and_the_first_refusal_become_files() {
        let claims = Claims::from_value(json!({"iss": "i", "sub": "s"})).unwrap();
        let refused = |message: &str| {
            Sight::Refused(PortError {
                service: "Google STS",
                kind: Refused::Denied,
                status: None,
                code: None,
                message: message.into(),
                retry_after: None,
            })
        };
        let seen = [
            (Ask::FirstToken, Answer::EntraToken(Sight::Seen(claims))),
            (upload(), Answer::Exchange(refused("first"))),
            (upload(), Answer::Upload(refused("second"))),
        ];
        let sheets = sheets(&seen, now()).unwrap();
        let names: Vec<_> = sheets.iter().map(|it| it.name).collect();
        assert_eq!(names, ["environment.json", "claims.json", "refusal.txt"]);
        assert!(sheets[2].text.contains("first") && !sheets[2].text.contains("second"));
    }

    #[test]
    fn nothing_goes_out_with_a_secret_in_it() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        let claims = Claims::from_value(json!({"iss": "i", "sub": jwt})).unwrap();
        let refused =
            sheets(&[(Ask::FirstToken, Answer::EntraToken(Sight::Seen(claims)))], now()).unwrap_err();
        assert_eq!(refused, Secret { file: "claims.json", kind: LeakKind::SignedToken });
        assert!(!refused.to_string().contains(jwt));
    }
}
