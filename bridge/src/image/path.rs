//! Which paths may go into an image. A store's names are text; in an image they become files, so everything that could
//! leave the model's folder, hide another file, or not unpack everywhere is refused.

use std::collections::BTreeMap;

use crate::port::ModelFile;

/// The longest name of one file or folder that Linux file systems take, in bytes.
const NAME_LIMIT: usize = 255;
/// The longest path, in bytes; the rest of `PATH_MAX` is left to where the image is unpacked.
const PATH_LIMIT: usize = 2048;

/// Why a model's files cannot become an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path is not a plain relative path.
    #[error("path `{path}` {problem}; register the model again with plain relative paths")]
    Unsafe {
        /// The path, with control characters escaped.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Two files have one path.
    #[error("path `{path}` is listed twice")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// Two paths differ only in capitals: one hides the other where case is ignored.
    #[error("paths `{first}` and `{second}` differ only in capitals; rename one of them")]
    Case {
        /// One path.
        first: String,
        /// The other.
        second: String,
    },
    /// A path is a file and a folder at once.
    #[error("path `{path}` is a file, and `{inner}` lies below it")]
    FileAndFolder {
        /// The file.
        path: String,
        /// The file below it.
        inner: String,
    },
}

/// Checks all paths of a model.
pub(super) fn check(files: &[ModelFile]) -> Result<(), PathError> {
    let mut names = Names::default();
    for file in files {
        check_one(&file.path)?;
        names.add(&file.path)?;
    }
    names.folders_are_no_files()
}

/// Checks that a text can be one component of a path: a model's name, a version.
pub(super) fn check_component(component: &str) -> Result<(), &'static str> {
    match component {
        "" => Err("has an empty component"),
        "." | ".." => Err("has a component `.` or `..`"),
        _ if component.len() > NAME_LIMIT => Err("has a component of more than 255 bytes"),
        _ if component.contains('/') => Err("has a slash in a name"),
        _ if component.contains('\\') => Err("has a backslash"),
        _ if component.chars().any(char::is_control) => Err("has a control character"),
        _ if component.starts_with(".wh.") => {
            Err("has a component that starts with `.wh.`, which deletes files in images")
        }
        _ => Ok(()),
    }
}

/// A text safe to show: control characters escaped.
pub(super) fn shown(path: &str) -> String {
    path.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn check_one(path: &str) -> Result<(), PathError> {
    let unsafe_path = |problem| PathError::Unsafe { path: shown(path), problem };
    if path.starts_with('/') {
        return Err(unsafe_path("is absolute"));
    }
    if path.len() > PATH_LIMIT {
        return Err(unsafe_path("has more than 2048 bytes"));
    }
    path.split('/').try_for_each(check_component).map_err(unsafe_path)
}

/// Every file and folder seen so far, by its lower-case path.
#[derive(Default)]
struct Names<'a> {
    files: BTreeMap<String, &'a str>,
    folders: BTreeMap<String, (&'a str, &'a str)>,
}

impl<'a> Names<'a> {
    fn add(&mut self, path: &'a str) -> Result<(), PathError> {
        if let Some(first) = self.files.insert(path.to_lowercase(), path) {
            return Err(if first == path {
                PathError::Duplicate { path: path.to_owned() }
            } else {
                PathError::Case { first: first.to_owned(), second: path.to_owned() }
            });
        }
        for (at, _) in path.match_indices('/') {
            let folder = path.get(..at).unwrap_or_default();
            match self.folders.get(&folder.to_lowercase()) {
                Some((known, first)) if *known != folder => {
                    return Err(PathError::Case { first: (*first).to_owned(), second: path.to_owned() });
                }
                Some(_) => {}
                None => {
                    self.folders.insert(folder.to_lowercase(), (folder, path));
                }
            }
        }
        Ok(())
    }

    fn folders_are_no_files(&self) -> Result<(), PathError> {
        for (lower, path) in &self.files {
            if let Some((folder, inner)) = self.folders.get(lower) {
                let (path, inner) = ((*path).to_owned(), (*inner).to_owned());
                return Err(if *folder == path {
                    PathError::FileAndFolder { path, inner }
                } else {
                    PathError::Case { first: path, second: inner }
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> ModelFile {
        ModelFile { path: path.to_owned(), size: 1, etag: String::new(), url: String::new() }
    }

    fn verdict(paths: &[&str]) -> String {
        let files: Vec<_> = paths.iter().copied().map(file).collect();
        check(&files).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn table() {
        let long = "x".repeat(256);
        let rows: &[(&[&str], &str)] = &[
            (&["model.onnx"], "fine"),
            (&["a/b", "a/c", "ab"], "fine"),
            (&["übung/…/数"], "fine"),
            (&["..x/y.."], "fine"),
            (&["../x"], "`.` or `..`"),
            (&["a/../x"], "`.` or `..`"),
            (&["a/.."], "`.` or `..`"),
            (&["./a"], "`.` or `..`"),
            (&["/etc/passwd"], "absolute"),
            (&["a//b"], "empty component"),
            (&["a/"], "empty component"),
            (&[""], "empty component"),
            (&["a\\b"], "backslash"),
            (&["a\0b"], "control character"),
            (&["a\nb"], "control character"),
            (&[".wh.model"], "deletes files"),
            (&["a/.wh..wh..opq"], "deletes files"),
            (&[&long], "255 bytes"),
            (&["a", "a"], "listed twice"),
            (&["Model", "model"], "differ only in capitals"),
            (&["A/x", "a/y"], "differ only in capitals"),
            (&["a", "a/b"], "is a file, and `a/b` lies below it"),
            (&["a/b", "A"], "differ only in capitals"),
        ];
        for (paths, expected) in rows {
            let verdict = verdict(paths);
            assert!(verdict.contains(expected), "{paths:?}: {verdict}");
        }
    }

    #[test]
    fn long_paths_are_refused() {
        let path = vec!["abcdefgh"; 300].join("/");
        assert!(verdict(&[&path]).contains("2048 bytes"));
    }

    #[test]
    fn control_characters_are_shown_escaped() {
        assert_eq!(shown("a\0b\n"), "a\\u{0}b\\n");
    }
}
