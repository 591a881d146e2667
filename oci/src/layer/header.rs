//! Tar headers: POSIX ustar, with a PAX header before it where ustar is too small (long or non-ASCII names, files of
//! 8 GiB and more). No times, no owners: the same file always has the same header.

use super::{Item, Mode};

/// Everything in a tar archive comes in blocks of this size.
pub(super) const BLOCK: usize = 512;

/// Longer names do not fit into the `name` field.
const LONGEST_NAME: usize = 100;
/// Larger sizes do not fit into eleven octal digits.
const LARGEST_SIZE: u64 = 0o777_7777_7777;

/// All blocks that stand before the content of `item`.
pub(super) fn of(item: &Item<'_>) -> Vec<u8> {
    match item {
        Item::Directory(path) => blocks((path, ""), tar::EntryType::Directory, 0o755, 0),
        Item::Link(path, target) => blocks((path, target), tar::EntryType::Symlink, 0o777, 0),
        Item::File(path, entry) => file(path, entry.size, entry.mode),
    }
}

/// All blocks that stand before the content of a file.
pub fn file(path: &str, size: u64, mode: Mode) -> Vec<u8> {
    let mode = if mode == Mode::Program { 0o755 } else { 0o644 };
    blocks((path, ""), tar::EntryType::Regular, mode, size)
}

fn blocks((path, target): (&str, &str), kind: tar::EntryType, mode: u32, size: u64) -> Vec<u8> {
    let records = pax_records(path, target, size);
    let mut blocks = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        let length = records.len() as u64;
        blocks.extend_from_slice(&ustar(("PaxHeaders/0", ""), tar::EntryType::XHeader, 0o644, length));
        blocks.extend_from_slice(&records);
        blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
    }
    let fitting_size = if size > LARGEST_SIZE { 0 } else { size };
    let names = (fitting_name(path), fitting_name(target));
    blocks.extend_from_slice(&ustar((&names.0, &names.1), kind, mode, fitting_size));
    blocks
}

fn ustar((name, target): (&str, &str), kind: tar::EntryType, mode: u32, size: u64) -> [u8; BLOCK] {
    let mut header = tar::Header::new_ustar();
    let fields = header.as_old_mut();
    for (to, from) in fields.name.iter_mut().zip(name.as_bytes()) {
        *to = *from;
    }
    for (to, from) in fields.linkname.iter_mut().zip(target.as_bytes()) {
        *to = *from;
    }
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    *header.as_bytes()
}

/// What the `name` field shows to readers that know no PAX; the others take the record.
fn fitting_name(path: &str) -> String {
    path.chars().map(|c| if c.is_ascii() { c } else { '_' }).take(LONGEST_NAME).collect()
}

fn pax_records(path: &str, target: &str, size: u64) -> Vec<u8> {
    let mut records = String::new();
    for (key, name) in [("path", path), ("linkpath", target)] {
        if name.len() > LONGEST_NAME || !name.is_ascii() {
            records.push_str(&pax_record(key, name));
        }
    }
    if size > LARGEST_SIZE {
        records.push_str(&pax_record("size", &size.to_string()));
    }
    records.into_bytes()
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + " =\n".len();
    let mut length = rest + 1;
    while length.to_string().len() + rest != length {
        length = length.to_string().len() + rest;
    }
    format!("{length} {key}={value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(pax_record("path", "x"), "9 path=x\n");
        for length in 1..1200 {
            let record = pax_record("path", &"x".repeat(length));
            let (declared, _) = record.split_once(' ').unwrap();
            assert_eq!(declared.parse::<usize>().unwrap(), record.len());
        }
    }
}
