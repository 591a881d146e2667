//! Files and folders that are the user's alone: nothing is read through a symbolic link, from another owner, or from what
//! others could have written or read.

use std::fmt;
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::StoreError;

/// The permissions of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Tokens have a few kilobytes; Entra's with many groups some more.
const LARGEST: u64 = 128 * 1024;

/// Why a file or folder is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// A symbolic link, a pipe, a folder where a file should be.
    NoFile,
    /// No folder.
    NoFolder,
    /// Somebody else's.
    Foreign,
    /// Others may read or write it.
    Loose,
    /// Not what we wrote.
    Corrupt,
    /// Replaced between looking and opening.
    Changed,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFile => "it is no plain file",
            Self::NoFolder => "it is no folder",
            Self::Foreign => "it belongs to another user",
            Self::Loose => "other users may read or change it",
            Self::Corrupt => "it does not hold what was written",
            Self::Changed => "it was replaced while it was opened",
        })
    }
}

/// Makes the folder if need be and returns its owner. One of ours that is open to others is closed.
pub(super) fn folder(path: &Path) -> Result<u32, StoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| io_error("make the folder", path, source))?;
    let found = std::fs::symlink_metadata(path).map_err(|source| io_error("look at", path, source))?;
    let unfit = |problem| Err(StoreError::Unfit { path: path.to_owned(), problem });
    if !found.is_dir() {
        return unfit(Unfit::NoFolder);
    }
    if found.uid() != user().unwrap_or(found.uid()) {
        return unfit(Unfit::Foreign);
    }
    if found.mode() & OTHERS != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(|source| io_error("close to other users", path, source))?;
    }
    Ok(found.uid())
}

/// Who we are, where the system says so in a file. Elsewhere the owner of a folder that only its owner can enter is.
fn user() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|process| process.uid())
}

/// The content of a file; `None` if there is none.
pub(super) fn read(path: &Path, owner: u32) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(mut file) = open(path, owner, OpenOptions::new().read(true))? else { return Ok(None) };
    let mut text = Vec::new();
    let read = (&mut file).take(LARGEST + 1).read_to_end(&mut text);
    read.map_err(|source| io_error("read", path, source))?;
    if text.len() as u64 > LARGEST {
        return Err(StoreError::Unfit { path: path.to_owned(), problem: Unfit::Corrupt });
    }
    Ok(Some(text))
}

/// Opens a lock file, making it if need be.
pub(super) fn open_lock(path: &Path, owner: u32) -> Result<File, StoreError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let opened = open(path, owner, OpenOptions::new().write(true))?;
            opened.ok_or_else(|| io_error("open", path, ErrorKind::NotFound.into()))
        }
        Err(error) => Err(io_error("make", path, error)),
    }
}

/// Opens an existing file of the user's alone. What is there is looked at first, and what was opened must be the same: a
/// symbolic link is never followed, and a pipe never waited for.
fn open(path: &Path, owner: u32, how: &OpenOptions) -> Result<Option<File>, StoreError> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("look at", path, error)),
    };
    fit(path, &there, owner)?;
    let file = how.open(path).map_err(|source| io_error("open", path, source))?;
    let opened = file.metadata().map_err(|source| io_error("look at", path, source))?;
    if (opened.dev(), opened.ino()) != (there.dev(), there.ino()) {
        return Err(StoreError::Unfit { path: path.to_owned(), problem: Unfit::Changed });
    }
    fit(path, &opened, owner)?;
    Ok(Some(file))
}

fn fit(path: &Path, found: &Metadata, owner: u32) -> Result<(), StoreError> {
    let problem = if !found.is_file() {
        Unfit::NoFile
    } else if found.uid() != owner {
        Unfit::Foreign
    } else if found.mode() & OTHERS != 0 {
        Unfit::Loose
    } else {
        return Ok(());
    };
    Err(StoreError::Unfit { path: path.to_owned(), problem })
}

/// Writes a file (0600) beside and renames it, so that a reader sees the old content or the new. What was at `path`, a
/// symbolic link too, is replaced and not followed.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let beside = beside(path);
    // Left by a process of the same number that died.
    let _was_not_there = std::fs::remove_file(&beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _was_never_there = std::fs::remove_file(&beside);
    }
    written.map_err(|source| io_error("write", path, source))
}

fn beside(path: &Path) -> std::path::PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

/// Removes a file; whether there was one.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("remove", path, error)),
    }
}

fn io_error(act: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { act, path: path.to_owned(), source }
}
