//! `pack`: files of several parts, and trouble on their way out of the storage.

use std::io::{BufRead as _, BufReader, Read as _};

use sandbox::Options;
use sandbox::world::Fault;
use serde_json::Value;

use crate::harbour::Harbour;
use crate::witness::stored;

/// Bytes of a part that is read ahead, see `clouds/src/azure/blob/window.rs`.
const PART: u64 = 1 << 20;
/// Bytes of a range that flows straight through: the longest of which storage states a checksum.
const LONGEST: u64 = 4 * PART;
/// Several parts, and a bit.
const SIZE: u64 = 38 * PART + 12_345;

fn with_weights(harbour: &Harbour) {
    let world = &harbour.sandbox.world;
    world.azure.add_synthetic_model("breast-cancer", "9", "weights.bin", SIZE, &world.clock);
}

pub(crate) fn packed(harbour: &Harbour) -> Value {
    harbour.run(&["pack", "breast-cancer:9", "-o", "json"]).expect_code(0).json()
}

/// The digest of the archive that holds the file.
fn archive(harbour: &Harbour, image: &Value) -> Value {
    let (manifest, config) = stored(harbour, image["reference"].as_str().unwrap());
    let at = manifest["layers"].as_array().unwrap().iter().position(|it| it["size"].as_u64() > Some(SIZE));
    config["rootfs"]["diff_ids"][at.unwrap()].clone()
}

/// First and last byte of every range of the file that was asked for, pieces of the sample left out.
fn ranges(transcript: &str) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    for line in transcript.lines().filter(|line| line.contains("weights.bin")) {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let headers = &exchange["request"]["headers"];
        let range = headers.get("x-ms-range").or_else(|| headers.get("range")).and_then(Value::as_str);
        let Some((from, to)) = range.and_then(|it| it.strip_prefix("bytes=")?.split_once('-')) else {
            continue;
        };
        let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
        if to - from >= 64 << 10 {
            ranges.push((from, to));
        }
    }
    ranges
}

#[test]
fn a_file_of_many_parts_comes_through_trouble_as_it_is() {
    let calm = Harbour::set_up();
    with_weights(&calm);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("transcript");
    let harbour = Harbour::with(Options { transcript: Some(file.clone()), ..Options::default() });
    harbour.run(&["apply"]).expect_code(0);
    with_weights(&harbour);
    let faults = &harbour.sandbox.world.faults;
    for _ in 0..3 {
        faults.arm("blob", Fault::Cut { after: 900_000 });
        faults.arm("blob", Fault::Stall { after: 100_000, milliseconds: 300 });
    }
    for fault in [Fault::Throttle { retry_after: 1 }, Fault::Error { status: 500 }, Fault::Reset] {
        faults.arm("blob", fault);
    }
    assert_eq!(archive(&harbour, &packed(&harbour)), archive(&calm, &packed(&calm)));
    let ranges = ranges(&std::fs::read_to_string(&file).unwrap());
    assert!(ranges.len() as u64 >= SIZE.div_ceil(LONGEST), "{ranges:?}");
    // A part that was cut is asked for from where it was cut, to the same end.
    assert!(ranges.iter().any(|(from, _)| from % PART != 0), "{ranges:?}");
    assert!(ranges.iter().all(|(_, to)| (to + 1) % PART == 0 || to + 1 == SIZE), "{ranges:?}");
}

#[test]
fn ten_thousand_small_files_are_one_image() {
    let harbour = Harbour::set_up();
    let folders = ["a b", "\u{6570}", "deep/er"];
    let paths: Vec<String> =
        (0..10_000).map(|at| format!("{}/part {at:05}.bin", folders[at % folders.len()])).collect();
    let mut files: Vec<(&str, bytes::Bytes)> = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        files.push((path, vec![7; at % 1000].into()));
    }
    files.push(("model.onnx", vec![1; 3 << 20].into()));
    let world = &harbour.sandbox.world;
    world.azure.add_model("breast-cancer", "9", &[], &files, &world.clock);
    let first = packed(&harbour);
    let (manifest, _) = stored(&harbour, first["reference"].as_str().unwrap());
    let layers = manifest["layers"].as_array().unwrap().len();
    assert!((3..=64).contains(&layers), "{layers} layers");
    let again = packed(&harbour);
    assert_eq!((&again["digest"], &again["sent"]), (&first["digest"], &Value::from(0)));
}

/// What does not compress, another for each seed.
pub(crate) fn noise(seed: u64, length: usize) -> bytes::Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

#[test]
fn a_new_version_sends_the_file_that_changed_and_a_mebibyte_at_most() {
    let harbour = Harbour::set_up();
    let size: usize = 3 << 20;
    let paths: Vec<String> = (0..20).map(|at| format!("shard {at:02}.bin")).collect();
    let version = |seed: u64| -> Vec<(&str, bytes::Bytes)> {
        let seed_of = |at: u64| if at == 11 { seed } else { at };
        paths.iter().zip(0..).map(|(path, at)| (path.as_str(), noise(seed_of(at), size))).collect()
    };
    let world = &harbour.sandbox.world;
    world.azure.add_model("breast-cancer", "9", &[], &version(100), &world.clock);
    let first = packed(&harbour);
    assert!(first["sent"].as_u64().unwrap() > 20 * size as u64, "{first}");
    let most = size as u64 + (1 << 20);
    // Registered elsewhere, with other etags: known by reading.
    world.azure.add_model("breast-cancer", "10", &[], &version(101), &world.clock);
    let next = harbour.run(&["pack", "breast-cancer:10", "-o", "json"]).expect_code(0).json();
    let sent = next["sent"].as_u64().unwrap();
    assert!((size as u64..=most).contains(&sent), "{next}");
    // Written over in its place: known by the etags of the others, without reading them.
    world.azure.add_model("breast-cancer", "10", &[], &version(102)[11..12], &world.clock);
    let last = harbour.run(&["pack", "breast-cancer:10", "-o", "json"]).expect_code(0).json();
    let sent = last["sent"].as_u64().unwrap();
    assert!((size as u64..=most).contains(&sent), "{last}");
}

#[test]
fn a_file_that_changes_on_the_way_is_an_error_and_no_image() {
    let harbour = Harbour::set_up();
    with_weights(&harbour);
    for _ in 0..12 {
        harbour.sandbox.world.faults.arm("blob", Fault::Stall { after: PART / 2, milliseconds: 1500 });
    }
    let mut child = harbour.command(&["pack", "breast-cancer:9"]).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while talk.read_line(&mut said).unwrap() > 0 && !said.contains("push ") {}
    std::thread::sleep(std::time::Duration::from_millis(500));
    with_weights(&harbour);
    talk.read_to_string(&mut said).unwrap();
    assert!(!child.wait().unwrap().success(), "{said}");
    assert!(said.contains("`weights.bin` changed since it was listed"), "{said}");
    harbour.sandbox.world.faults.clear(None);
    packed(&harbour);
}
