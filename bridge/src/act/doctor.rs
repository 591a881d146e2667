//! Walks the chain with live evidence: asks the probe for what the walk wants until the walk concludes.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::doctor::{Ask, Diagnosis, Evidence, Probe, Step, Walk};

/// Examines the chain. What stands on the same token is asked for at once. A probe that does not answer the question it
/// was asked is taken to have seen nothing.
pub async fn examine<P: Probe>(walk: &Walk<'_>, probe: &P) -> Diagnosis {
    let mut evidence = Evidence::default();
    let mut asked = BTreeSet::new();
    loop {
        match walk.next(&evidence) {
            Step::Done(diagnosis) => return diagnosis,
            Step::Ask(ask) if asked.contains(&ask) => {
                evidence.add(ask.unseen("the probe answered another question"));
            }
            Step::Ask(ask) => {
                let wanted = walk.together(ask).into_iter();
                let wanted: Vec<Ask> = wanted.filter(|ask| asked.insert(ask.clone())).collect();
                for answer in join_all(wanted.iter().map(|ask| probe.fetch(ask))).await {
                    evidence.add(answer);
                }
            }
        }
    }
}
