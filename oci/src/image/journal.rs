//! What went to a registry before its image was finished, kept in a file for the run that comes after a killed one: until the
//! manifest is there nothing in the registry tells what its blobs were made from. A line of JSON for each layer. The file is
//! gone when the image is finished; what cannot be read or written is not remembered, and costs its sending again.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// More than this is not read: what was noted after it is sent again.
const LONGEST: u64 = 8 << 20;

/// One layer that is in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) key: String,
    pub(super) shape: String,
    pub(super) sample: Option<String>,
    pub(super) digest: String,
    pub(super) diff_id: String,
    pub(super) size: u64,
    /// Its files as the list of the image has them.
    pub(super) files: String,
}

/// The file of one image that is being made.
pub struct Journal(PathBuf);

impl Journal {
    /// The journal of the image `name` among those in `folder`, which is made when there is something to write.
    pub fn of(folder: &Path, name: &str) -> Self {
        Self(folder.join(hex::encode(Sha256::digest(name.as_bytes()))))
    }

    /// What an earlier run noted. A line that was cut is none.
    pub(super) fn notes(&self) -> Vec<Note> {
        let Ok(file) = File::open(&self.0) else { return Vec::new() };
        let lines = BufReader::new(file.take(LONGEST)).split(b'\n').map_while(Result::ok);
        lines.filter_map(|line| serde_json::from_slice(&line).ok()).collect()
    }

    pub(super) fn note(&self, note: &Note) {
        if let Err(error) = self.append(note) {
            tracing::debug!(file = %self.0.display(), %error, "what was sent is not remembered");
        }
    }

    /// The image is finished.
    pub(super) fn close(&self) {
        // Not there if nothing was noted.
        let _ = std::fs::remove_file(&self.0);
    }

    fn append(&self, note: &Note) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut file: File = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.0)?;
        // In one piece, and after whatever a killed run left of its last line.
        file.write_all(format!("\n{}\n", serde_json::to_string(note)?).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_and_a_line_that_was_cut_does_not() {
        let folder = std::env::temp_dir().join(format!("gangplank-journal-{}", std::process::id()));
        let journal = Journal::of(&folder.join("deep"), "registry/repository:1");
        assert_eq!(journal.notes(), []);
        let note = |key: &str| Note {
            key: key.to_owned(),
            shape: "s".to_owned(),
            sample: None,
            digest: "d".to_owned(),
            diff_id: "i".to_owned(),
            size: 7,
            files: "{}\n".to_owned(),
        };
        journal.note(&note("a"));
        let mut file = OpenOptions::new().append(true).open(&journal.0).unwrap();
        // In the middle of a letter, too.
        file.write_all(b"{\"key\": \"cut\xe6").unwrap();
        journal.note(&note("b"));
        assert_eq!(journal.notes(), [note("a"), note("b")]);
        assert_eq!(Journal::of(&folder.join("deep"), "another").notes(), []);
        journal.close();
        assert_eq!(journal.notes(), []);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
