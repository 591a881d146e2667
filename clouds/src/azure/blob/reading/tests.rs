//! A store that lies, cuts, drips and refuses: what is read are the file's own bytes, or there is an error.

use futures_util::future::join_all;
use futures_util::stream::TryStreamExt;

use bridge::port::ModelFile;

use super::super::store::{Fault, PART, SIZE, Store, bytes};
use super::super::window::Window;
use super::*;

const KIB: usize = 1 << 10;

#[test]
fn pauses_double_up_to_a_bound() {
    let pauses: Vec<_> = (1..=7).map(|cuts| pause(FIRST_PAUSE, cuts).as_millis()).collect();
    assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 16_000]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_everybodys_and_the_longest_counts() {
    let (quiet, began) = (Quiet::default(), Instant::now());
    quiet.wait().await;
    quiet.ask(Duration::from_secs(90));
    quiet.clone().ask(Duration::from_secs(30));
    quiet.clone().wait().await;
    assert_eq!(began.elapsed().as_secs(), 90);
}

/// The file as listed.
fn file(store: &Store) -> ModelFile {
    ModelFile {
        path: "weights.bin".to_owned(),
        size: SIZE as u64,
        etag: "\"one\"".to_owned(),
        url: format!("{}/account/container/weights.bin", store.address),
    }
}

async fn read(store: &Store, file: &ModelFile) -> PortResult<Vec<u8>> {
    let stream = store.blobs().read(file, 0..file.size).await?;
    let read = stream.try_fold(Vec::new(), |mut all, piece| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    read.await
}

#[tokio::test]
async fn a_fault_here_and_there_changes_nothing() {
    let faults = [
        Fault::Busy(0),
        Fault::Error,
        Fault::Cut(0),
        Fault::Cut(64 * KIB),
        Fault::Short,
        Fault::Drip(10),
        Fault::Mute,
        Fault::SignedOut,
    ];
    let all = faults.into_iter().flat_map(|fault| [0, 1, 3].map(|at| (fault, at)));
    let all = all.map(|(fault, at)| async move {
        let store = Store::start().await;
        store.fault(at, fault);
        assert!(read(&store, &file(&store)).await.unwrap() == bytes(), "{fault:?} at request {at}");
        assert!(store.asked().len() > SIZE / (100 * KIB), "{fault:?} at request {at} struck nothing");
    });
    join_all(all).await;
}

#[tokio::test]
async fn a_reset_at_any_64_kib_costs_what_is_missing() {
    let places = (0..=SIZE / (64 * KIB)).flat_map(|at| [at * 64 * KIB, at * 64 * KIB + 1]);
    let all = places.map(|at| async move {
        let store = Store::start().await;
        let mut blobs = store.blobs();
        blobs.window = Window::new(0, u64::MAX);
        store.fault(0, Fault::Cut(at));
        let stream = blobs.read(&file(&store), 0..SIZE as u64).await.unwrap();
        let read: Vec<Bytes> = stream.try_collect().await.unwrap();
        assert!(read.concat() == bytes(), "cut at {at}");
        // What was on its way when the line was cut may be lost.
        assert!(store.asked()[1] <= at, "cut at {at}: {:?}", store.asked());
    });
    join_all(all).await;
}

#[tokio::test]
async fn lies_are_errors_with_a_word() {
    let rows = [
        (Fault::Altered, Refused::Unavailable, " are not those that the storage's checksum stands for"),
        (Fault::Long, Refused::Conflict, "the service sent more than the bytes up to "),
        (Fault::OtherRange, Refused::Invalid, "asked for the bytes from "),
        (Fault::NoRange, Refused::Invalid, "the service sent `no range`"),
        (Fault::Changed, Refused::Conflict, "`weights.bin` changed since it was listed"),
        (Fault::Forbidden, Refused::Denied, "This request is not authorized"),
    ];
    for (fault, kind, part) in rows {
        for at in [0, 2] {
            let store = Store::start().await;
            store.fault(at, fault);
            let error = read(&store, &file(&store)).await.unwrap_err();
            assert_eq!(error.kind, kind, "{fault:?} at request {at}: {error}");
            assert!(error.message.contains(part), "{fault:?} at request {at}: {error}");
            assert!(!error.message.contains("secret"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_listing_that_lies_about_the_size_is_found_out() {
    let store = Store::start().await;
    for size in [1, SIZE as u64 - 1, SIZE as u64 + 1] {
        let error = read(&store, &ModelFile { size, ..file(&store) }).await.unwrap_err();
        assert_eq!(error.kind, Refused::Conflict, "{size}: {error}");
        assert!(error.message.contains(&format!("has {SIZE} bytes, it was listed with {size}")), "{error}");
    }
}

#[tokio::test]
async fn faults_without_end_are_an_error_in_the_end() {
    for fault in [Fault::Busy(0), Fault::Error, Fault::Cut(0), Fault::Cut(1), Fault::Short, Fault::SignedOut]
    {
        let store = Store::start().await;
        (0..5000).for_each(|at| store.fault(at, fault));
        let error = read(&store, &file(&store)).await.unwrap_err();
        assert!(error.message.len() > 10 && !error.message.contains("secret"), "{fault:?}: {error}");
        assert!(store.asked().len() < 200, "{fault:?}: asked {} times", store.asked().len());
    }
}

#[tokio::test]
async fn a_line_that_only_drips_is_given_up_with_a_word() {
    let store = Store::start().await;
    (0..50).for_each(|at| store.fault(at, Fault::Drip(0)));
    let error = read(&store, &file(&store)).await.unwrap_err();
    assert!(error.message.contains("less than 64 KiB went over the line"), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_storm_of_busy_answers_is_waited_out() {
    let store = Store::start().await;
    (0..6).for_each(|at| store.fault(at, Fault::Busy(0)));
    assert!(read(&store, &file(&store)).await.unwrap() == bytes());
    store.fault(0, Fault::Busy(3600));
    let error = read(&store, &file(&store)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after.map(|it| it.as_secs())), (Refused::Unavailable, Some(3600)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (store, other) = (Store::start().await, Store::start().await);
    store.fault(0, Fault::Redirect(other.port()));
    let error = read(&store, &file(&store)).await.unwrap_err();
    assert_eq!(other.asked().len(), 0, "{error}");
}

#[tokio::test]
async fn a_byte_altered_before_a_cut_is_found_out_as_well() {
    let store = Store::start().await;
    let mut blobs = store.blobs();
    blobs.window = Window::new(0, u64::MAX);
    store.fault(0, Fault::CutAltered(64 * KIB));
    let stream = blobs.read(&file(&store), 0..SIZE as u64).await.unwrap();
    let error = stream.try_collect::<Vec<Bytes>>().await.unwrap_err();
    assert_eq!(store.asked().len(), 2);
    assert!(error.message.contains("the storage's checksum"), "{error}");
}

#[tokio::test]
async fn a_store_that_knows_no_checksums_is_asked_for_one_once() {
    let store = Store::start().await;
    let mut blobs = store.blobs();
    blobs.window = Window::new(0, PART);
    store.fault(0, Fault::Unsummed);
    let url = Url::parse(&file(&store).url).unwrap();
    let (path, etag, size) = (String::new(), String::new(), SIZE as u64);
    let listed = Listed { blobs: blobs.clone(), url, path, etag, size };
    assert_eq!(listed.longest_summed(), Some(MOST_SUMMED));
    for _ in 0..2 {
        let stream = blobs.read(&file(&store), 0..SIZE as u64).await.unwrap();
        let read: Vec<Bytes> = stream.try_collect().await.unwrap();
        assert!(read.concat() == bytes());
    }
    let parts = (SIZE as u64).div_ceil(PART);
    assert_eq!(store.asked().len() as u64, 1 + 2 * parts);
    // Nothing limits the length of a range any more.
    assert_eq!(listed.longest_summed(), None);
    // Not asked for, a refusal of checksums is one like any other.
    (0..50).for_each(|at| store.fault(at, Fault::Unsummed));
    let error = blobs.read(&file(&store), 0..1).await.err().unwrap();
    assert!(error.message.contains("is not supported"), "{error}");
}
