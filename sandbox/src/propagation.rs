//! News that comes late: what was true a while ago, kept while a fault says that somebody still goes by it.
//!
//! While [`crate::fault::Fault::Propagation`] or [`crate::fault::Fault::Stale`] stands, every change leaves the state
//! after it in [`Lagging`], under the time of the sandbox's clock. A request then decides by its [`View`]: each part of
//! the world as of the time that counts for the service that answers.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::azure::directory::Directory;
use crate::azure::roles::RoleAssignment;
use crate::fault::WRITERS;
use crate::google::policy::Policy;
use crate::google::resources::{Accounts, Grants, Resources};
use crate::world::World;

/// How many states are kept of each part.
const KEPT: usize = 512;

/// Services that look and never write, so that all they see may be the past.
const ONLY_READ: [&str; 5] = ["entra", "blob", "sts", "iam_credentials", "container"];

tokio::task_local! {
    static VIEW: Option<Arc<View>>;
}

/// What the service that is answering goes by.
pub(crate) struct View {
    pub(crate) resources: Resources,
    pub(crate) directory: Directory,
    pub(crate) assignments: Vec<RoleAssignment>,
    only_reads: bool,
}

/// A part of the world, locked, or a copy of what it was.
pub enum Held<'a, T> {
    /// The present. Changes are kept.
    Present(MutexGuard<'a, T>),
    /// The past. Changes are lost.
    Past(Box<T>),
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Present(present) => present,
            Self::Past(past) => past,
        }
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Present(present) => present,
            Self::Past(past) => past,
        }
    }
}

/// What the service that is answering goes by; `None` if that is the present.
pub(crate) fn view() -> Option<Arc<View>> {
    VIEW.try_with(Clone::clone).ok().flatten()
}

/// The same, but only if the service writes nothing.
pub(crate) fn view_of_a_reader() -> Option<Arc<View>> {
    view().filter(|view| view.only_reads)
}

/// Runs `answer` as a service that goes by `view`.
pub(crate) async fn seeing<T>(view: Option<View>, answer: impl Future<Output = T>) -> T {
    VIEW.scope(view.map(Arc::new), answer).await
}

/// The states of one part, oldest first.
struct History<T>(VecDeque<(Timestamp, T)>);

impl<T> Default for History<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Clone> History<T> {
    fn remember(&mut self, now: Timestamp, state: T) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, state));
    }

    /// The state at that time, or the oldest that is known.
    fn at(&self, time: Timestamp) -> Option<T> {
        let found = self.0.iter().rev().find(|(when, _)| *when <= time).or_else(|| self.0.front());
        found.map(|(_, state)| state.clone())
    }
}

/// What was true since somebody began to lag.
#[derive(Default)]
pub(crate) struct Lagging(Mutex<Option<Histories>>);

#[derive(Default)]
struct Histories {
    directory: History<Directory>,
    assignments: History<Vec<RoleAssignment>>,
    accounts: History<Accounts>,
    project: History<Policy>,
    repositories: History<Grants>,
}

impl Histories {
    fn remember(&mut self, world: &World, writer: &str) {
        let now = world.clock.unskewed();
        let resources = || world.google.resources();
        match writer {
            "graph" => self.directory.remember(now, world.azure.directory().clone()),
            "resource_manager" => {
                self.assignments.remember(now, world.azure.assignments().clone());
                // Managed identities and their credentials are Resource Manager's, and Entra's to know.
                self.directory.remember(now, world.azure.directory().clone());
            }
            "iam" => self.accounts.remember(now, resources().accounts()),
            "cloud_resource_manager" => self.project.remember(now, resources().project_policy.clone()),
            "artifact_registry" => self.repositories.remember(now, resources().grants()),
            _ => {}
        }
    }
}

impl Lagging {
    /// What `service` goes by now; `None` if that is the present.
    pub(crate) fn view(&self, world: &World, service: &str) -> Option<View> {
        let mut lagging = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !world.faults.any_lag() {
            *lagging = None;
            return None;
        }
        let histories = lagging.get_or_insert_with(|| {
            let mut histories = Histories::default();
            for writer in WRITERS {
                histories.remember(world, writer);
            }
            histories
        });
        let now = world.clock.unskewed();
        let time = |writer: &str| {
            let lag = world.faults.lag(writer, service);
            (lag > 0).then(|| now.checked_sub(SignedDuration::from_secs(lag)).unwrap_or(now))
        };
        if WRITERS.iter().all(|writer| time(writer).is_none()) {
            return None;
        }
        let grants = time("artifact_registry").and_then(|time| histories.repositories.at(time));
        let resources = world.google.resources().as_it_was(
            time("iam").and_then(|time| histories.accounts.at(time)),
            time("cloud_resource_manager").and_then(|time| histories.project.at(time)),
            grants.as_ref(),
        );
        let directory = time("graph").and_then(|time| histories.directory.at(time));
        let assignments = time("resource_manager").and_then(|time| histories.assignments.at(time));
        Some(View {
            resources,
            directory: directory.unwrap_or_else(|| world.azure.directory().clone()),
            assignments: assignments.unwrap_or_else(|| world.azure.assignments().clone()),
            only_reads: ONLY_READ.contains(&service),
        })
    }

    /// Keeps what is true after a change made through `writer`.
    pub(crate) fn changed(&self, world: &World, writer: &str) {
        let mut lagging = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(histories) = lagging.as_mut() {
            histories.remember(world, writer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_tells_what_was_true_at_a_time() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let mut history = History::default();
        assert_eq!(history.at(second(0)), None::<&str>);
        history.remember(second(10), "first");
        history.remember(second(20), "second");
        for (time, expected) in [(5, "first"), (10, "first"), (19, "first"), (20, "second"), (99, "second")] {
            assert_eq!(history.at(second(time)), Some(expected), "{time}");
        }
    }
}
