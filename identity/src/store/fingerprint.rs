//! The name of a kept token: a digest of everything that decides whose it is and what for.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::environment::Environment;

/// Variables that decide who logs in begin with one of these. One too many costs a fetch, one too few would hand out
/// somebody else's token.
const PREFIXES: [&str; 8] =
    ["AZURE", "IDENTITY_", "MSI_", "ACTIONS_ID_TOKEN_", "SYSTEM_", "GCE_METADATA", "GANGPLANK_AS", "HOME"];
/// What the Azure CLI keeps about who is logged in, in its folder.
const AZURE_PROFILE: &str = "azureProfile.json";

/// Names a kept token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreKey(String);

impl StoreKey {
    /// The key of what `asked` names (audience, scope, whose account, how long), for the bridge whose file holds `bridge`,
    /// with the log-in that `environment` holds.
    pub fn of(bridge: &[u8], environment: &Environment, asked: &[&str]) -> Self {
        let mut digest = Sha256::new();
        let mut add = |part: &[u8]| {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        };
        add(b"gangplank token 1");
        add(bridge);
        for (name, value) in environment.pairs() {
            if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                add(name.as_bytes());
                add(value.as_bytes());
            }
        }
        // The Azure CLI's log-in is in no variable.
        let command = environment.find_command("az").unwrap_or_default();
        add(command.as_os_str().as_encoded_bytes());
        let profile = azure_profile(environment).and_then(|file| std::fs::read(file).ok());
        add(&profile.unwrap_or_default());
        for part in asked {
            add(part.as_bytes());
        }
        Self(hex::encode(digest.finalize()))
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn azure_profile(environment: &Environment) -> Option<PathBuf> {
    let folder = match environment.get("AZURE_CONFIG_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(environment.get("HOME")?).join(".azure"),
    };
    Some(folder.join(AZURE_PROFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bridge: &str, pairs: &[(&str, &str)], asked: &[&str]) -> StoreKey {
        let environment = Environment::from_pairs(pairs.iter().copied());
        StoreKey::of(bridge.as_bytes(), &environment, asked)
    }

    #[test]
    fn whatever_decides_changes_the_key_and_nothing_else_does() {
        let login = [("AZURE_CLIENT_ID", "one"), ("TERM", "xterm")];
        let base = key("b", &login, &["kubectl", "oncology", "900"]);
        assert_eq!(base.as_str().len(), 64);
        assert_eq!(base, key("b", &[("AZURE_CLIENT_ID", "one")], &["kubectl", "oncology", "900"]));
        for other in [
            key("c", &login, &["kubectl", "oncology", "900"]),
            key("b", &[("AZURE_CLIENT_ID", "two")], &["kubectl", "oncology", "900"]),
            key("b", &[("AZURE_TENANT_ID", "one")], &["kubectl", "oncology", "900"]),
            key("b", &login, &["kubectl", "cellar", "900"]),
            key("b", &login, &["kubectl", "oncology9", "00"]),
            key("b", &login, &["kubectl", "oncology"]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn another_log_in_of_the_azure_cli_is_another_identity() {
        let home = tempfile::tempdir().unwrap();
        let pairs = [("HOME", home.path().to_str().unwrap())];
        let nobody = key("b", &pairs, &[]);
        std::fs::create_dir(home.path().join(".azure")).unwrap();
        let profile = home.path().join(".azure").join(AZURE_PROFILE);
        std::fs::write(&profile, "ada").unwrap();
        let ada = key("b", &pairs, &[]);
        std::fs::write(&profile, "bob").unwrap();
        assert!(nobody != ada && ada != key("b", &pairs, &[]));
    }
}
