//! kubectl cannot run the program that its kubeconfig names for logging in.

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

/// What is said, and what it means.
const SAID: [(&str, &str); 5] = [
    ("exit status 127", "the plugin ran, and found no `gcloud` on its PATH"),
    (
        "executable gke-gcloud-auth-plugin not found",
        "there is no `gke-gcloud-auth-plugin` on the PATH of the program that asks",
    ),
    ("gke-gcloud-auth-plugin failed with exit code", "the plugin ran, and could not log in"),
    (
        "gke-gcloud-auth-plugin: executable file not found",
        "there is no `gke-gcloud-auth-plugin` on the PATH of the program that asks",
    ),
    (
        "no auth provider found for name \"gcp\"",
        "this kubectl has the `gcp` log-in no longer, and the kubeconfig still names it",
    ),
];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let (needle, means) = SAID.iter().find(|(needle, _)| case.says(&[needle]))?;
    let config = case.of(Kind::Kubeconfig).next();
    let command =
        config.and_then(|it| it.text("/users/0/user/exec/command")).unwrap_or("gke-gcloud-auth-plugin");
    let place =
        config.map_or_else(|| "the kubeconfig".to_owned(), |it| it.origin("/users/0/user/exec/command"));
    let path = case.variable("PATH");
    let (found, origin) = path.map_or_else(
        || ((*means).to_owned(), case.said_in(needle)),
        |(path, origin)| (format!("PATH={path}"), origin),
    );
    Some(
        Finding::new(
            "client/exec-plugin-fails",
            cause::CREDENTIAL_ABSENT,
            format!("kubectl has no credential: {means}"),
        )
        .expected(format!("{command}, and gcloud, on the PATH of the program that asks"), place)
        .found(found, origin)
        .confidence(Confidence::Likely)
        .mend("install the plugin beside gcloud", "gcloud components install gke-gcloud-auth-plugin")
        .mend(
            "write the kubeconfig anew",
            "gcloud container clusters get-credentials CLUSTER --location=LOCATION --project=PROJECT",
        )
        .mend("or use a plugin that needs no gcloud", "gangplank token install kubectl"),
    )
}
