//! Where this crate touches the machine: the clock, the environment, files. Everything below gets them as values.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bridge::port::Time;
use identity::Environment;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl Time for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the edge reads the clock for everybody")]
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

impl identity::Clock for SystemTime {
    fn now(&self) -> jiff::Timestamp {
        Time::now(self)
    }
}

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`", path.display())]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// Reads a whole file, with its name in any error.
pub fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    std::fs::read(path).map_err(|source| Unreadable { path: path.to_owned(), source })
}

/// Whether a file begins as a 64-bit ELF executable does.
pub fn is_linux_executable(path: &Path) -> Result<bool, Unreadable> {
    let mut head = [0; 5];
    let unreadable = |source| Unreadable { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    match std::io::Read::read_exact(&mut file, &mut head) {
        Ok(()) => Ok(head == *b"\x7fELF\x02"),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(unreadable(error)),
    }
}

/// Writes a file that only the user can read (0600): beside, and renamed, so that nobody sees half of it and a link at `path`
/// is replaced and not followed.
pub fn write_private(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&beside);
    let written =
        opened.and_then(|mut file| content(&mut file)).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _was_never_there = std::fs::remove_file(&beside);
    }
    written
}

/// Whether people would see what is printed.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// What was typed, the name of the program first.
pub fn typed() -> Vec<std::ffi::OsString> {
    std::env::args_os().collect()
}

/// All environment variables that are valid text.
#[expect(clippy::disallowed_methods, reason = "the edge reads the environment for everybody")]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The scorer's executable: the one named, else the one beside this executable.
pub fn scorer(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = named {
        return Some(path.to_owned());
    }
    let beside = std::env::current_exe().ok()?.parent()?.join("gangplank-scorer");
    beside.is_file().then_some(beside)
}

/// Where this program keeps what it can do without: `$XDG_CACHE_HOME/gangplank`, else `~/.cache/gangplank`: <https://specifications.freedesktop.org/basedir-spec/latest/>. A
/// relative path counts as unset, as the specification says.
pub fn caches(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name: &str| environment.get(name).map(Path::new).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME")
        .map(Path::to_owned)
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(caches.join("gangplank"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_base_directory_specification() {
        for (pairs, expected) in [
            (&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")][..], Some("/c/gangplank")),
            (&[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")], Some("/h/.cache/gangplank")),
            (&[("HOME", "/h")], Some("/h/.cache/gangplank")),
            (&[("HOME", "h")], None),
            (&[], None),
        ] {
            let environment = Environment::from_pairs(pairs.iter().copied());
            assert_eq!(caches(&environment).as_deref(), expected.map(Path::new));
        }
    }
}
