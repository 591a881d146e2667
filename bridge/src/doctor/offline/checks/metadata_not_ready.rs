//! The metadata server of a new node or pod did not answer yet.

use jiff::{SignedDuration, Timestamp};

use super::super::case::Case;
use super::super::pod::WORKLOADS;
use crate::exhibit::Exhibit;
use crate::finding::{Confidence, Finding, cause};

/// GKE's own advice is to wait this long for the metadata server.
/// `https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#limitations`
const START: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needles = [
        "could not find default credentials",
        "could not load the default credentials",
        "defaultcredentialserror",
        "default credentials were not found",
        "metadata server is not ready",
        "metadataserverexception",
    ];
    let needle = needles.iter().find(|needle| case.says(&[needle]))?;
    let born = case.objects(&WORKLOADS).chain(case.objects(&["Node"])).find_map(|it| age(case, it));
    let sporadic = case.says(&["sporadic", "intermittent", "at start", "sometimes", "first seconds"]);
    let (found, origin, sure) = match born {
        Some((age, origin)) if age <= START => {
            (format!("{} s after it began", age.as_secs()), origin, Confidence::Certain)
        }
        None if sporadic => {
            ("now and then, at the start".to_owned(), case.said_in(needle), Confidence::Likely)
        }
        _ => return None,
    };
    Some(
        Finding::new("kubernetes/metadata-not-ready", cause::PROPAGATION, "the metadata server did not answer yet when the pod asked for a credential")
            .expected(format!("asked again for up to {} s after the start", START.as_secs()), "GKE, Workload Identity's limitations")
            .found(found, origin)
            .confidence(sure)
            .advice("let the client ask again, with growing pauses, for half a minute; or wait in an init container:")
            .mend(
                "the line for the init container",
                "curl --silent --retry 30 --retry-connrefused --retry-max-time 60 --connect-timeout 3 --fail --header 'Metadata-Flavor: Google' \
                 http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token --output /dev/null",
            ),
    )
}

/// How old a pod or node was when it failed.
fn age(case: &Case<'_>, object: &Exhibit) -> Option<(SignedDuration, String)> {
    let pointers = [
        "/status/containerStatuses/0/lastState/terminated/startedAt",
        "/status/containerStatuses/0/state/running/startedAt",
        "/status/startTime",
        "/metadata/creationTimestamp",
    ];
    let pointer = pointers.into_iter().find(|it| object.text(it).is_some())?;
    let begun: Timestamp = object.text(pointer)?.parse().ok()?;
    let ended = object
        .text("/status/containerStatuses/0/lastState/terminated/finishedAt")
        .and_then(|it| it.parse().ok());
    let now = case.moment.or(ended)?;
    Some((now.duration_since(begun), object.origin(pointer)))
}
