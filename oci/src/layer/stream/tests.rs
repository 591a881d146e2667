//! Archives read back by somebody else's reader.

use std::io::Read;
use std::sync::Arc;

use futures_util::TryStreamExt;
use proptest::prelude::*;
use tokio::sync::Barrier;

use crate::layer::{BytesContent, Content, Entry, Layer, MalformedLayer, Mode};
use crate::{BoxError, ByteStream, Digest};

fn entry(path: &str, bytes: &[u8]) -> Entry<'static> {
    Entry {
        path: path.to_owned(),
        size: bytes.len() as u64,
        mode: Mode::Data,
        fingerprint: Digest::of(bytes).to_string(),
        content: Box::new(BytesContent(bytes.to_vec().into())),
    }
}

fn collect(layer: &Layer<'_>) -> Result<Vec<u8>, BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let all = runtime.block_on(layer.archive().try_fold(Vec::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    }))?;
    assert_eq!(all.len() as u64, layer.archive_size);
    Ok(all)
}

/// Path, mode and content of everything in the archive.
fn read_back(archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            assert_eq!(entry.header().mtime().unwrap(), 0);
            assert_eq!(entry.header().uid().unwrap(), 0);
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (path, entry.header().mode().unwrap(), bytes)
        })
        .collect()
}

#[test]
fn directories_come_before_what_is_in_them() {
    let mut program = entry("bin/run", b"#!");
    program.mode = Mode::Program;
    let layer = Layer::new("/opt/m", vec![entry("b-c", b"2"), program, entry("b", b"1")]).unwrap();
    let archive = read_back(&collect(&layer).unwrap());
    let shape: Vec<_> = archive.iter().map(|(path, mode, _)| (path.as_str(), *mode)).collect();
    assert_eq!(
        shape,
        [
            ("opt/", 0o755),
            ("opt/m/", 0o755),
            ("opt/m/b", 0o644),
            ("opt/m/b-c", 0o644),
            ("opt/m/bin/", 0o755),
            ("opt/m/bin/run", 0o755),
        ]
    );
}

#[test]
fn paths_that_leave_the_root_are_refused() {
    for bad in ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a\\b", "a\0", "quay\nship"] {
        let made = Layer::new("/m", vec![entry(bad, b"")]);
        assert_eq!(made.err(), Some(MalformedLayer::Path(bad.to_owned())));
    }
    let twice = Layer::new("/m", vec![entry("a", b""), entry("a", b"")]);
    assert_eq!(twice.err(), Some(MalformedLayer::Twice("m/a".to_owned())));
    let both = Layer::new("/m", vec![entry("a", b""), entry("a/b", b"")]);
    assert_eq!(both.err(), Some(MalformedLayer::Twice("m/a".to_owned())));
    assert_eq!(Layer::new("/m", vec![]).err(), Some(MalformedLayer::Empty("/m".to_owned())));
}

#[test]
fn a_wrong_size_names_the_file() {
    for (declared, message) in [
        (2, "`weights.bin` has the wrong size: expected 2 bytes, found 3"),
        (4, "`weights.bin` has the wrong size: expected 4 bytes, found 3"),
    ] {
        let wrong = Entry { size: declared, content: Box::new(Repeated(7, 3)), ..entry("weights.bin", b"") };
        let layer = Layer::new("/m", vec![wrong]).unwrap();
        let error = collect(&layer).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

struct Unreadable;

#[async_trait::async_trait]
impl Content for Unreadable {
    async fn open(&self, _: std::ops::Range<u64>) -> Result<ByteStream<'static>, BoxError> {
        Err("no such blob".into())
    }
}

#[test]
fn an_unreadable_file_is_named() {
    let mut broken = entry("weights.bin", b"");
    broken.content = Box::new(Unreadable);
    let error = collect(&Layer::new("/m", vec![broken]).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "`weights.bin` could not be read");
    assert_eq!(error.source().unwrap().to_string(), "no such blob");
}

#[test]
fn files_past_eight_gibibytes_have_a_size_record() {
    for (size, record) in [
        ((8 << 30) - 1, None),
        (8 << 30, Some("19 size=8589934592\n")),
        (50 << 30, Some("20 size=53687091200\n")),
    ] {
        let huge = Entry { size, ..entry("sub/huge \u{6570}", b"") };
        let layer = Layer::new("/", vec![huge]).unwrap();
        let header = super::header::of(layer.items.last().unwrap());
        let text = String::from_utf8_lossy(&header);
        assert!(record.map_or(!text.contains("size="), |record| text.contains(record)), "{text}");
        // Somebody else's reader; it need not read what the file holds.
        let mut archive = tar::Archive::new(header.chain(std::io::repeat(0)));
        let found = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!((found.size(), found.path_bytes().as_ref()), (size, "sub/huge \u{6570}".as_bytes()));
        assert!(layer.archive_size > size + super::END && layer.archive_size < size + 5000);
    }
}

#[test]
fn sizes_that_no_store_has_are_refused() {
    for sizes in [&[u64::MAX][..], &[u64::MAX - 1, 7], &[1 << 63, 1 << 63], &[1 << 57]] {
        let entries =
            sizes.iter().enumerate().map(|(at, size)| Entry { size: *size, ..entry(&format!("f{at}"), b"") });
        let made = Layer::new("/m", entries.collect());
        assert!(matches!(made.err(), Some(MalformedLayer::TooLarge(_))), "{sizes:?}");
    }
}

/// Other bytes every time it is opened.
struct Fickle(std::sync::atomic::AtomicU8);

#[async_trait::async_trait]
impl Content for Fickle {
    async fn open(&self, _: std::ops::Range<u64>) -> Result<ByteStream<'static>, BoxError> {
        let byte = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(super::of(vec![byte; 5].into()))
    }
}

#[test]
fn a_file_that_is_another_one_when_it_is_read_again_is_an_error() {
    let fickle = Entry { size: 5, content: Box::new(Fickle(0.into())), ..entry("weights.bin", b"") };
    let layer = Layer::new("/m", vec![fickle]).unwrap();
    collect(&layer).unwrap();
    let error = collect(&layer).unwrap_err();
    assert_eq!(error.to_string(), "`weights.bin` changed while it was read; run again to read the new one");
}

#[test]
fn keys_follow_what_is_in_the_layer() {
    let key = |path: &str, bytes: &[u8]| Layer::new("/m", vec![entry(path, bytes)]).unwrap().key();
    assert_eq!(key("a", b"1"), key("a", b"1"));
    assert_ne!(key("a", b"1"), key("a", b"2"));
    assert_ne!(key("a", b"1"), key("b", b"1"));
    assert_ne!(key("a", b"1"), Layer::new("/n", vec![entry("a", b"1")]).unwrap().key());
}

#[test]
fn a_link_and_what_it_hides() {
    let long = "x".repeat(120);
    for target in ["../../../models", long.as_str()] {
        let layer = Layer::link("/var/m/N/7", target, Some("/models")).unwrap();
        assert_eq!(layer.name(), "the link /var/m/N/7");
        let bytes = collect(&layer).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let target = entry.link_name().unwrap().map(|it| it.display().to_string());
            found.push((entry.path().unwrap().display().to_string(), target));
        }
        let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["models/", "models/.wh..wh..opq", "var/", "var/m/", "var/m/N/", "var/m/N/7"]);
        assert_eq!(found.last().unwrap().1.as_deref(), Some(target));
    }
    let key = |target: &str, hides| Layer::link("/a/b", target, hides).unwrap().key();
    assert_ne!(key("x", None), key("y", None));
    assert_ne!(key("x", None), key("x", Some("/models")));
    assert!(Layer::link("/a/../b", "x", None).is_err());
}

/// The byte that it answers with, and how often, whatever it is asked for.
struct Repeated(u8, usize);

#[async_trait::async_trait]
impl Content for Repeated {
    async fn open(&self, _: std::ops::Range<u64>) -> Result<ByteStream<'static>, BoxError> {
        Ok(super::of(vec![self.0; self.1].into()))
    }
}

/// Answers with a byte once so many of its like were asked.
struct Together(Arc<Barrier>, u8);

#[async_trait::async_trait]
impl Content for Together {
    async fn open(&self, _: std::ops::Range<u64>) -> Result<ByteStream<'static>, BoxError> {
        self.0.wait().await;
        Ok(super::of(vec![self.1; 5].into()))
    }
}

#[tokio::test]
async fn small_files_are_read_ahead_and_stay_in_order() {
    // Nobody is answered before as many were asked as are read at once: one after the other they would wait for ever.
    let barrier = Arc::new(Barrier::new(super::AHEAD));
    let count = u8::try_from(2 * super::AHEAD).unwrap();
    let entries = (0..count).map(|at| Entry {
        path: format!("f{at:02}"),
        size: 5,
        mode: Mode::Data,
        fingerprint: String::new(),
        content: Box::new(Together(barrier.clone(), at)),
    });
    let layer = Layer::new("/m", entries.collect()).unwrap();
    let bytes: Vec<bytes::Bytes> = layer.archive().try_collect().await.unwrap();
    let contents: Vec<_> = read_back(&bytes.concat()).into_iter().map(|(_, _, bytes)| bytes).collect();
    assert_eq!(contents[1..], (0..count).map(|at| vec![at; 5]).collect::<Vec<_>>());
}

#[test]
fn ten_thousand_files_some_of_them_empty() {
    let path = |at: usize| format!("d{:02}/\u{6570} part {at:05}.json", at % 40);
    let entries = (0..10_000).map(|at| entry(&path(at), &vec![7; at % 3]));
    let archive = read_back(&collect(&Layer::new("/models", entries.collect()).unwrap()).unwrap());
    let files: Vec<_> = archive.iter().filter(|(path, ..)| !path.ends_with('/')).collect();
    assert_eq!(files.len(), 10_000);
    let mut expected: Vec<_> = (0..10_000).map(|at| (format!("models/{}", path(at)), at % 3)).collect();
    expected.sort();
    assert!(files.iter().zip(expected).all(|(found, (path, size))| found.0 == path && found.2.len() == size));
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof!["[a-zA-Z0-9._ -]{1,12}", "[äöüß漢字é]{1,40}", "[a-z]{90,130}"]
        .prop_filter("a name", |name| name != "." && name != "..");
    let path = proptest::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
    proptest::collection::vec(path, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_archive_reads_back(paths in paths(), seed in any::<u8>(), length in 0usize..1500) {
        let entries = || {
            paths.iter().enumerate().map(|(at, path)| entry(path, &vec![seed.wrapping_add(u8::try_from(at).unwrap()); length + at]))
        };
        let Ok(layer) = Layer::new("/var/models", entries().collect()) else { return Ok(()) };
        let archive = collect(&layer).unwrap();
        let mut expected: Vec<_> = paths.iter().map(|path| format!("var/models/{path}")).collect();
        expected.sort();
        let files: Vec<_> =
            read_back(&archive).into_iter().filter(|(path, ..)| !path.ends_with('/')).collect();
        prop_assert_eq!(files.iter().map(|(path, ..)| path.clone()).collect::<Vec<_>>(), expected);
        for (path, _, bytes) in files {
            let at = paths.iter().position(|it| path == format!("var/models/{it}")).unwrap();
            prop_assert_eq!(bytes, vec![seed.wrapping_add(u8::try_from(at).unwrap()); length + at]);
        }
        let reversed = Layer::new("/var/models", entries().rev().collect()).unwrap();
        prop_assert_eq!(collect(&reversed).unwrap(), archive);
    }
}
