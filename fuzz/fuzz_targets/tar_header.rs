//! Any path and size as a file in a layer: somebody else's reader finds both in the blocks that we write.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use oci::layer::{Mode, file_header};

fuzz_target!(|bytes: &[u8]| {
    let Some((head, path)) = bytes.split_first_chunk::<9>() else { return };
    let Ok(path) = std::str::from_utf8(path) else { return };
    // The rest is what a layer refuses.
    let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control() || c == '\\');
    if !path.split('/').all(is_name) {
        return;
    }
    let [program, size @ ..] = *head;
    let size = u64::from_be_bytes(size) >> 8;
    let mode = if program & 1 == 1 { Mode::Program } else { Mode::Data };
    let blocks = file_header(path, size, mode);
    assert_eq!(blocks.len() % 512, 0);
    let mut archive = tar::Archive::new(blocks.chain(std::io::repeat(0)));
    let entry = archive.entries().expect("entries").next().expect("one").expect("a file");
    assert_eq!(entry.path_bytes(), path.as_bytes());
    assert_eq!(entry.size(), size);
    let header = entry.header();
    assert_eq!(header.entry_type(), tar::EntryType::Regular);
    assert_eq!(header.mode().expect("a mode"), if program & 1 == 1 { 0o755 } else { 0o644 });
    assert_eq!((header.uid().ok(), header.gid().ok(), header.mtime().ok()), (Some(0), Some(0), Some(0)));
});
