//! One file per fault. A check recognises its fault in the exhibits or passes; within a link they are asked in this order.

mod account_not_annotated;
mod api_disabled;
mod api_unreachable;
mod assertion_kept;
mod cluster_name_differs;
mod datastore_needs_key;
mod entra_token_for_credential;
mod exec_plugin_fails;
mod federated_credential_limit;
mod federated_credentials;
mod id_token_not_permitted;
mod identity_not_assigned;
mod image_missing;
mod image_name_malformed;
mod impersonation_not_wanted;
mod key_unknown;
mod library_too_old;
mod member_attribute_unmapped;
mod member_malformed;
mod metadata_not_ready;
mod metadata_server_elsewhere;
mod model_missing;
mod other_account_bound;
mod other_identity;
mod permission_not_granted;
mod placeholder_left;
mod platform_missing;
mod pod_not_admitted;
mod project_unknown;
mod provider_name_malformed;
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
mod user_by_number;
mod value_empty;
mod workload_label_missing;

use super::case::Case;
use super::{Check, Link, Walked};
use crate::doctor::Hop;
use crate::finding::Finding;

/// One thing to look at.
#[derive(Clone, Copy)]
pub(super) enum Row {
    /// A hop of the walk.
    Hop(Hop),
    /// What a walk never asks for.
    Check(Check),
}

/// Everything that is looked at, with its link, in the order of the walk.
const CHECKS: &[(Link, Row)] = &[
    (Link::SetUp, Row::Check(federated_credential_limit::check)),
    (Link::SetUp, Row::Check(service_account_missing::check)),
    (Link::SetUp, Row::Check(permission_not_granted::check)),
    (Link::SetUp, Row::Check(registry_pull_not_granted::check)),
    (Link::Client, Row::Check(value_empty::check)),
    (Link::Client, Row::Check(id_token_not_permitted::check)),
    (Link::Client, Row::Check(library_too_old::check)),
    (Link::Pod, Row::Check(library_too_old::check)),
    (Link::Pod, Row::Check(metadata_server_elsewhere::check)),
    (Link::Pod, Row::Check(cluster_name_differs::check)),
    (Link::Pod, Row::Check(workload_label_missing::check)),
    (Link::Pod, Row::Check(member_malformed::check)),
    (Link::Pod, Row::Check(account_not_annotated::check)),
    (Link::Pod, Row::Check(service_account_missing::check)),
    (Link::Pod, Row::Check(api_disabled::check)),
    (Link::Pod, Row::Check(other_account_bound::check)),
    (Link::Pod, Row::Check(pod_not_admitted::check)),
    (Link::Pod, Row::Check(metadata_not_ready::check)),
    (Link::Entra, Row::Check(resource_doubled::check)),
    (Link::Entra, Row::Check(entra_token_for_credential::check)),
    (Link::Entra, Row::Check(assertion_kept::check)),
    (Link::Entra, Row::Check(key_unknown::entra)),
    (Link::Entra, Row::Check(federated_credentials::check)),
    (Link::Entra, Row::Check(workload_label_missing::check)),
    (Link::Entra, Row::Hop(Hop::FirstToken)),
    (Link::Entra, Row::Hop(Hop::EntraToken)),
    (Link::Exchange, Row::Check(value_empty::check)),
    (Link::Exchange, Row::Check(placeholder_left::audience)),
    (Link::Exchange, Row::Check(provider_name_malformed::check)),
    (Link::Exchange, Row::Check(key_unknown::google)),
    (Link::Exchange, Row::Hop(Hop::Exchange)),
    (Link::Impersonation, Row::Check(value_empty::check)),
    (Link::Impersonation, Row::Check(scope_missing::check)),
    (Link::Impersonation, Row::Check(api_disabled::check)),
    (Link::Impersonation, Row::Check(service_account_missing::check)),
    (Link::Impersonation, Row::Check(placeholder_left::member)),
    (Link::Impersonation, Row::Check(member_attribute_unmapped::check)),
    (Link::Impersonation, Row::Check(impersonation_not_wanted::check)),
    (Link::Impersonation, Row::Hop(Hop::Impersonation)),
    (Link::Registry, Row::Check(image_name_malformed::check)),
    (Link::Registry, Row::Check(platform_missing::check)),
    (Link::Registry, Row::Check(registry_credential_absent::check)),
    (Link::Registry, Row::Check(image_missing::check)),
    (Link::Registry, Row::Check(permission_not_granted::check)),
    (Link::Registry, Row::Hop(Hop::Registry)),
    (Link::Registry, Row::Hop(Hop::Pull)),
    (Link::Cluster, Row::Check(exec_plugin_fails::check)),
    (Link::Cluster, Row::Check(api_unreachable::check)),
    (Link::Cluster, Row::Check(project_unknown::check)),
    (Link::Cluster, Row::Check(user_by_number::check)),
    (Link::Cluster, Row::Check(rbac_not_granted::check)),
    (Link::Cluster, Row::Check(permission_not_granted::check)),
    (Link::Cluster, Row::Hop(Hop::Cluster)),
    (Link::GoogleApi, Row::Check(project_unknown::check)),
    (Link::GoogleApi, Row::Check(permission_not_granted::check)),
    (Link::ContainerRegistry, Row::Check(registry_exchange_wrong::check)),
    (Link::ContainerRegistry, Row::Check(registry_firewall::check)),
    (Link::ContainerRegistry, Row::Check(image_name_malformed::check)),
    (Link::ContainerRegistry, Row::Check(image_missing::check)),
    (Link::ContainerRegistry, Row::Check(platform_missing::check)),
    (Link::ContainerRegistry, Row::Check(registry_pull_not_granted::check)),
    (Link::Storage, Row::Check(datastore_needs_key::check)),
    (Link::Storage, Row::Check(shared_key_disabled::check)),
    (Link::Storage, Row::Check(storage_firewall::check)),
    (Link::Storage, Row::Check(storage_role_missing::check)),
    (Link::Storage, Row::Hop(Hop::Storage)),
    (Link::AzureMl, Row::Check(model_missing::check)),
    (Link::AzureMl, Row::Check(registry_uri_not_set::check)),
    (Link::AzureMl, Row::Check(identity_not_assigned::check)),
    (Link::AzureMl, Row::Check(other_identity::check)),
    (Link::AzureMl, Row::Check(role_not_granted::check)),
    (Link::AzureMl, Row::Hop(Hop::Workspace)),
];

impl Row {
    /// What is wrong here.
    pub(super) fn look(self, case: &Case<'_>, walked: &Walked, named: bool) -> Option<Finding> {
        match self {
            Self::Hop(hop) => walked.at(hop, named).cloned(),
            Self::Check(check) => check(case),
        }
    }
}

/// The rows of one link.
pub(super) fn at(wanted: Link) -> impl Iterator<Item = Row> {
    CHECKS.iter().filter(move |(link, _)| *link == wanted).map(|(_, row)| *row)
}

/// All rows with their links.
pub(super) fn all() -> impl Iterator<Item = (Link, Row)> {
    CHECKS.iter().copied()
}
