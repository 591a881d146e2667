//! Small readings of free text: what stands between two marks, after a mark, or looks like an address.

/// What stands between `start` and the next `end`.
pub(super) fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let from = text.find(start)? + start.len();
    let rest = text.get(from..)?;
    rest.get(..rest.find(end)?)
}

/// The first text after `mark` that stands in quotes of any kind.
pub(super) fn quoted_after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let rest = text.get(text.find(mark)? + mark.len()..)?;
    let (at, open) = rest.char_indices().find(|(_, c)| matches!(c, '"' | '\'' | '`' | '[' | '“'))?;
    let close = match open {
        '[' => ']',
        '“' => '”',
        other => other,
    };
    let rest = rest.get(at + open.len_utf8()..)?;
    rest.get(..rest.find(close)?)
}

/// The words of a text: without quotes, brackets and what ends a sentence.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '(' | ')' | '<' | '>' | '[' | ']' | ';')
    })
    .map(|word| word.trim_matches(['.', ':', '\\']))
    .filter(|word| !word.is_empty())
}

/// The hosts of Artifact Registry and the like that a text names.
pub(super) fn registry_host(text: &str) -> Option<&str> {
    let host = |word: &'_ str| word.split('/').next().is_some_and(is_registry);
    let bare = |word| {
        let word: &str = word;
        word.trim_start_matches("https://").trim_start_matches("docker://")
    };
    words(text).map(bare).find(|word| host(word)).and_then(|word| word.split('/').next())
}

/// Whether this is a host that images come from.
pub(super) fn is_registry(host: &str) -> bool {
    host.ends_with("-docker.pkg.dev")
        || host.ends_with(".gcr.io")
        || host == "gcr.io"
        || host.ends_with(".azurecr.io")
}

/// The permission that a refusal of Google's names.
pub(super) fn permission(text: &str) -> Option<&str> {
    let looks = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
        parts.len() == 3 && parts.iter().all(plain) && parts.first().is_some_and(|it| SERVICES.contains(it))
    };
    words(text).find(looks)
}

/// The first parts of the permissions that are read out of texts.
const SERVICES: [&str; 14] = [
    "aiplatform",
    "artifactregistry",
    "bigquery",
    "cloudkms",
    "compute",
    "container",
    "iam",
    "logging",
    "pubsub",
    "resourcemanager",
    "run",
    "secretmanager",
    "serviceusage",
    "storage",
];

/// The e-mail address of a Google service account that a text names.
pub(super) fn service_account(text: &str) -> Option<&str> {
    let bare = |word: &'_ str| word.ends_with("gserviceaccount.com") && word.contains('@');
    let part = |word| {
        let word: &str = word;
        word.split(['/', ':']).find(|part| bare(part))
    };
    words(text).find_map(part)
}

/// How many letters must change to make one text of the other; at most `most`, beyond which nothing is said.
pub(super) fn distance(one: &str, other: &str, most: usize) -> Option<usize> {
    let other: Vec<char> = other.chars().collect();
    if one.chars().count().abs_diff(other.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut corner = index;
        let mut previous = index + 1;
        let mut next = vec![previous];
        for (above, right) in row.iter().skip(1).zip(&other) {
            let cost = corner + usize::from(left != *right);
            previous = cost.min(above + 1).min(previous + 1);
            corner = *above;
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().filter(|found| *found <= most)
}

/// Whether a value was never filled in: braces, angle brackets, or the names that guides leave to be replaced.
pub(super) fn is_placeholder(value: &str) -> bool {
    const NAMES: [&str; 14] = [
        "OWNER/REPO",
        "OWNER/REPOSITORY",
        "ORG/REPO",
        "USER/REPO",
        "GITHUB_ORG",
        "PROJECT_ID",
        "PROJECT_NUMBER",
        "POOL_ID",
        "PROVIDER_ID",
        "YOUR_",
        "your-org",
        "your-repo",
        "CHANGEME",
        "REPLACE_ME",
    ];
    value.contains("${")
        || value.contains("{{")
        || value.contains("$(")
        || value.contains('<') && value.contains('>')
        || NAMES.iter().any(|name| value.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings() {
        let text = "denied: Permission 'iam.serviceAccounts.getAccessToken' denied on \
                    projects/-/serviceAccounts/a@p.iam.gserviceaccount.com (or it may not exist).";
        assert_eq!(permission(text), Some("iam.serviceAccounts.getAccessToken"));
        assert_eq!(service_account(text), Some("a@p.iam.gserviceaccount.com"));
        assert_eq!(quoted_after("assertion issuer 'x/'.", "issuer"), Some("x/"));
        assert_eq!(quoted_after("ID Token [a] does", "ID Token"), Some("a"));
        assert_eq!(between("a (b) c", "(", ")"), Some("b"));
        assert_eq!(registry_host("push us-docker.pkg.dev/p/r/i:1"), Some("us-docker.pkg.dev"));
        assert_eq!(registry_host("https://r.azurecr.io/v2/"), Some("r.azurecr.io"));
        assert_eq!(permission("see www.example.com"), None);
    }

    #[test]
    fn distances() {
        let table = [
            ("kubelow-ci", "kubeflow-ci", Some(1)),
            ("a", "a", Some(0)),
            ("abc", "xyz", None),
            ("ab", "ba", Some(2)),
        ];
        for (one, other, expected) in table {
            assert_eq!(distance(one, other, 2), expected, "{one} {other}");
        }
    }

    #[test]
    fn placeholders() {
        for (value, expected) in [
            ("${ secrets.X }", true),
            ("<POOL>", true),
            ("octo/OWNER/REPO", true),
            ("octo/app", false),
            ("projects/1", false),
        ] {
            assert_eq!(is_placeholder(value), expected, "{value}");
        }
    }
}
