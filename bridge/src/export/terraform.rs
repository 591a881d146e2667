//! Each wish as the resource of a provider.

use std::collections::{BTreeMap, BTreeSet};

use super::hcl::{Block, Expression, Part, reference, text};
use super::kubernetes;
use crate::convention::REPOSITORY_LABEL;
use crate::inventory::Facts;
use crate::plan::{Obstacle, client_id_of, principal_id_of, unique_id_of};
use crate::resource::{
    AppRoleAssignment, Application, DelegatedPermission, FederatedCredential, Grant, GrantTarget,
    KubernetesObject, ManagedIdentity, Provider, Repository, Resource, RoleAssignment, ServiceAccount,
};
use crate::spec::Bridge;
use crate::want::{AZURE_CLI, wanted};

const APPLICATION: &str = "azuread_application.bridge";
const PRINCIPAL: &str = "azuread_service_principal.bridge";
const POOL: &str = "google_iam_workload_identity_pool.bridge";

/// The providers, with the versions whose resources these are.
const PROVIDERS: [(&str, &str, &str); 4] = [
    ("azuread", "hashicorp/azuread", "~> 3.0"),
    ("azurerm", "hashicorp/azurerm", "~> 4.0"),
    ("google", "hashicorp/google", ">= 6.0"),
    ("kubernetes", "hashicorp/kubernetes", ">= 2.30"),
];

/// Everything the bridge wants as one Terraform file, or what keeps it from being wanted.
pub fn terraform(bridge: &Bridge, facts: &Facts) -> Result<String, Vec<Obstacle>> {
    // What Terraform makes has no id yet, whatever there is already.
    let facts =
        Facts { application: None, shards: BTreeMap::new(), unique_ids: BTreeMap::new(), ..facts.clone() };
    let (wanted, obstacles) = wanted(bridge, &facts);
    if !obstacles.is_empty() {
        return Err(obstacles);
    }
    let mut export =
        Export { bridge, facts: &facts, references: references(bridge, &wanted), names: BTreeSet::new() };
    let mut blocks = export.preamble();
    for resource in &wanted {
        blocks.extend(export.resource(resource));
    }
    let mut out = String::new();
    for block in blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        block.write(0, &mut out);
    }
    Ok(out)
}

struct Export<'a> {
    bridge: &'a Bridge,
    facts: &'a Facts,
    /// What stands for something else: the text, and the reference to take its place.
    references: Vec<(String, String)>,
    /// Names given so far, with their type.
    names: BTreeSet<String>,
}

/// Placeholders, and names of accounts and of the pool, by what they refer to. Longer ones come first, so that none is
/// taken for the beginning of another.
fn references(bridge: &Bridge, wanted: &[Resource]) -> Vec<(String, String)> {
    let mut all = vec![
        ("${application.appId}".to_owned(), format!("{APPLICATION}.client_id")),
        ("${application.servicePrincipalId}".to_owned(), format!("{PRINCIPAL}.object_id")),
        (
            format!(
                "projects/{}/locations/global/workloadIdentityPools/{}/",
                bridge.google.project_number, bridge.federation.pool
            ),
            format!("{POOL}.name"),
        ),
    ];
    for resource in wanted {
        match resource {
            Resource::ManagedIdentity(it) => {
                let address = format!("azurerm_user_assigned_identity.{}", identifier(&it.name));
                all.push((client_id_of(&it.name), format!("{address}.client_id")));
                all.push((principal_id_of(&it.name), format!("{address}.principal_id")));
            }
            Resource::ServiceAccount(it) => {
                let address = format!("google_service_account.{}", identifier(&it.id));
                all.push((unique_id_of(&it.id), format!("{address}.unique_id")));
                let email = format!("{}@{}.iam.gserviceaccount.com", it.id, bridge.google.project);
                all.push((email, format!("{address}.email")));
            }
            _ => {}
        }
    }
    all.sort_by_key(|(found, _)| std::cmp::Reverse(found.len()));
    all
}

impl Export<'_> {
    fn preamble(&self) -> Vec<Block> {
        let mut required = Block::new("required_providers", &[]);
        for (name, source, version) in PROVIDERS {
            let wanted = [("source", source), ("version", version)];
            let wanted = wanted.map(|(key, value)| (key.to_owned(), text(value)));
            required = required.with(name, Expression::Map(wanted.into()));
        }
        let azure = &self.bridge.azure;
        vec![
            Block::new("terraform", &[]).holding(required),
            Block::new("provider", &["azuread"]).with("tenant_id", text(&azure.tenant)),
            Block::new("provider", &["azurerm"])
                .with("tenant_id", text(&azure.tenant))
                .with("subscription_id", text(&azure.subscription))
                .holding(Block::new("features", &[])),
            Block::new("provider", &["google"]).with("project", text(&self.bridge.google.project)),
        ]
    }

    fn resource(&mut self, resource: &Resource) -> Vec<Block> {
        let mark = text(self.bridge.mark());
        match resource {
            Resource::Application(it) => {
                let clients = it.delegated.iter().flat_map(preauthorised);
                std::iter::once(application(it, mark)).chain(clients).collect()
            }
            Resource::ServicePrincipal(it) => {
                let block = Block::new("resource", &["azuread_service_principal", "bridge"]);
                vec![block.with("client_id", self.text(&it.app_id))]
            }
            Resource::AppRoleAssignment(it) => vec![self.app_role_assignment(it)],
            Resource::ManagedIdentity(it) => vec![self.managed_identity(it)],
            Resource::FederatedCredential(it) => vec![self.federated_credential(it)],
            Resource::RoleAssignment(it) => vec![self.role_assignment(it, mark)],
            Resource::Pool(it) => vec![
                Block::new("resource", &["google_iam_workload_identity_pool", "bridge"])
                    .with("workload_identity_pool_id", text(&it.id))
                    .with("description", mark)
                    .with("disabled", Expression::Flag(it.disabled)),
            ],
            Resource::Provider(it) => vec![self.provider(it, mark)],
            Resource::ServiceAccount(it) => vec![service_account(it, mark)],
            Resource::Grant(it) => self.grant(it),
            Resource::Repository(it) => vec![self.repository(it)],
            Resource::Kubernetes(it) => vec![self.kubernetes(it)],
        }
    }

    /// A text in which what refers to another resource is a reference.
    fn text(&self, whole: &str) -> Expression {
        let mut parts = vec![Part::Literal(whole.to_owned())];
        for (found, to) in &self.references {
            parts = parts.into_iter().flat_map(|part| split(part, found, to)).collect();
        }
        Expression::Text(parts)
    }

    /// A name that no other resource of this type has.
    fn name(&mut self, kind: &str, from: &str) -> String {
        let stem = identifier(from);
        let mut name = stem.clone();
        let mut number = 2;
        while !self.names.insert(format!("{kind}.{name}")) {
            name = format!("{stem}_{number}");
            number += 1;
        }
        name
    }

    fn app_role_assignment(&mut self, it: &AppRoleAssignment) -> Block {
        let kind = "azuread_app_role_assignment";
        let name = self.name(kind, &format!("{}_{}", it.role, it.principal_id));
        Block::new("resource", &[kind, &name])
            .with("app_role_id", text(&it.app_role_id))
            .with("principal_object_id", text(&it.principal_id))
            .with("resource_object_id", reference(format!("{PRINCIPAL}.object_id")))
    }

    fn managed_identity(&self, it: &ManagedIdentity) -> Block {
        let tags = [
            ("gangplank", self.bridge.name.as_str()),
            ("gangplank-team", &it.team),
            ("gangplank-rights", &it.rights),
        ];
        let tags = tags.map(|(name, value)| (name.to_owned(), text(value)));
        Block::new("resource", &["azurerm_user_assigned_identity", &identifier(&it.name)])
            .with("name", text(&it.name))
            .with("resource_group_name", text(&self.bridge.azure.resource_group))
            .with("location", text(&self.facts.region))
            .with("tags", Expression::Map(tags.into()))
    }

    fn federated_credential(&mut self, it: &FederatedCredential) -> Block {
        let kind = "azurerm_federated_identity_credential";
        let name = self.name(kind, &it.name);
        let identity = format!("azurerm_user_assigned_identity.{}", identifier(&it.identity));
        Block::new("resource", &[kind, &name])
            .with("name", text(&it.name))
            .with("resource_group_name", text(&self.bridge.azure.resource_group))
            .with("parent_id", reference(format!("{identity}.id")))
            .with("issuer", text(&it.issuer))
            .with("subject", self.text(&it.subject))
            .with("audience", Expression::List(it.audiences.iter().map(text).collect()))
    }

    fn role_assignment(&mut self, it: &RoleAssignment, mark: Expression) -> Block {
        let kind = "azurerm_role_assignment";
        let name = self.name(kind, &format!("{}_{}", it.role, short(&it.principal_id)));
        let role = format!(
            "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
            self.bridge.azure.subscription, it.role_definition
        );
        Block::new("resource", &[kind, &name])
            .with("scope", text(&it.scope))
            .with("role_definition_id", text(role))
            .with("principal_id", self.text(&it.principal_id))
            .with("principal_type", text(&it.principal_type))
            .with("description", mark)
    }

    fn provider(&self, it: &Provider, mark: Expression) -> Block {
        let mapping = it.mapping.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let audiences = it.audiences.iter().map(|audience| self.text(audience)).collect();
        let oidc = Block::new("oidc", &[])
            .with("issuer_uri", text(&it.issuer))
            .with("allowed_audiences", Expression::List(audiences));
        Block::new("resource", &["google_iam_workload_identity_pool_provider", "bridge"])
            .with("workload_identity_pool_id", reference(format!("{POOL}.workload_identity_pool_id")))
            .with("workload_identity_pool_provider_id", text(&it.id))
            .with("description", mark)
            .with("disabled", Expression::Flag(it.disabled))
            .with("attribute_mapping", Expression::Map(mapping))
            .with("attribute_condition", text(&it.condition))
            .holding(oidc)
    }

    /// One resource a member: others' members of the same role stay.
    fn grant(&mut self, it: &Grant) -> Vec<Block> {
        it.members.iter().map(|member| self.member(it, member)).collect()
    }

    fn member(&mut self, it: &Grant, member: &str) -> Block {
        let role = it.role.trim_start_matches("roles/");
        let label = format!("{role}_{}", short(member));
        let block = match &it.target {
            GrantTarget::Project => {
                let kind = "google_project_iam_member";
                let name = self.name(kind, &label);
                Block::new("resource", &[kind, &name]).with("project", text(&self.bridge.google.project))
            }
            GrantTarget::ServiceAccount(id) => {
                let kind = "google_service_account_iam_member";
                let name = self.name(kind, &format!("{id}_{label}"));
                let account = format!("google_service_account.{}.name", identifier(id));
                Block::new("resource", &[kind, &name]).with("service_account_id", reference(account))
            }
            GrantTarget::Repository(id) => {
                let kind = "google_artifact_registry_repository_iam_member";
                let name = self.name(kind, &format!("{id}_{label}"));
                let repository = format!("google_artifact_registry_repository.{}", identifier(id));
                Block::new("resource", &[kind, &name])
                    .with("location", reference(format!("{repository}.location")))
                    .with("repository", reference(format!("{repository}.name")))
            }
        };
        block.with("role", text(&it.role)).with("member", self.text(member))
    }

    fn repository(&self, it: &Repository) -> Block {
        let labels = vec![(REPOSITORY_LABEL.to_owned(), text(&self.bridge.name))];
        Block::new("resource", &["google_artifact_registry_repository", &identifier(&it.id)])
            .with("repository_id", text(&it.id))
            .with("location", text(&it.location))
            .with("format", text("DOCKER"))
            .with("labels", Expression::Map(labels))
    }

    /// The resource of the object's own kind, or else the one that takes any object.
    fn kubernetes(&mut self, it: &KubernetesObject) -> Block {
        let key = it.object_key();
        let kind = key.as_ref().and_then(|key| kubernetes::resource_type(&key.kind));
        let label = key.map(|key| [key.namespace, Some(key.name)].into_iter().flatten().collect::<Vec<_>>());
        let label = label.unwrap_or_default().join("_");
        let text = |value: &str| self.text(value);
        if let Some(kind) = kind {
            let block = kubernetes::typed(&it.object, &text, &|namespace| {
                reference(format!("kubernetes_namespace_v1.{}.metadata[0].name", identifier(namespace)))
            });
            let name = self.name(kind, &label);
            return Block { labels: vec![kind.to_owned(), name], ..block };
        }
        let manifest = Expression::from_json(&it.object, &text);
        let kind = "kubernetes_manifest";
        let name = self.name(kind, &label);
        Block::new("resource", &[kind, &name]).with("manifest", manifest)
    }
}

fn application(it: &Application, mark: Expression) -> Block {
    let mut block = Block::new("resource", &["azuread_application", "bridge"])
        .with("display_name", text(&it.display_name))
        .with("identifier_uris", Expression::List(vec![text(&it.identifier_uri)]))
        .with("sign_in_audience", text("AzureADMyOrg"))
        .with("tags", Expression::List(vec![mark]));
    if it.group_claims {
        block = block.with("group_membership_claims", Expression::List(vec![text("SecurityGroup")]));
    }
    let version = Expression::Number(it.token_version.to_string());
    let api = Block::new("api", &[]).with("requested_access_token_version", version);
    block = block.holding(match &it.delegated {
        Some(permission) => api.holding(scope(permission)),
        None => api,
    });
    for (value, role) in &it.app_roles {
        let kinds = role.allowed_member_types.iter().map(|kind| text(kind.as_str())).collect();
        let role = Block::new("app_role", &[])
            .with("allowed_member_types", Expression::List(kinds))
            .with("description", text(&role.display_name))
            .with("display_name", text(&role.display_name))
            .with("enabled", Expression::Flag(true))
            .with("id", text(&role.id))
            .with("value", text(value));
        block = block.holding(role);
    }
    block
}

fn scope(it: &DelegatedPermission) -> Block {
    Block::new("oauth2_permission_scope", &[])
        .with("admin_consent_description", text(&it.display_name))
        .with("admin_consent_display_name", text(&it.display_name))
        .with("enabled", Expression::Flag(it.enabled))
        .with("id", text(&it.id))
        .with("type", text(&it.consent))
        .with("value", text(&it.value))
}

/// One resource a client: <https://registry.terraform.io/providers/hashicorp/azuread/latest/docs/resources/application_pre_authorized>.
fn preauthorised(it: &DelegatedPermission) -> Vec<Block> {
    let name = |client: &str| {
        if client == AZURE_CLI { "azure_cli".to_owned() } else { identifier(client) }
    };
    let block = |client: &String| {
        Block::new("resource", &["azuread_application_pre_authorized", &name(client)])
            .with("application_id", reference(format!("{APPLICATION}.id")))
            .with("authorized_client_id", text(client))
            .with("permission_ids", Expression::List(vec![text(&it.id)]))
    };
    it.clients.iter().map(block).collect()
}

fn service_account(it: &ServiceAccount, mark: Expression) -> Block {
    Block::new("resource", &["google_service_account", &identifier(&it.id)])
        .with("account_id", text(&it.id))
        .with("display_name", text(&it.display_name))
        .with("description", mark)
}

/// Splits a text around what a reference takes the place of. The pool's path is followed by a slash, which stays.
fn split(part: Part, found: &str, to: &str) -> Vec<Part> {
    let Part::Literal(whole) = part else { return vec![part] };
    let mut parts = Vec::new();
    let mut rest = whole.as_str();
    while let Some((before, after)) = rest.split_once(found) {
        if !before.is_empty() {
            parts.push(Part::Literal(before.to_owned()));
        }
        parts.push(Part::Reference(to.to_owned()));
        if found.ends_with('/') {
            parts.push(Part::Literal("/".to_owned()));
        }
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    parts
}

/// The last part of a member or a placeholder: enough to tell names apart.
fn short(text: &str) -> &str {
    let text = text.trim_end_matches(".principalId}").trim_start_matches("${identity.");
    let last = text.rsplit('/').next().unwrap_or(text);
    last.split('@').next().unwrap_or(last)
}

/// A Terraform identifier: lower case, digits and underscores, the first a letter.
fn identifier(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' })
        .collect();
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.insert_str(0, "n_");
    }
    name
}

#[cfg(test)]
mod tests;
