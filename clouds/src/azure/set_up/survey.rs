//! Everything on the Azure side that a bridge file could speak of, whoever made it. Only reads.

use bridge::convention::marked_for;
use bridge::import::{Seen, Survey, Trust};
use bridge::inventory::{ApplicationIds, Facts, State};
use bridge::port::PortResult;
use bridge::spec::Bridge;

use super::{SetUp, application, facts, managed_identity, principal, role_assignment};

impl SetUp {
    /// Adds the applications whose tokens the provider takes, with their roles and who has them; the datastores and who
    /// may read them; managed identities; and whoever was named so far.
    pub async fn survey(&self, bridge: &Bridge, trust: &Trust, survey: &mut Survey) -> PortResult<()> {
        let mut facts = Facts::default();
        self.storage(bridge, &mut facts).await?;
        (survey.datastore, survey.datastores) = (facts.datastore, facts.datastores);
        let graph = &self.graph.rest;
        for found in application::trusted(graph, bridge, trust).await? {
            let mark = found.mark();
            let observed = found.observed(bridge, State::Live);
            let principal = principal::find(graph, &found.app_id).await?;
            let ids = ApplicationIds {
                app_id: found.app_id.clone(),
                object_id: found.id.clone(),
                service_principal_id: principal.map(|principal| principal.id),
            };
            survey.applications.insert(found.display_name().to_owned(), ids);
            survey.seen.push(Seen { resource: observed.resource, mark: mark.clone() });
            let parts = principal::observe(graph, bridge, &found).await?;
            survey
                .seen
                .extend(parts.into_iter().map(|it| Seen { resource: it.resource, mark: mark.clone() }));
        }
        let mut scopes = vec![bridge.workspace_scope(), survey.datastore.scope.clone()];
        scopes.extend(survey.datastores.values().map(|datastore| datastore.scope.clone()));
        scopes.sort();
        scopes.dedup();
        for (resource, description) in role_assignment::survey(&self.management, &scopes).await? {
            survey.seen.push(Seen { resource, mark: marked_for(&description).map(str::to_owned) });
        }
        survey.seen.extend(managed_identity::survey(&self.management, bridge).await?);
        survey.principals = facts::known(graph, &survey.ids()).await?;
        Ok(())
    }
}
