//! A client of a version that is known not to manage what is asked of it.

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

/// A client, the first version that manages, and what the ones before do not.
struct Known {
    names: &'static [&'static str],
    since: &'static [u64],
    lacks: &'static str,
    /// Needles without which the version is no explanation of what failed.
    when: &'static [&'static str],
    /// Who says that it is this version.
    source: &'static str,
    /// Likely where the source does not say in so many words which version it was.
    confidence: Confidence,
}

/// The names of Google's library for Java.
const GOOGLE_AUTH_JAVA: &[&str] = &[
    "google-auth-library-credentials",
    "google-auth-library-oauth2-http",
    "com.google.auth:google-auth-library-credentials",
    "com.google.auth:google-auth-library-oauth2-http",
];
const NO_EXTERNAL_ACCOUNT: &str = "it knows no `external_account` credentials";
const EXTERNAL_ACCOUNT: &[&str] = &["external_account", "has no valid type"];

/// Looked up on 2026-11-28. Versions of kubectl are not here: what lacks the `gcp` log-in is a kubectl that is too new for its
/// kubeconfig, which `exec_plugin_fails` tells.
const KNOWN: &[Known] = &[
    Known {
        names: GOOGLE_AUTH_JAVA,
        since: &[0, 16, 2],
        lacks: "it does not send the header `Metadata-Flavor: Google`, which GKE's metadata server asks for",
        when: &["metadata"],
        // The mend is pull request 283; the release is named by whoever met it: `https://github.com/spotify/ffwd/pull/164`.
        source: "https://github.com/googleapis/google-auth-library-java/pull/283",
        confidence: Confidence::Certain,
    },
    Known {
        names: GOOGLE_AUTH_JAVA,
        since: &[0, 24, 0],
        lacks: NO_EXTERNAL_ACCOUNT,
        when: EXTERNAL_ACCOUNT,
        source: "https://github.com/googleapis/google-auth-library-java/pull/575",
        confidence: Confidence::Certain,
    },
    Known {
        names: &["google-auth", "google-auth-library-python"],
        since: &[1, 27, 0],
        lacks: NO_EXTERNAL_ACCOUNT,
        when: &["external_account", "has no valid type", "type is external"],
        source: "https://github.com/googleapis/google-auth-library-python/blob/main/CHANGELOG.md",
        confidence: Confidence::Certain,
    },
    Known {
        // A breaking change to 6; the notes of the release that has it could not be read.
        names: &["google-auth-library", "google-auth-library-nodejs"],
        since: &[7, 0, 0],
        lacks: NO_EXTERNAL_ACCOUNT,
        when: EXTERNAL_ACCOUNT,
        source: "https://github.com/googleapis/google-auth-library-nodejs/pull/1052",
        confidence: Confidence::Likely,
    },
    Known {
        // What Google's action for workflows asks for beside workload identity federation; no notes say it of the log-in itself.
        names: &["Google Cloud SDK", "gcloud"],
        since: &[363, 0, 0],
        lacks: "it cannot log in with an `external_account` file",
        when: &["external_account", "invalid json", "cred-file"],
        source: "https://github.com/google-github-actions/setup-gcloud",
        confidence: Confidence::Likely,
    },
    azure_identity(&["azure-identity"], &[1, 13, 0]),
    azure_identity(&["com.azure:azure-identity", "Azure.Identity"], &[1, 9, 0]),
    azure_identity(&["@azure/identity"], &[3, 2, 0]),
    azure_identity(&["azidentity", "github.com/Azure/azure-sdk-for-go/sdk/azidentity"], &[1, 3, 0]),
];

/// Microsoft's library for one language: what its table of the least versions, of every language, says.
const fn azure_identity(names: &'static [&'static str], since: &'static [u64]) -> Known {
    Known {
        names,
        since,
        lacks: "its `DefaultAzureCredential` knows no workload identity",
        when: &["workload identity", "workloadidentitycredential", "azure_federated_token_file"],
        source: "https://learn.microsoft.com/azure/aks/workload-identity-overview#azure-identity-client-libraries",
        confidence: Confidence::Certain,
    }
}

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    KNOWN.iter().find_map(|known| {
        let (name, version, origin) = version(case, known.names)?;
        if !is_before(&version, known.since) || !case.says(known.when) {
            return None;
        }
        let since = written(known.since);
        let is = if known.confidence == Confidence::Certain { "is" } else { "is probably" };
        Some(
            Finding::new(
                "client/library-too-old",
                cause::CLIENT_VERSION,
                format!("`{name}` {version} {is} too old: {}", known.lacks),
            )
            .confidence(known.confidence)
            .expected(format!("{since} or newer"), known.source)
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

pub(super) fn written(version: &[u64]) -> String {
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

    #[test]
    fn every_limit_names_who_says_so() {
        for known in KNOWN {
            assert!(known.source.starts_with("https://"), "{:?}", known.names);
            assert!(!known.when.is_empty(), "{:?}", known.names);
        }
    }
}
