//! Values in a text that give themselves away by their shape: a placeholder, an address with a hole, a number where a
//! name should be.

use super::text::Text;

/// Whether a value of one kind stands in a text.
type Seen = fn(&Text) -> bool;

/// The kinds of values that signs may ask for.
pub(super) const KINDS: &[(&str, Seen)] = &[
    ("placeholder", |text| any(&text.words, &PLACEHOLDERS)),
    ("unexpanded", |text| any(&text.words, &["${", "{{", "$(", "%!s(", "#{", "<no value>"])),
    ("double-slash", |text| any(&text.words, &[".pkg.dev//", "gcr.io//", "azurecr.io//", "repositories//"])),
    ("application-uri", |text| {
        squeezed(text, &["token[api://", "idtokenapi://", "aud:api://", "aud=api://"])
    }),
    ("empty-brackets", |text| squeezed(text, &["idtoken[]", "audience[]", "idtokendoesnotmatch"])),
    ("null-claim", |text| any(&text.words, &["issued at null", "token null does", "issuer null", "[null]"])),
    ("both-issuers", |text| text.words.contains("sts.windows.net") && text.words.contains("/v2.0")),
    ("cluster-internal-issuer", |text| any(&text.words, &["kubernetes.default.svc", "https://localhost"])),
    ("issuer-with-slash", |text| {
        any(&text.words, &["issuer 'https://", "issuer: 'https://"]) && text.words.contains("/'")
    }),
    ("issuer-of-github-with-path", |text| {
        after(&text.words, "token.actions.githubusercontent.com/", char::is_alphanumeric)
    }),
    ("subject-with-ids", |text| subject_with_ids(&text.words)),
    ("wildcard-in-member", |text| wildcard(&text.words)),
    ("number-as-user", |text| number_as_user(&String::from_utf8_lossy(&text.squeezed))),
    ("anonymous", |text| any(&text.words, &["system:anonymous", "anonymous caller", "anonymous access"])),
    ("project-id-in-pool", |text| project_id_in_pool(&text.words)),
    ("space-in-scope", |text| {
        any(&text.words, &[" /providers/", "%20/", "workspaces/ ", " /resourcegroups/"])
    }),
    ("zone-in-issuer", |text| {
        text.words.contains("/zones/") && text.words.contains("container.googleapis.com")
    }),
    ("provider-misnamed", |text| {
        text.words.contains("iam.apis-")
            || text.words.contains("workloadidentitypools/")
                && any(&text.words, &["/providers/-", "/attribute.", "https://iam.goog"])
    }),
    ("pool-of-gke-as-provider", |text| {
        text.words.contains(".svc.id.goog")
            && any(&text.words, &["workload_identity_provider", "federated token for"])
    }),
    ("foreign-audience", |text| foreign_audience(&text.words)),
    ("empty-identity", |text| {
        any(&text.words, &["client_id=&", "client ''", "identifier ''", "named api:// ", "named '' "])
    }),
    ("api-doubled", |text| text.words.matches("api://").count() >= 2 && text.words.contains("/api://")),
    ("lower-lifetime", |text| any(&text.words, &["token issued at 0", "issued at 0."])),
    ("release-named", |text| {
        text.words.len() < 600 && text.words.split([' ', '(', ')', ',', '`']).any(is_release)
    }),
];

/// What people leave in examples.
const PLACEHOLDERS: [&str; 12] = [
    "your_",
    "your-",
    "<your",
    "owner/repo",
    "my-org/my-repo",
    "enter_",
    "changeme",
    "<org>/<repo>",
    "org_name/",
    "replace_me",
    "placeholder",
    "todo:",
];

/// Whether a value of that kind stands in the text.
pub(super) fn is_in(kind: &str, text: &Text) -> bool {
    KINDS.iter().any(|(name, seen)| *name == kind && seen(text))
}

fn squeezed(text: &Text, needles: &[&str]) -> bool {
    any(&String::from_utf8_lossy(&text.squeezed), needles)
}

/// `1.19.0` or `v2.4.1`; neither an address of four numbers nor a tag of an image.
fn is_release(word: &str) -> bool {
    let numbers: Vec<&str> =
        word.strip_prefix('v').unwrap_or(word).trim_end_matches('.').split('.').collect();
    let number =
        |part: &&str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.len() == 3 && numbers.iter().all(number)
}

fn any(text: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| text.contains(needle))
}

/// Whether `mark` is followed by a character of that kind.
fn after(text: &str, mark: &str, is: fn(char) -> bool) -> bool {
    text.split(mark).skip(1).any(|tail| tail.chars().next().is_some_and(is))
}

/// GitHub's subjects since July 2026: `repo:owner@12/repository@34:…`.
fn subject_with_ids(words: &str) -> bool {
    words.split("repo:").skip(1).any(|tail| {
        let name = tail.split([':', ' ', '\'']).next().unwrap_or_default();
        let ids = name.split('@').skip(1);
        ids.filter(|id| id.starts_with(|char: char| char.is_ascii_digit() || char == '<')).count() >= 2
    })
}

/// A `*` inside of a principal, where it is a character like any other.
fn wildcard(words: &str) -> bool {
    let members = words.split("principal").skip(1).chain(words.split("repo:").skip(1));
    members.into_iter().any(|tail| {
        let member = tail.split([' ', '\'', '"', ',', ']']).next().unwrap_or_default();
        member.contains('*') && (!member.contains("workloadidentitypools/") || member.contains("/attribute."))
    })
}

/// RBAC sees a service account by its number of 21 digits when the token tells no address.
fn number_as_user(squeezed: &str) -> bool {
    ["user", "user=&{"].iter().any(|mark| {
        squeezed.split(mark).skip(1).any(|tail| {
            let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
            (18..=24).contains(&digits)
        })
    })
}

/// `projects/my-project/locations/global/workloadIdentityPools/…`: a pool goes by the project's number.
fn project_id_in_pool(words: &str) -> bool {
    words.split("projects/").skip(1).any(|tail| {
        let (project, rest) = tail.split_once('/').unwrap_or((tail, ""));
        rest.starts_with("locations/global/workloadidentitypools")
            && project.starts_with(|char: char| char.is_ascii_lowercase())
            && project.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !project.starts_with("xx")
    })
}

/// Entra's credentials expect one audience; any other in its place.
fn foreign_audience(words: &str) -> bool {
    ["audience '", "audience: '"].iter().any(|mark| {
        words.split(mark).skip(1).any(|tail| {
            let audience = tail.split('\'').next().unwrap_or_default();
            !audience.is_empty() && !audience.contains("azureadtokenexchange") && !audience.starts_with('…')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_give_themselves_away() {
        for (kind, with, without) in [
            ("placeholder", "subject/repo:OWNER/REPO", "subject/repo:octo/cat"),
            ("unexpanded", "token for ${ secrets.X }", "token for ***"),
            ("double-slash", "europe-docker.pkg.dev//r/i:1", "europe-docker.pkg.dev/p/r/i:1"),
            ("application-uri", r#"audience in ID Token [\"api://x\"]"#, "audience in ID Token [6f1c]"),
            ("empty-brackets", "audience in ID Token [] does", "audience in ID Token [x] does"),
            ("null-claim", "ID Token issued at null is stale", "ID Token issued at 17 is stale"),
            ("both-issuers", "https://sts.windows.net/x/ … https://login/x/v2.0", "sts.windows.net"),
            ("subject-with-ids", "subject 'repo:o@12/r@34:ref:x'", "subject 'repo:o/r:ref:a@b'"),
            (
                "wildcard-in-member",
                "principalSet://a/workloadIdentityPools/p/attribute.r/o/*",
                "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*",
            ),
            ("number-as-user", r#"User "107845639201834756291" cannot"#, r#"User "me@x.org" cannot"#),
            (
                "project-id-in-pool",
                "projects/my-p/locations/global/workloadIdentityPools/x",
                "projects/12/locations/global/workloadIdentityPools/x",
            ),
            ("space-in-scope", "/resourceGroups/rg /providers/x", "/resourceGroups/rg/providers/x"),
            ("foreign-audience", "assertion audience 'https://x'.", "audience 'api://AzureADTokenExchange'"),
            ("empty-identity", "token?client_id=&resource=x", "token?client_id=1&resource=x"),
            ("release-named", "azure-ai-ml 1.19.0 fails", "at 10.0.0.1 image:1.2.3"),
            ("pool-of-gke-as-provider", "workload_identity_provider: 'p.svc.id.goog'", "p.svc.id.goog[a/b]"),
            ("api-doubled", "named api://x/api://x was", "named api://x was"),
        ] {
            assert!(is_in(kind, &Text::read(with.as_bytes())), "{kind}: {with}");
            assert!(!is_in(kind, &Text::read(without.as_bytes())), "{kind}: {without}");
        }
    }
}
