//! Whether a plan made anew stays within one that somebody has seen: what the world asks for beyond it needs another
//! look.

use std::collections::BTreeMap;

use super::{Action, Change, Difference, Plan};
use crate::resource::{Resource, ResourceKey};

impl Plan {
    /// Those changes of `later` that this plan did not show. Less to do is fine; more is not, and least of all more to
    /// take away.
    pub fn unshown(&self, later: &Self) -> Vec<Change> {
        let mut shown: BTreeMap<&ResourceKey, Vec<&Action>> = BTreeMap::new();
        for change in &self.changes {
            shown.entry(&change.key).or_default().push(&change.action);
        }
        let covered = |change: &Change| {
            let actions = shown.get(&change.key).map(Vec::as_slice).unwrap_or_default();
            actions.iter().any(|action| covers(action, &change.action))
        };
        later.changes.iter().filter(|change| !covered(change)).cloned().collect()
    }
}

fn covers(shown: &Action, later: &Action) -> bool {
    match (shown, later) {
        (Action::Delete { found }, Action::Delete { found: later }) => takes_no_more(found, later),
        (Action::Delete { .. }, _) | (_, Action::Delete { .. }) => false,
        (_, Action::Create { .. }) => true,
        (Action::Adopt { .. }, Action::Undelete { .. }) | (Action::Undelete { .. }, _) => {
            !matches!(later, Action::Adopt { .. })
        }
        (_, Action::Undelete { .. }) => true,
        // Whatever stands there now was made since, and has our mark: it may be completed, not overwritten.
        (Action::Create { .. }, Action::Update { differences, .. }) => {
            differences.iter().all(|difference| difference.found.is_none())
        }
        (
            Action::Update { differences: shown, .. } | Action::Adopt { differences: shown, .. },
            Action::Update { differences, .. },
        ) => differences.iter().all(|difference| was_shown(shown, difference)),
        (Action::Adopt { differences: shown, .. }, Action::Adopt { differences, .. }) => {
            differences.iter().all(|difference| was_shown(shown, difference))
        }
        (_, Action::Adopt { .. }) => false,
    }
}

fn was_shown(shown: &[Difference], difference: &Difference) -> bool {
    difference.found.is_none() || shown.contains(difference)
}

/// Whether a deletion removes nothing that the one shown did not.
fn takes_no_more(shown: &Resource, later: &Resource) -> bool {
    match (shown, later) {
        (Resource::Grant(shown), Resource::Grant(later)) => later.members.is_subset(&shown.members),
        _ => true,
    }
}
