//! The rules that both clouds and Kubernetes have for names.

use crate::model_ref::is_model_name;
use crate::name::is_dns_label;

/// One rule for a text.
pub(super) struct Rule {
    /// What the text should be, as in "`x` is no …".
    pub(super) what: &'static str,
    /// What would be right, as in "expected …".
    pub(super) expected: &'static str,
    /// Whether a text follows the rule.
    pub(super) holds: fn(&str) -> bool,
}

pub(super) const BRIDGE_NAME: Rule = Rule {
    what: "bridge name",
    expected: "1 to 32 of `a-z`, `0-9` and `-`, with no hyphen at either end",
    holds: |text| text.len() <= 32 && is_dns_label(text),
};

/// The team's service account is `gp-NAME`, of which Google wants 6 to 30 characters.
pub(super) const TEAM_NAME: Rule = Rule {
    what: "team name",
    expected: "3 to 24 of `a-z`, `0-9` and `-`, with no hyphen at either end",
    holds: |text| (3..=24).contains(&text.len()) && is_dns_label(text),
};

pub(super) const NAMESPACE: Rule = Rule {
    what: "namespace",
    expected: "1 to 63 of `a-z`, `0-9` and `-`, with no hyphen at either end",
    holds: is_dns_label,
};

/// Kubernetes wants a letter at the beginning of a Service's name.
pub(super) const SERVICE_NAME: Rule = Rule {
    what: "service name",
    expected: "1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter, with no hyphen at the end",
    holds: |text| is_dns_label(text) && begins_with_letter(text),
};

pub(super) const IDENTITY_NAME: Rule = Rule {
    what: "identity name",
    expected: "1 to 64 letters, digits, spaces, `.`, `_` and `-`",
    holds: |text| {
        (1..=64).contains(&text.len())
            && text.trim() == text
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-".contains(&byte))
    },
};

/// Entra allows more; this much can stand in an IAM member string.
pub(super) const APP_ROLE: Rule = Rule {
    what: "app role value",
    expected: "1 to 120 letters, digits, `.`, `_`, `:` and `-`, the first a letter or a digit, and not a GUID",
    holds: |text| {
        (1..=120).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
            && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
            // It would stand for a group in the attribute mapping.
            && !crate::name::is_guid(&text.to_lowercase())
    },
};

/// A user principal name, or an object id: <https://learn.microsoft.com/graph/api/resources/user> (`userPrincipalName`). At most
/// 113 characters: <https://learn.microsoft.com/microsoft-365/enterprise/prepare-for-directory-synchronization>.
pub(super) const PERSON: Rule = Rule {
    what: "user principal name or object id",
    expected: "`NAME@DOMAIN`, as in `dana@harbour.example`, or the user's object id, a GUID",
    holds: |text| crate::name::is_guid(&text.to_lowercase()) || is_user_principal_name(text),
};

fn is_user_principal_name(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let wider = |byte: u8| plain(byte) || b"'!#^~+&$%*=?{}|`".contains(&byte);
    text.len() <= 113
        && !name.is_empty()
        && name.bytes().all(wider)
        && domain.contains('.')
        && domain.bytes().all(plain)
}

/// The workload's Google service account is `gpw-NAME`, of which Google wants 6 to 30 characters; its federated
/// credential has the name itself, of which Azure wants 3 to 120.
pub(super) const WORKLOAD_NAME: Rule = Rule {
    what: "workload name",
    expected: "3 to 26 of `a-z`, `0-9` and `-`, with no hyphen at either end",
    holds: |text| (3..=26).contains(&text.len()) && is_dns_label(text),
};

/// Kubernetes allows dots, too; a label is what every other place takes.
pub(super) const SERVICE_ACCOUNT: Rule = Rule {
    what: "service account name",
    expected: "1 to 63 of `a-z`, `0-9` and `-`, with no hyphen at either end",
    holds: is_dns_label,
};

pub(super) const RESOURCE_GROUP: Rule = Rule {
    what: "resource group",
    expected: "1 to 90 letters, digits, `.`, `_`, `-` and parentheses, with no dot at the end",
    holds: |text| {
        let characters = text.chars().count();
        (1..=90).contains(&characters)
            && text.chars().all(|character| character.is_alphanumeric() || "._-()".contains(character))
            && !text.ends_with('.')
    },
};

/// The rule of the Azure ML API for datastores.
pub(super) const DATASTORE: Rule = Rule {
    what: "datastore",
    expected: "1 to 255 letters, digits and `_`",
    holds: |text| {
        (1..=255).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    },
};

pub(super) const SIGNING_KEY: Rule = Rule {
    what: "version of a key in Cloud KMS",
    expected: "`gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V`",
    holds: |text| crate::signing_key::SigningKey::parse(text).is_ok(),
};

pub(super) const WORKSPACE: Rule = Rule {
    what: "Azure ML workspace",
    expected: "3 to 33 letters, digits, `-` and `_`, the first a letter or a digit",
    holds: |text| {
        (3..=33).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
    },
};

pub(super) const PROJECT: Rule = Rule {
    what: "project id",
    expected: "6 to 30 of `a-z`, `0-9` and `-`, beginning with a letter (the id, not the name or the number)",
    holds: |text| (6..=30).contains(&text.len()) && is_dns_label(text) && begins_with_letter(text),
};

pub(super) const PROJECT_NUMBER: Rule = Rule {
    what: "project number",
    expected: "digits, as `gcloud projects describe PROJECT --format='value(projectNumber)'` tells them",
    holds: |text| {
        (5..=20).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && !text.starts_with('0')
    },
};

pub(super) const LOCATION: Rule = Rule {
    what: "Google location",
    expected: "a region or a zone, as in `europe-west4` or `europe-west4-a`",
    holds: |text| text.len() <= 40 && is_dns_label(text) && begins_with_letter(text),
};

pub(super) const CLUSTER: Rule = Rule {
    what: "cluster name",
    expected: "1 to 40 of `a-z`, `0-9` and `-`, beginning with a letter, with no hyphen at the end",
    holds: |text| text.len() <= 40 && is_dns_label(text) && begins_with_letter(text),
};

pub(super) const REPOSITORY: Rule = Rule {
    what: "repository",
    expected: "1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter, with no hyphen at the end",
    holds: |text| is_dns_label(text) && begins_with_letter(text),
};

/// Of pools and of providers.
pub(super) const FEDERATION_ID: Rule = Rule {
    what: "id that Google takes",
    expected: "4 to 32 of `a-z`, `0-9` and `-`, not beginning with `gcp-`",
    holds: |text| {
        (4..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with("gcp-")
    },
};

pub(super) const APPLICATION: Rule = Rule {
    what: "application name",
    expected: "1 to 120 characters on one line",
    holds: |text| {
        (1..=120).contains(&text.chars().count()) && text.trim() == text && !text.contains(char::is_control)
    },
};

pub(super) const MODEL_PATTERN: Rule = Rule {
    what: "pattern of model names",
    expected: "letters, digits, `-`, `_`, `.`, and `*` for any run of them",
    holds: |text| !text.is_empty() && (is_model_name(&text.replace('*', "a"))),
};

pub(super) const LABEL_KEY: Rule = Rule {
    what: "label key",
    expected: "up to 63 letters, digits, `-`, `_` and `.` between letters or digits, after an optional domain and `/`",
    holds: |text| match text.split_once('/') {
        Some((domain, name)) => {
            domain.len() <= 253 && domain.split('.').all(is_dns_label) && is_label_name(name)
        }
        None => is_label_name(text),
    },
};

pub(super) const LABEL_VALUE: Rule = Rule {
    what: "label value",
    expected: "up to 63 letters, digits, `-`, `_` and `.` between letters or digits, or nothing",
    holds: |text| text.is_empty() || is_label_name(text),
};

pub(super) const PATH: Rule = Rule {
    what: "path",
    expected: "a path, relative to the bridge file",
    holds: |text| !text.trim().is_empty() && !text.contains(char::is_control),
};

pub(super) const PINNED_IMAGE: Rule = Rule {
    what: "image pinned by digest",
    expected: "`HOST/PATH@sha256:` and 64 hexadecimal digits",
    holds: is_pinned_image,
};

fn begins_with_letter(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
}

fn is_label_name(text: &str) -> bool {
    let ends_well = |character: Option<char>| character.is_some_and(|it| it.is_ascii_alphanumeric());
    text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ends_well(text.chars().next())
        && ends_well(text.chars().next_back())
}

/// Whether a text names an image by its digest.
pub(crate) fn is_pinned_image(text: &str) -> bool {
    let Some((name, digest)) = text.split_once("@sha256:") else { return false };
    let Some((host, path)) = name.split_once('/') else { return false };
    // A tag beside the digest says nothing that the digest does not.
    let component = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
            && part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    let host_like = host.contains('.') || host.contains(':') || host == "localhost";
    let host_legal = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    digest.len() == 64
        && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        && host_like
        && host_legal
        && path.split('/').all(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let digest = "0123456789abcdef".repeat(4);
        let long = "a".repeat(64);
        for (rule, right, wrong) in [
            (&BRIDGE_NAME, vec!["harbour", "a", "7-b"], vec!["", "Harbour", "-a", "a-", "a_b", &long]),
            (&TEAM_NAME, vec!["oncology", "abc"], vec!["ab", "Oncology", "abcdefghijklmnopqrstuvwxy"]),
            (&WORKLOAD_NAME, vec!["reader"], vec!["ab", "Reader", "abcdefghijklmnopqrstuvwxyza"]),
            (&SERVICE_NAME, vec!["fraud"], vec!["7fraud", "fraud-"]),
            (
                &APP_ROLE,
                vec!["Cellar.Deployer", "push"],
                vec!["", "a/b", "a b", "-a", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"],
            ),
            (&RESOURCE_GROUP, vec!["rg-quay", "RG_(1).x", "größe"], vec!["", "rg.", "a/b", "a b"]),
            (&WORKSPACE, vec!["quay", "Quay_1"], vec!["ab", "-ab", "a/b/c"]),
            (&PROJECT, vec!["harbour-sandbox"], vec!["short", "123456", "412907655821", "Harbour-1"]),
            (&FEDERATION_ID, vec!["gangplank", "-ab-"], vec!["abc", "gcp-pool", "a_bc"]),
            (&MODEL_PATTERN, vec!["*", "fraud-*", "Wine_*"], vec!["", "a/b", "_x", "a b"]),
            (&LABEL_KEY, vec!["cost-centre", "example.com/a_b", "a.b"], vec!["", "-a", "a/b/c", "_/a", "a/"]),
            (&LABEL_VALUE, vec!["", "a", "A.b_c-1"], vec!["a b", "a-", &long]),
            (&PATH, vec!["a/b.json", "/x"], vec!["", " ", "a\nb"]),
        ] {
            for text in right {
                assert!((rule.holds)(text), "{} {text:?}", rule.what);
            }
            for text in wrong {
                assert!(!(rule.holds)(text), "{} {text:?}", rule.what);
            }
        }
        for host in ["ghcr.io", "localhost:5000", "127.0.0.1:5000"] {
            assert!(is_pinned_image(&format!("{host}/a/b_c.d@sha256:{digest}")), "{host}");
        }
        for wrong in ["ghcr.io/a:1", "a/b", "ghcr.io@sha256:", "ghcr.io/../b"] {
            assert!(!is_pinned_image(&format!("{wrong}@sha256:{digest}")), "{wrong}");
        }
        assert!(!is_pinned_image("ghcr.io/a:1") && !is_pinned_image("ghcr.io/a@sha256:0123"));
    }
}
