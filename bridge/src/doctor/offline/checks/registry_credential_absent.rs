//! Docker has no credential for the registry's host, or has it for another user of the machine.

use serde_json::Value;

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let anonymous = case.says(&["unauthenticated request", "anonymous token", "no basic auth credentials"]);
    let refused = case.says(&["denied", "unauthorized", "401", "403"]) || case.said.is_empty();
    let host = host(case)?;
    let configs: Vec<&Exhibit> = case.of(Kind::DockerConfig).collect();
    let Some(config) = configs.first() else {
        return anonymous.then(|| by_words(case, &host));
    };
    let holder = configs.iter().find(|it| has_credential(it, &host));
    match holder {
        None if anonymous || refused => Some(absent(&host, config)),
        Some(config) if anonymous => Some(of_another(case, &host, config)),
        None | Some(_) => None,
    }
}

/// The host of the image, in the texts, else in what is deployed or set.
fn host(case: &Case<'_>) -> Option<String> {
    let said = words::registry_host(&case.said).map(str::to_owned);
    let set =
        || case.variables().iter().find_map(|(_, value, _)| words::registry_host(value).map(str::to_owned));
    let fact = || case.fact("image").and_then(|it| words::registry_host(it.0)).map(str::to_owned);
    let named = || {
        let location = words::between(&case.said, "/locations/", "/")?;
        case.says(&["artifactregistry"]).then(|| format!("{location}-docker.pkg.dev"))
    };
    said.or_else(fact).or_else(set).or_else(named)
}

fn has_credential(config: &Exhibit, host: &str) -> bool {
    let key = |map: &str| {
        config.get(map).and_then(Value::as_object).is_some_and(|all| all.keys().any(|it| same_host(it, host)))
    };
    // A store answers for every host that was logged in to; which, the file says below `auths`.
    key("/credHelpers") || key("/auths")
}

fn same_host(entry: &str, host: &str) -> bool {
    let bare = entry.trim_start_matches("https://").trim_start_matches("http://");
    bare.split('/').next() == Some(host)
}

fn base(summary: String) -> Finding {
    Finding::new("client/registry-credential-absent", cause::CREDENTIAL_ABSENT, summary)
}

fn mend(finding: Finding, host: &str) -> Finding {
    if host.ends_with(".azurecr.io") {
        let name = host.trim_end_matches(".azurecr.io");
        return finding
            .mend("let docker log in with your Entra log-in", format!("az acr login --name {name}"));
    }
    finding
        .mend("let docker ask gcloud for this host; the host must be named", format!("gcloud auth configure-docker {host}"))
        .mend("or let it ask Gangplank", "gangplank token install docker".to_owned())
        .mend(
            "or log it in with a token for one hour",
            format!("gcloud auth print-access-token | docker login -u oauth2accesstoken --password-stdin https://{host}"),
        )
}

fn absent(host: &str, config: &Exhibit) -> Finding {
    let names = |map: &str| {
        config
            .get(map)
            .and_then(Value::as_object)
            .map(|all| all.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let mut known = names("/credHelpers");
    known.extend(names("/auths"));
    let found = if known.is_empty() { "no host at all".to_owned() } else { known.join(", ") };
    let finding = base(format!("docker has no credential for `{host}`, so it asks as nobody"))
        .expected(host, "credHelpers or auths, by the exact host")
        .found(found, config.origin("/credHelpers"));
    mend(finding, host)
}

/// The file has the host, and the client still came as nobody: it read another file.
fn of_another(case: &Case<'_>, host: &str, config: &Exhibit) -> Finding {
    let root = case.says(&["sudo "])
        || case.variable("HOME").is_some_and(|it| it.0 == "/root")
        || case.fact("user").is_some_and(|it| it.0 == "root");
    let who = if root { "root, by sudo" } else { "another user, or by another docker (snap, a desktop's)" };
    let finding = base(format!("docker has a credential for `{host}` in a file that it did not read"))
        .expected(host, config.origin("/credHelpers"))
        .found(format!("a request without a credential: docker ran as {who}"), case.talk())
        .confidence(if root { Confidence::Certain } else { Confidence::Likely });
    mend(finding, host).advice("run docker as the user who was logged in, or log that other user in; `DOCKER_CONFIG` names the folder")
}

fn by_words(case: &Case<'_>, host: &str) -> Finding {
    let finding = base(format!("docker asked `{host}` as nobody"))
        .expected(host, "docker's config.json, credHelpers or auths, by the exact host")
        .found("a request without a credential", case.talk())
        .confidence(Confidence::Likely);
    mend(finding, host)
}
