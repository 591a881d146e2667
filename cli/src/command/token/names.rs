//! The names under which other tools call us, and what each means.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Name of the executable and the verb of `gangplank token` it stands for. kubectl finds plugins by `kubectl-` and turns `_`
/// into `-`; docker finds helpers by `docker-credential-`.
pub const NAMES: [(&str, &str); 3] = [
    ("kubectl-gangplank_token", "kubectl"),
    ("docker-credential-gangplank", "docker"),
    ("gangplank-google-token", "google"),
];

/// Beside the names: the bridge file that they were installed for.
pub const RECORD: &str = ".gangplank-token-file";

/// What was typed, spelt out: `docker-credential-gangplank get` becomes `gangplank token docker get`. Besides, the name that
/// we were called by, if it is one of ours.
pub fn spelt_out(typed: Vec<OsString>) -> (Vec<OsString>, Option<PathBuf>) {
    let Some(called) = typed.first().map(PathBuf::from) else { return (typed, None) };
    let verb = NAMES.iter().find(|(name, _)| called.file_name().is_some_and(|it| it == *name));
    let Some((_, verb)) = verb else { return (typed, None) };
    let words = ["gangplank", "token", verb].map(OsString::from).into_iter();
    (words.chain(typed.into_iter().skip(1)).collect(), Some(called))
}

/// The folder of the executable `called`, looked up along `path` where it is a bare name.
pub fn folder(called: &Path, path: Option<&str>) -> Option<PathBuf> {
    if called.components().count() > 1 {
        return called.parent().map(Path::to_owned);
    }
    std::env::split_paths(path?).find(|folder| folder.join(called).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn names_are_spelt_out() {
        for (given, expected) in [
            (&["/x/docker-credential-gangplank", "get"][..], &["gangplank", "token", "docker", "get"][..]),
            (&["kubectl-gangplank_token", "--team", "a"], &["gangplank", "token", "kubectl", "--team", "a"]),
            (&["gangplank-google-token"], &["gangplank", "token", "google"]),
            (&["./gangplank", "plan"], &["./gangplank", "plan"]),
            (&[], &[]),
        ] {
            let (words, called) = spelt_out(typed(given));
            assert_eq!(words, typed(expected));
            assert_eq!(called.is_some(), expected.get(1) == Some(&"token"));
        }
    }

    #[test]
    fn a_bare_name_is_looked_up_along_the_path() {
        let bin = tempfile::tempdir().unwrap();
        std::fs::write(bin.path().join("docker-credential-gangplank"), "").unwrap();
        let path = format!("/nowhere:{}", bin.path().display());
        let bare = Path::new("docker-credential-gangplank");
        assert_eq!(folder(bare, Some(&path)).as_deref(), Some(bin.path()));
        assert_eq!(folder(bare, Some("/nowhere")), None);
        assert_eq!(folder(Path::new("/a/b"), None).as_deref(), Some(Path::new("/a")));
    }
}
