//! The repository is not there.

use trust::iam::Policy;

use super::evidence::is_absent;
use super::{Sight, Way};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};

pub(super) fn check(way: &Way<'_>, error: &PortError, policy: &Sight<Policy>) -> Option<Finding> {
    let absent = is_absent(policy);
    if !absent && error.kind != Refused::NotFound {
        return None;
    }
    let google = &way.bridge.google;
    let named = way.bridge.repository_of(way.team);
    let finding = Finding::new(
        "google/repository-missing",
        cause::OBJECT_MISSING,
        format!("there is no repository `{named}` in `{}`", google.region()),
    )
    .confidence(if absent { Confidence::Certain } else { Confidence::Likely })
    .expected(
        format!("{}/{}/{named}", google.project, google.region()),
        "the bridge, `google.repository` or the team's",
    )
    .found(&error.message, error.service)
    .mend("make it as the bridge declares", "gangplank apply");
    Some(finding)
}
