//! The Artifact Registry repository.

use std::collections::BTreeMap;
use std::time::Duration;

use bridge::convention::REPOSITORY_LABEL;
use bridge::inventory::{Observed, State};
use bridge::plan::Action;
use bridge::port::{PortResult, Refused};
use bridge::resource::{Repository, Resource};
use bridge::spec::Bridge;
use google_cloud_artifactregistry_v1::client::ArtifactRegistry;
use google_cloud_artifactregistry_v1::model;
use google_cloud_artifactregistry_v1::model::repository::Format;
use google_cloud_auth::credentials::Credentials;
use google_cloud_gax::paginator::ItemPaginator as _;
use google_cloud_iam_v1::model::{GetPolicyOptions, Policy};
use google_cloud_wkt::FieldMask;

use super::addresses::Addresses;
use super::foreign;
use super::policy::POLICY_VERSION;
use super::refusal::{library, operation, own};

const SERVICE: &str = "Artifact Registry";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const POLLS: u32 = 90;

/// Artifact Registry's API.
pub(super) struct Repositories(ArtifactRegistry);

impl Repositories {
    pub(super) async fn new(addresses: &Addresses, credentials: Credentials) -> PortResult<Self> {
        ArtifactRegistry::builder()
            .with_endpoint(&addresses.artifact_registry)
            .with_credentials(credentials)
            .build()
            .await
            .map(Self)
            .map_err(|error| own(SERVICE, Refused::Unavailable, error.to_string()))
    }

    /// The wanted repositories that exist, and those in the bridge's region that carry its mark.
    pub(super) async fn observe(&self, bridge: &Bridge, wanted: &[Resource]) -> PortResult<Vec<Observed>> {
        let mut found: BTreeMap<(String, String), model::Repository> = BTreeMap::new();
        for marked in self.marked(bridge).await? {
            let id = marked.name.rsplit('/').next().unwrap_or_default().to_owned();
            found.insert((bridge.google.region().to_owned(), id), marked);
        }
        for repository in wanted.iter().filter_map(repository) {
            let key = (repository.location.clone(), repository.id.clone());
            if let (false, Some(live)) = (found.contains_key(&key), self.find(bridge, repository).await?) {
                found.insert(key, live);
            }
        }
        let is_wanted = |location: &str, id: &str| {
            wanted.iter().filter_map(repository).any(|it| it.location == location && it.id == id)
        };
        let mut observed = Vec::new();
        for ((location, id), live) in found {
            observed.push(Observed {
                marked: is_marked(bridge, &live),
                state: State::Live,
                // What is wanted is not taken away, so nobody asks what it holds.
                holds: if is_wanted(&location, &id) { None } else { self.holds(&live.name).await? },
                resource: Resource::Repository(Repository { id, location }),
            });
        }
        Ok(observed)
    }

    async fn marked(&self, bridge: &Bridge) -> PortResult<Vec<model::Repository>> {
        Ok(self.all(bridge).await?.into_iter().filter(|repository| is_marked(bridge, repository)).collect())
    }

    /// The ids of all repositories for images in the bridge's region, and the bridge whose mark each carries.
    pub(super) async fn survey(&self, bridge: &Bridge) -> PortResult<Vec<(String, Option<String>)>> {
        let images = self.all(bridge).await?.into_iter().filter(|it| it.format == Format::Docker);
        let named = images.map(|it| {
            let id = it.name.rsplit('/').next().unwrap_or_default().to_owned();
            (id, it.labels.get(REPOSITORY_LABEL).cloned())
        });
        Ok(named.collect())
    }

    /// Every repository in the bridge's region.
    async fn all(&self, bridge: &Bridge) -> PortResult<Vec<model::Repository>> {
        let parent = format!("projects/{}/locations/{}", bridge.google.project, bridge.google.region());
        let mut all = self.0.list_repositories().set_parent(parent).by_item();
        let mut found = Vec::new();
        while let Some(repository) = all.next().await {
            found.push(repository.map_err(|error| library(SERVICE, &error))?);
        }
        Ok(found)
    }

    async fn find(&self, bridge: &Bridge, repository: &Repository) -> PortResult<Option<model::Repository>> {
        match self.0.get_repository().set_name(name(bridge, repository)).send().await {
            Ok(found) => Ok(Some(found)),
            Err(error) => match library(SERVICE, &error) {
                refusal if refusal.kind == Refused::NotFound => Ok(None),
                refusal => Err(refusal),
            },
        }
    }

    /// What forbids destroying a repository: the images in it.
    async fn holds(&self, name: &str) -> PortResult<Option<String>> {
        let page = self.0.list_packages().set_parent(name).set_page_size(100).send().await;
        let page = page.map_err(|error| library(SERVICE, &error))?;
        Ok(match page.packages.len() {
            0 => None,
            1 => Some("it holds images: 1 package".to_owned()),
            count if page.next_page_token.is_empty() => Some(format!("it holds images: {count} packages")),
            count => Some(format!("it holds images: more than {count} packages")),
        })
    }

    /// Creates, marks or deletes the repository.
    pub(super) async fn perform(
        &self,
        bridge: &Bridge,
        action: &Action,
        repository: &Repository,
    ) -> PortResult<()> {
        match action {
            Action::Create { .. } | Action::Undelete { .. } => match self.create(bridge, repository).await {
                Err(refusal) if refusal.kind == Refused::Conflict => self.take_up(bridge, repository).await,
                outcome => outcome,
            },
            Action::Update { .. } | Action::Adopt { .. } => self.mark(bridge, repository).await,
            Action::Delete { .. } => self.delete(bridge, repository).await,
        }
    }

    async fn create(&self, bridge: &Bridge, repository: &Repository) -> PortResult<()> {
        let parent = format!("projects/{}/locations/{}", bridge.google.project, repository.location);
        let wanted = model::Repository::new().set_format(Format::Docker).set_labels(labels(bridge));
        let call = self.0.create_repository().set_parent(parent).set_repository_id(&repository.id);
        let started = call.set_repository(wanted).send().await.map_err(|error| library(SERVICE, &error))?;
        let error = started.error().map(|status| (status.code, status.message.clone()));
        self.finished(&started.name, started.done, error).await
    }

    /// It exists: made by an earlier run that was cut off, or by somebody else.
    async fn take_up(&self, bridge: &Bridge, repository: &Repository) -> PortResult<()> {
        match self.find(bridge, repository).await? {
            Some(live) if !is_marked(bridge, &live) => {
                Err(foreign(SERVICE, &format!("repository `{}`", repository.id)))
            }
            _ => Ok(()),
        }
    }

    async fn mark(&self, bridge: &Bridge, repository: &Repository) -> PortResult<()> {
        let live = self.0.get_repository().set_name(name(bridge, repository)).send().await;
        let live = live.map_err(|error| library(SERVICE, &error))?;
        let marked = live.labels.clone().into_iter().chain(labels(bridge));
        let wanted = model::Repository::new().set_name(live.name).set_labels(marked);
        let call = self.0.update_repository().set_repository(wanted);
        let call = call.set_update_mask(FieldMask::default().set_paths(["labels"]));
        call.send().await.map(drop).map_err(|error| library(SERVICE, &error))
    }

    async fn delete(&self, bridge: &Bridge, repository: &Repository) -> PortResult<()> {
        let name = name(bridge, repository);
        match self.find(bridge, repository).await? {
            None => return Ok(()),
            Some(live) if !is_marked(bridge, &live) => {
                return Err(foreign(SERVICE, &format!("repository `{}`", repository.id)));
            }
            Some(_) => {}
        }
        // The plan looked; images may have come since.
        if let Some(holds) = self.holds(&name).await? {
            return Err(own(
                SERVICE,
                Refused::Conflict,
                format!("repository `{}` stays: {holds}", repository.id),
            ));
        }
        let started = self.0.delete_repository().set_name(name).send().await;
        let started = started.map_err(|error| library(SERVICE, &error))?;
        let error = started.error().map(|status| (status.code, status.message.clone()));
        self.finished(&started.name, started.done, error).await
    }

    /// Waits for a long-running operation, given as it was first answered.
    async fn finished(&self, name: &str, done: bool, error: Option<(i32, String)>) -> PortResult<()> {
        let (mut done, mut error, mut pause) = (done, error, FIRST_PAUSE);
        for _ in 0..POLLS {
            if done {
                return error
                    .map_or(Ok(()), |(code, message)| Err(operation(SERVICE, code.into(), &message)));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let state = self.0.get_operation().set_name(name).send().await;
            let state = state.map_err(|error| library(SERVICE, &error))?;
            (done, error) = (state.done, state.error().map(|status| (status.code, status.message.clone())));
        }
        Err(own(SERVICE, Refused::Unavailable, "the repository is still being changed; try again later"))
    }

    pub(super) async fn policy(&self, bridge: &Bridge, id: &str) -> PortResult<Policy> {
        let options = GetPolicyOptions::new().set_requested_policy_version(POLICY_VERSION);
        let call = self.0.get_iam_policy().set_resource(in_region(bridge, id)).set_options(options);
        call.send().await.map_err(|error| library(SERVICE, &error))
    }

    pub(super) async fn set_policy(&self, bridge: &Bridge, id: &str, policy: Policy) -> PortResult<()> {
        let call = self.0.set_iam_policy().set_resource(in_region(bridge, id)).set_policy(policy);
        call.send().await.map(drop).map_err(|error| library(SERVICE, &error))
    }
}

fn repository(resource: &Resource) -> Option<&Repository> {
    match resource {
        Resource::Repository(repository) => Some(repository),
        _ => None,
    }
}

fn in_region(bridge: &Bridge, id: &str) -> String {
    format!("projects/{}/locations/{}/repositories/{id}", bridge.google.project, bridge.google.region())
}

fn name(bridge: &Bridge, repository: &Repository) -> String {
    format!(
        "projects/{}/locations/{}/repositories/{}",
        bridge.google.project, repository.location, repository.id
    )
}

fn labels(bridge: &Bridge) -> [(String, String); 1] {
    [(REPOSITORY_LABEL.to_owned(), bridge.name.clone())]
}

fn is_marked(bridge: &Bridge, repository: &model::Repository) -> bool {
    repository.labels.get(REPOSITORY_LABEL) == Some(&bridge.name)
}
