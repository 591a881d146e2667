//! The list of an image's files, in the image itself: a line of JSON for each, with path, size and sha256. In a manifest ten
//! thousand files would be more than registries take (4 MiB,
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests>), a referrer does not travel with
//! every copy; a file does, and whoever mounts the image can check it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read as _;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::layer::{BytesContent, Entry, FileDigest, Layer, MalformedLayer, Mode};

/// A longer list of an earlier image is not read: 8 MiB are some fifty thousand files.
const LONGEST: u64 = 8 << 20;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    path: Cow<'a, str>,
    size: u64,
    sha256: Cow<'a, str>,
}

/// What an earlier image lists: size and digest by absolute path.
pub(super) struct Lines(BTreeMap<String, (u64, Digest)>);

impl Lines {
    pub(super) fn digest(&self, path: &str, size: u64) -> Option<Digest> {
        self.0.get(path).filter(|(known, _)| *known == size).map(|(_, digest)| digest.clone())
    }

    /// Reads the layer that holds a list. `None` if there is none in it that can be believed.
    pub(super) fn read(blob: &[u8]) -> Option<Self> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(blob).take(LONGEST));
        let mut text = String::new();
        for entry in archive.entries().ok()? {
            let mut entry = entry.ok()?;
            if entry.header().entry_type() == tar::EntryType::Regular {
                entry.read_to_string(&mut text).ok()?;
                break;
            }
        }
        Self::parse(&text)
    }

    /// Reads the text of a list.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| {
            let Line { path, size, sha256 } = serde_json::from_str(line).ok()?;
            Some((path.into_owned(), (size, Digest::parse(&format!("sha256:{sha256}")).ok()?)))
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }
}

/// A line for each file.
pub(super) fn text(files: &[FileDigest<'_>]) -> String {
    let mut text = String::new();
    for file in files {
        let sha256 = file.digest.as_str().trim_start_matches("sha256:");
        let line = Line { path: file.path.as_str().into(), size: file.size, sha256: sha256.into() };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    text
}

/// The layer at `path` that lists the files of `layers`, and how many they are.
pub(super) fn layer(path: &str, layers: &[Layer<'_>]) -> Result<(Layer<'static>, usize), MalformedLayer> {
    let mut files: Vec<_> = layers.iter().flat_map(Layer::files_known).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let text = text(&files);
    let entry = Entry {
        path: path.trim_start_matches('/').to_owned(),
        size: text.len() as u64,
        mode: Mode::Data,
        fingerprint: Digest::of(text.as_bytes()).to_string(),
        content: Box::new(BytesContent(text.into())),
    };
    Ok((Layer::new("/", vec![entry])?, files.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_is_read_back_and_nothing_else_is() {
        let entry = |path: &str, bytes: &'static [u8]| Entry {
            path: path.to_owned(),
            size: bytes.len() as u64,
            mode: Mode::Data,
            fingerprint: String::new(),
            content: Box::new(BytesContent(bytes.into())),
        };
        let model =
            Layer::new("/models", vec![entry("a \"b\"/\u{6570}", b"1"), entry("empty", b"")]).unwrap();
        assert_eq!(model.files_known(), []);
        model.read(|_| ()).await.unwrap();
        let link = Layer::link("/x/y", "../models", Some("/models")).unwrap();
        link.read(|_| ()).await.unwrap();
        let (list, count) = layer("/files.jsonl", &[model, link]).unwrap();
        assert_eq!(count, 2);
        let blob = list.in_memory().await.unwrap();
        let lines = Lines::read(&blob).unwrap();
        assert_eq!(lines.digest("/models/a \"b\"/\u{6570}", 1), Some(Digest::of(b"1")));
        assert_eq!(lines.digest("/models/empty", 0), Some(Digest::of(b"")));
        assert_eq!(lines.digest("/models/empty", 1), None);
        assert!(Lines::read(b"").is_none());
        assert!(Lines::read(b"no gzip").is_none());
        // What lists one of two files says nothing of them together.
        let more = Layer::new("/models", vec![entry("empty", b""), entry("new", b"")]).unwrap();
        assert_eq!(more.look_up(|path, size| lines.digest(path, size)), None);
        let same = Layer::new("/models", vec![entry("empty", b"")]).unwrap();
        same.know(same.look_up(|path, size| lines.digest(path, size)).unwrap());
        assert_eq!(same.files_known().len(), 1);
        let other = Layer::new("/", vec![entry("files.jsonl", b"{}\n")]).unwrap();
        assert!(Lines::read(&other.in_memory().await.unwrap()).is_none());
    }
}
