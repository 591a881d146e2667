//! The environment variables of the process, as a value that the edge hands in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Environment variables. Does not show its values: some of them are secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes the variables from pairs, for example `std::env::vars()`.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of a variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// All variables, for a child process.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// The file that the command `name` would run, looked up along `PATH`.
    pub(crate) fn find_command(&self, name: &str) -> Option<PathBuf> {
        let path = OsString::from(self.get("PATH")?);
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_names_and_no_values() {
        let environment = Environment::from_pairs([("AZURE_CLIENT_SECRET", "hunter2")]);
        let shown = format!("{environment:?}");
        assert!(shown.contains("AZURE_CLIENT_SECRET") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let environment = Environment::from_pairs([("A", ""), ("B", "  "), ("C", "c")]);
        assert_eq!(
            (environment.get("A"), environment.get("B"), environment.get("C")),
            (None, None, Some("c"))
        );
    }
}
