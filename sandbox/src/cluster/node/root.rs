//! Paths inside an unpacked image: resolved as a process chrooted there would, never leaving it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// How many links a path may go through.
const LINKS: usize = 40;

/// The place on disk of `path` in `root`: links are followed inside, `..` stops at the root, and what is not there yet is
/// taken as it is named.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut done: Vec<OsString> = Vec::new();
    let mut left = steps(path);
    let mut links = 0;
    while let Some(step) = left.pop_front() {
        match step {
            Step::Up => drop(done.pop()),
            Step::Down(name) => {
                let here = place(root, &done).join(&name);
                match std::fs::read_link(&here) {
                    Ok(target) => {
                        links += 1;
                        if links > LINKS {
                            return Err(io::Error::other("too many levels of symbolic links"));
                        }
                        if target.is_absolute() {
                            done.clear();
                        }
                        for step in steps(&target).into_iter().rev() {
                            left.push_front(step);
                        }
                    }
                    Err(_) => done.push(name),
                }
            }
        }
    }
    Ok(place(root, &done))
}

/// [`resolve`] for all but the last name: where an entry of that path is made or removed. `None` for the root itself.
pub(super) fn resolve_parent(root: &Path, path: &Path) -> io::Result<Option<(PathBuf, OsString)>> {
    let mut names = steps(path);
    match names.pop_back() {
        Some(Step::Down(name)) => {
            let parent: PathBuf = names.iter().map(Step::as_path).collect();
            Ok(Some((resolve(root, &parent)?, name)))
        }
        Some(Step::Up) => Err(io::Error::other("the path ends in `..`")),
        None => Ok(None),
    }
}

/// The link text that leads from a link in `parent` (a resolved folder in `root`) to where `target` means inside the root.
/// Absolute targets and ones that climb out become relative and stay in.
pub(super) fn confined_link(root: &Path, parent: &Path, target: &Path) -> PathBuf {
    let below = parent.strip_prefix(root).unwrap_or(Path::new(""));
    let start = if target.is_absolute() { PathBuf::new() } else { below.to_path_buf() };
    let mut names: Vec<OsString> = Vec::new();
    for step in steps(&start.join(target)) {
        match step {
            Step::Up => drop(names.pop()),
            Step::Down(name) => names.push(name),
        }
    }
    let up = std::iter::repeat_n("..", below.components().count());
    let link: PathBuf = up.map(OsString::from).chain(names).collect();
    if link.as_os_str().is_empty() { PathBuf::from(".") } else { link }
}

enum Step {
    Up,
    Down(OsString),
}

impl Step {
    fn as_path(&self) -> &Path {
        match self {
            Self::Up => Path::new(".."),
            Self::Down(name) => Path::new(name),
        }
    }
}

fn steps(path: &Path) -> VecDeque<Step> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(Step::Down(name.to_owned())),
            Component::ParentDir => Some(Step::Up),
            _ => None,
        })
        .collect()
}

fn place(root: &Path, names: &[OsString]) -> PathBuf {
    let mut path = root.to_path_buf();
    path.extend(names);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("usr/lib")).unwrap();
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("/usr", root.join("absolute")).unwrap();
        symlink("../../../../etc", root.join("out")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for (path, expected) in [
            ("/lib/x", "usr/lib/x"),
            ("absolute/lib", "usr/lib"),
            ("/out/passwd", "etc/passwd"),
            ("../../x", "x"),
            ("/usr/../usr/./lib", "usr/lib"),
        ] {
            assert_eq!(resolve(root, Path::new(path)).unwrap(), root.join(expected), "{path}");
        }
        assert!(resolve(root, Path::new("loop")).is_err());
    }

    #[test]
    fn links_are_confined() {
        let root = Path::new("/r");
        for (parent, target, expected) in [
            ("/r/a/b", "/etc/x", "../../etc/x"),
            ("/r/a", "../../../x", "../x"),
            ("/r", "usr/lib", "usr/lib"),
            ("/r", "/", "."),
            ("/r/a", "c", "../a/c"),
        ] {
            let link = confined_link(root, Path::new(parent), Path::new(target));
            assert_eq!(link, Path::new(expected), "{parent} {target}");
        }
    }
}
