//! One file per fault. A check recognises its fault in the exhibits or passes; within a link they are asked in this order.

mod account_not_annotated;
mod api_disabled;
mod api_unreachable;
mod assertion_expired;
mod assertion_from_entra;
mod assignment_required;
mod audience_not_admitted;
mod claim_unusable;
mod cli_not_admitted;
mod cluster_name_differs;
mod condition_rejects_subject;
mod datastore_needs_key;
mod exec_plugin_fails;
mod federated_credential_limit;
mod federated_credentials;
mod id_token_not_permitted;
mod identity_not_assigned;
mod image_missing;
mod image_name_malformed;
mod impersonation_not_granted;
mod impersonation_not_wanted;
mod issuer_differs;
mod key_unknown;
mod library_too_old;
mod member_attribute_unmapped;
mod member_differs;
mod member_malformed;
mod metadata_not_ready;
mod metadata_server_elsewhere;
mod model_missing;
mod other_account_bound;
mod other_identity;
mod permission_not_granted;
mod placeholder_left;
mod platform_missing;
mod project_unknown;
mod provider_name_malformed;
mod provider_not_live;
mod rbac_not_granted;
mod registry_credential_absent;
mod registry_exchange_wrong;
mod registry_firewall;
mod registry_pull_not_granted;
mod registry_uri_not_set;
mod resource_doubled;
mod role_not_granted;
mod scope_missing;
mod service_account_missing;
mod shared_key_disabled;
mod storage_firewall;
mod storage_role_missing;
mod token_stale;
mod user_by_number;
mod value_empty;
mod workload_label_missing;

use super::{Check, Link};

/// Every check with its link, in the order of the walk.
const CHECKS: &[(Link, Check)] = &[
    (Link::SetUp, federated_credential_limit::check),
    (Link::SetUp, service_account_missing::check),
    (Link::SetUp, permission_not_granted::check),
    (Link::SetUp, registry_pull_not_granted::check),
    (Link::Client, value_empty::check),
    (Link::Client, id_token_not_permitted::check),
    (Link::Client, library_too_old::check),
    (Link::Pod, library_too_old::check),
    (Link::Pod, metadata_server_elsewhere::check),
    (Link::Pod, cluster_name_differs::check),
    (Link::Pod, workload_label_missing::check),
    (Link::Pod, member_malformed::check),
    (Link::Pod, account_not_annotated::check),
    (Link::Pod, service_account_missing::check),
    (Link::Pod, api_disabled::check),
    (Link::Pod, other_account_bound::check),
    (Link::Pod, impersonation_not_granted::pod),
    (Link::Pod, metadata_not_ready::check),
    (Link::Entra, resource_doubled::check),
    (Link::Entra, assignment_required::check),
    (Link::Entra, cli_not_admitted::check),
    (Link::Entra, assertion_from_entra::check),
    (Link::Entra, assertion_expired::check),
    (Link::Entra, key_unknown::entra),
    (Link::Entra, federated_credentials::check),
    (Link::Entra, workload_label_missing::check),
    (Link::Exchange, value_empty::check),
    (Link::Exchange, placeholder_left::audience),
    (Link::Exchange, provider_name_malformed::check),
    (Link::Exchange, provider_not_live::check),
    (Link::Exchange, issuer_differs::check),
    (Link::Exchange, key_unknown::google),
    (Link::Exchange, audience_not_admitted::check),
    (Link::Exchange, token_stale::check),
    (Link::Exchange, claim_unusable::check),
    (Link::Exchange, condition_rejects_subject::check),
    (Link::Impersonation, value_empty::check),
    (Link::Impersonation, scope_missing::check),
    (Link::Impersonation, api_disabled::check),
    (Link::Impersonation, service_account_missing::check),
    (Link::Impersonation, placeholder_left::member),
    (Link::Impersonation, member_attribute_unmapped::check),
    (Link::Impersonation, member_differs::check),
    (Link::Impersonation, impersonation_not_wanted::check),
    (Link::Impersonation, impersonation_not_granted::check),
    (Link::Registry, image_name_malformed::check),
    (Link::Registry, platform_missing::check),
    (Link::Registry, registry_credential_absent::check),
    (Link::Registry, image_missing::check),
    (Link::Registry, permission_not_granted::check),
    (Link::Cluster, exec_plugin_fails::check),
    (Link::Cluster, api_unreachable::check),
    (Link::Cluster, project_unknown::check),
    (Link::Cluster, user_by_number::check),
    (Link::Cluster, rbac_not_granted::check),
    (Link::Cluster, permission_not_granted::check),
    (Link::GoogleApi, project_unknown::check),
    (Link::GoogleApi, permission_not_granted::check),
    (Link::ContainerRegistry, registry_exchange_wrong::check),
    (Link::ContainerRegistry, registry_firewall::check),
    (Link::ContainerRegistry, image_name_malformed::check),
    (Link::ContainerRegistry, image_missing::check),
    (Link::ContainerRegistry, platform_missing::check),
    (Link::ContainerRegistry, registry_pull_not_granted::check),
    (Link::Storage, datastore_needs_key::check),
    (Link::Storage, shared_key_disabled::check),
    (Link::Storage, storage_firewall::check),
    (Link::Storage, storage_role_missing::check),
    (Link::AzureMl, model_missing::check),
    (Link::AzureMl, registry_uri_not_set::check),
    (Link::AzureMl, identity_not_assigned::check),
    (Link::AzureMl, other_identity::check),
    (Link::AzureMl, role_not_granted::check),
];

/// The checks of one link.
pub(super) fn at(wanted: Link) -> impl Iterator<Item = Check> {
    CHECKS.iter().filter(move |(link, _)| *link == wanted).map(|(_, check)| *check)
}

/// All checks with their links.
pub(super) fn all() -> impl Iterator<Item = (Link, Check)> {
    CHECKS.iter().copied()
}
