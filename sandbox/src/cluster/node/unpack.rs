//! Layers into a folder: files, folders and links of plain or gzipped tars, whiteouts followed, nothing written outside.
//! Devices, owners and set-id bits are left out: processes here run as the sandbox's own user.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read, Seek as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::root::{confined_link, resolve_parent};

/// The prefix of a name that hides one of a lower layer.
const WHITEOUT: &str = ".wh.";
/// The name that hides everything lower layers have in its folder.
const OPAQUE: &str = ".wh..wh..opq";

/// Unpacks one layer on top of what is in `root`.
pub(super) fn layer(root: &Path, blob: &Path) -> io::Result<()> {
    let mut file = File::open(blob)?;
    let mut magic = [0; 4];
    let read = file.read(&mut magic)?;
    file.rewind()?;
    match magic.get(..read).unwrap_or_default() {
        [0x1f, 0x8b, ..] => entries(root, MultiGzDecoder::new(BufReader::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            Err(io::Error::other("the layer is compressed with zstd, expected a plain or gzipped tar"))
        }
        _ => entries(root, BufReader::new(file)),
    }
}

fn entries(root: &Path, tar: impl Read) -> io::Result<()> {
    let mut made = BTreeSet::new();
    let mut archive = Archive::new(tar);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        unpack(root, &path, &mut entry, &mut made).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot unpack `{}`: {error}", path.display()))
        })?;
    }
    Ok(())
}

fn unpack(
    root: &Path,
    path: &Path,
    entry: &mut Entry<'_, impl Read>,
    made: &mut BTreeSet<PathBuf>,
) -> io::Result<()> {
    let Some((parent, name)) = resolve_parent(root, path)? else { return Ok(()) };
    if let Some(name) = name.to_str() {
        if name == OPAQUE {
            return hide_all(&parent, made);
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            return if matches!(hidden, "" | "." | "..") { Ok(()) } else { remove(&parent.join(hidden)) };
        }
    }
    fs::create_dir_all(&parent)?;
    let place = parent.join(name);
    match entry.header().entry_type() {
        EntryType::Directory => folder(&place, entry)?,
        EntryType::Regular | EntryType::Continuous => regular(&place, entry)?,
        EntryType::Symlink => {
            let target = entry.link_name()?.ok_or_else(|| io::Error::other("a link without target"))?;
            remove(&place)?;
            symlink(confined_link(root, &parent, &target), &place)?;
        }
        EntryType::Link => {
            let target = entry.link_name()?.ok_or_else(|| io::Error::other("a link without target"))?;
            let (folder, file) =
                resolve_parent(root, &target)?.ok_or_else(|| io::Error::other("a link to the root"))?;
            let target = folder.join(file);
            if target != place {
                remove(&place)?;
                fs::hard_link(target, &place)?;
            }
        }
        _ => return Ok(()),
    }
    made.insert(place);
    Ok(())
}

fn folder(place: &Path, entry: &Entry<'_, impl Read>) -> io::Result<()> {
    if !fs::symlink_metadata(place).is_ok_and(|there| there.is_dir()) {
        remove(place)?;
        fs::create_dir(place)?;
    }
    // Our own user must be able to fill and to remove it.
    fs::set_permissions(place, Permissions::from_mode(entry.header().mode()? & 0o777 | 0o700))
}

fn regular(place: &Path, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
    remove(place)?;
    let mode = entry.header().mode()? & 0o777 | 0o400;
    let mut file = File::create_new(place)?;
    io::copy(entry, &mut file)?;
    file.set_permissions(Permissions::from_mode(mode))
}

/// Removes whatever is there; nothing is fine.
fn remove(place: &Path) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(place),
        Ok(_) => fs::remove_file(place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes what lower layers have in a folder, not what this layer made.
fn hide_all(folder: &Path, made: &BTreeSet<PathBuf>) -> io::Result<()> {
    let Ok(listing) = fs::read_dir(folder) else { return Ok(()) };
    for there in listing {
        let place = there?.path();
        if !made.iter().any(|ours| ours.starts_with(&place)) {
            remove(&place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;
    use tar::{Builder, Header};

    fn header(kind: EntryType, size: usize) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(size as u64);
        header
    }

    /// Entries may carry paths that the tar crate's own writer refuses, so names are written raw.
    fn tar(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let link = matches!(kind, EntryType::Symlink | EntryType::Link);
            let mut header = header(*kind, if link { 0 } else { content.len() });
            let raw = header.as_mut_bytes();
            raw[..path.len()].copy_from_slice(path.as_bytes());
            if link {
                raw[157..157 + content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_cksum();
            builder.append(&header, if link { b"" } else { content.as_bytes() }).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpacked(layers: &[&[(&str, EntryType, &str)]]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/root");
        fs::create_dir_all(&root).unwrap();
        for (at, entries) in layers.iter().enumerate() {
            let blob = folder.path().join("layer");
            let bytes = tar(entries);
            let bytes = if at % 2 == 0 {
                bytes
            } else {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(&bytes).unwrap();
                gzip.finish().unwrap()
            };
            fs::write(&blob, bytes).unwrap();
            layer(&root, &blob).unwrap();
        }
        folder
    }

    use EntryType::{Directory, Link, Regular, Symlink};

    #[test]
    fn later_layers_cover_and_hide_earlier_ones() {
        let folder = unpacked(&[
            &[
                ("a/", Directory, ""),
                ("a/one", Regular, "1"),
                ("a/two", Regular, "2"),
                ("b/old", Regular, "o"),
            ],
            &[
                ("a/.wh.one", Regular, ""),
                ("a/two", Regular, "two"),
                ("b/new", Regular, "n"),
                ("b/.wh..wh..opq", Regular, ""),
            ],
        ]);
        let root = folder.path().join("deep/root");
        assert!(!root.join("a/one").exists());
        assert_eq!(fs::read_to_string(root.join("a/two")).unwrap(), "two");
        assert!(root.join("b/new").exists() && !root.join("b/old").exists());
    }

    #[test]
    fn nothing_is_written_outside() {
        let folder = unpacked(&[&[
            ("../../escaped", Regular, "x"),
            ("/absolute", Regular, "x"),
            ("out", Symlink, "../../.."),
            ("out/through", Regular, "x"),
            ("config", Symlink, "/etc"),
            ("config/planted", Regular, "x"),
        ]]);
        let root = folder.path().join("deep/root");
        for inside in ["escaped", "absolute", "through", "etc/planted"] {
            assert!(root.join(inside).exists(), "{inside}");
        }
        assert!(!folder.path().join("escaped").exists() && !folder.path().join("through").exists());
        assert!(!Path::new("/etc/planted").exists());
        assert!(fs::canonicalize(root.join("out")).unwrap().starts_with(fs::canonicalize(&root).unwrap()));
    }

    #[test]
    fn links_work_inside() {
        let folder = unpacked(&[&[
            ("usr/lib/", Directory, ""),
            ("lib", Symlink, "usr/lib"),
            ("lib/x", Regular, "x"),
            ("hard", Link, "usr/lib/x"),
        ]]);
        let root = folder.path().join("deep/root");
        assert_eq!(fs::read_to_string(root.join("usr/lib/x")).unwrap(), "x");
        assert_eq!(fs::read_to_string(root.join("hard")).unwrap(), "x");
    }

    #[test]
    fn zstd_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let blob = folder.path().join("layer");
        fs::write(&blob, [0x28, 0xb5, 0x2f, 0xfd, 0]).unwrap();
        assert!(layer(folder.path(), &blob).unwrap_err().to_string().contains("zstd"));
    }
}
