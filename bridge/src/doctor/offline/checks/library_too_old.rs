//! A client of a version that is known not to manage what is asked of it.

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Finding, cause};

/// A client, the first version that manages, and what the ones before do not.
struct Known {
    names: &'static [&'static str],
    since: &'static [u64],
    lacks: &'static str,
    /// Needles without which the version is no explanation of what failed.
    when: &'static [&'static str],
}

/// The versions are not checked yet against the release notes of each client. For the metadata server see the documentation of Workload Identity Federation for GKE
/// (`https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#limitations`).
const KNOWN: &[Known] = &[
    Known {
        names: &[
            "google-auth-library-credentials",
            "google-auth-library-oauth2-http",
            "com.google.auth:google-auth-library-credentials",
            "com.google.auth:google-auth-library-oauth2-http",
        ],
        since: &[0, 16, 2],
        lacks: "it does not send the header `Metadata-Flavor: Google`, which GKE's metadata server asks for",
        when: &["metadata"],
    },
    Known {
        names: &["google-auth", "google-auth-library-python"],
        since: &[1, 27, 0],
        lacks: "it knows no `external_account` credentials",
        when: &["external_account", "has no valid type", "type is external"],
    },
    Known {
        names: &["google-auth-library", "google-auth-library-nodejs"],
        since: &[7, 0, 0],
        lacks: "it knows no `external_account` credentials",
        when: &["external_account", "has no valid type"],
    },
    Known {
        names: &["Google Cloud SDK", "gcloud"],
        since: &[363, 0, 0],
        lacks: "it cannot log in with an `external_account` file",
        when: &["external_account", "invalid json", "cred-file"],
    },
    Known {
        names: &["kubectl"],
        since: &[1, 26, 0],
        lacks: "its built-in `gcp` log-in is of another time; from 1.26 on it takes `gke-gcloud-auth-plugin`",
        when: &["no auth provider found for name \"gcp\"", "auth-provider"],
    },
    Known {
        names: &["azure-identity", "azure_identity"],
        since: &[1, 13, 0],
        lacks: "its `DefaultAzureCredential` knows no workload identity",
        when: &["workload identity", "workloadidentitycredential", "azure_federated_token_file"],
    },
];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    KNOWN.iter().find_map(|known| {
        let (name, version, origin) = version(case, known.names)?;
        if !is_before(&version, known.since) || !case.says(known.when) {
            return None;
        }
        let since = written(known.since);
        Some(
            Finding::new(
                "client/library-too-old",
                cause::CLIENT_VERSION,
                format!("`{name}` {version} is too old: {}", known.lacks),
            )
            .expected(format!("{since} or newer"), format!("the release notes of `{name}`"))
            .found(version, origin)
            .advice(format!("take `{name}` {since} or newer")),
        )
    })
}

/// The version of one of these clients, with its place.
pub(super) fn version<'c>(case: &Case<'c>, names: &[&'c str]) -> Option<(&'c str, String, String)> {
    let told = |name: &&'c str| {
        let key = name.replace('~', "~0").replace('/', "~1");
        let pointers = [format!("/versions/{key}"), format!("/{key}")];
        case.of(Kind::Environment).find_map(|it| {
            let at = pointers.iter().find(|at| it.text(at).is_some())?;
            Some((
                *name,
                it.text(at)?.trim_start_matches(['v', '<', '=', '~', '^', ' ']).to_owned(),
                it.origin(at),
            ))
        })
    };
    names.iter().find_map(told)
}

/// Whether a version is older than another.
pub(super) fn is_before(version: &str, since: &[u64]) -> bool {
    let numbers: Vec<u64> = version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
    !numbers.is_empty() && numbers.as_slice() < since
}

fn written(version: &[u64]) -> String {
    version.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        for (version, expected) in
            [("0.15.0", true), ("0.16.2", false), ("0.9.1", true), ("1.0", false), ("latest", false)]
        {
            assert_eq!(is_before(version, &[0, 16, 2]), expected, "{version}");
        }
    }
}
