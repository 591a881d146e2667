//! Where a chain leads, and who one is at its end.

/// Where a chain leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainConfig {
    /// Scope of the first token: `api://TENANT/SLUG/.default`.
    pub scope: String,
    /// The workload identity provider:
    /// `//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    pub provider: String,
    /// `https://sts.googleapis.com`, or where the bridge says.
    pub sts: String,
    /// `https://iamcredentials.googleapis.com`, or where the bridge says.
    pub iam_credentials: String,
}

impl ChainConfig {
    /// The provider's full resource name.
    pub fn provider_name(project_number: &str, pool: &str, provider: &str) -> String {
        format!(
            "//iam.googleapis.com/projects/{project_number}/locations/global/workloadIdentityPools/{pool}/providers/{provider}"
        )
    }

    /// The IAM principal of one subject of the provider's pool.
    pub(super) fn principal(&self, subject: &str) -> String {
        let pool = self.provider.split("/providers/").next().unwrap_or_default();
        format!("principal:{pool}/subject/{subject}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_of_the_pool_is_named_as_iam_does() {
        let config = ChainConfig {
            scope: String::new(),
            provider: ChainConfig::provider_name("412907655821", "quay", "entra"),
            sts: String::new(),
            iam_credentials: String::new(),
        };
        assert_eq!(
            config.principal("c3d2e5f4-9d86-403b-9e7a-f42081ac0d03"),
            "principal://iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/quay/subject/\
             c3d2e5f4-9d86-403b-9e7a-f42081ac0d03"
        );
    }
}
