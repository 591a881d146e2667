//! The full resource name of a provider: what the `audience` parameter of a token exchange must hold.

use std::fmt;

/// `projects/PROJECT/locations/LOCATION/workloadIdentityPools/POOL/providers/PROVIDER`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceName {
    /// Project number. An id parses too, and then finds no provider.
    pub project: String,
    /// Location, `global`.
    pub location: String,
    /// Pool id.
    pub pool: String,
    /// Provider id.
    pub provider: String,
}

impl ResourceName {
    /// Parses the `audience` parameter of a token exchange: `//iam.googleapis.com/projects/…/providers/…`.
    pub fn parse_audience(audience: &str) -> Option<Self> {
        Self::parse(audience.strip_prefix("//iam.googleapis.com/")?)
    }

    /// Parses a resource name without a host.
    pub fn parse(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('/').collect();
        let [
            "projects",
            project,
            "locations",
            location,
            "workloadIdentityPools",
            pool,
            "providers",
            provider,
        ] = parts.as_slice()
        else {
            return None;
        };
        let ids = [project, location, pool, provider];
        ids.iter().all(|id| plain(id)).then(|| Self {
            project: (*project).to_owned(),
            location: (*location).to_owned(),
            pool: (*pool).to_owned(),
            provider: (*provider).to_owned(),
        })
    }

    /// The pool's resource name.
    pub fn pool_name(&self) -> String {
        format!("projects/{}/locations/{}/workloadIdentityPools/{}", self.project, self.location, self.pool)
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/providers/{}", self.pool_name(), self.provider)
    }
}

/// An id, and no template text or padding.
fn plain(id: &str) -> bool {
    !id.is_empty()
        && id.chars().all(|character| character.is_ascii_alphanumeric() || "-_.:".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_only_a_full_resource_name() {
        let name = "projects/412/locations/global/workloadIdentityPools/pool/providers/azure";
        let parsed = ResourceName::parse_audience(&format!("//iam.googleapis.com/{name}")).unwrap();
        assert_eq!(parsed.to_string(), name);
        assert_eq!(parsed.pool_name(), "projects/412/locations/global/workloadIdentityPools/pool");
        let refused = [
            format!("https://iam.googleapis.com/{name}"),
            name.to_owned(),
            "//iam.googleapis.com/projects/412/locations/global/workloadIdentityPools/pool".to_owned(),
            format!("//iam.example.com/{name}"),
            "//iam.googleapis.com/projects/${NUM}/locations/global/workloadIdentityPools/p/providers/a"
                .to_owned(),
            "//iam.googleapis.com/projects//locations/global/workloadIdentityPools/p/providers/a".to_owned(),
            String::new(),
        ];
        for audience in refused {
            assert_eq!(ResourceName::parse_audience(&audience), None, "{audience}");
        }
    }
}
