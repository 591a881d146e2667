//! Sources that lie: whatever they do, what comes out are the file's own bytes or an error, in order, and little waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use proptest::prelude::*;

use super::*;

/// What a source does to one of its ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Nothing.
    None,
    /// Refuses the request.
    Refuse,
    /// Breaks off with an error in the middle.
    Break,
    /// Ends one byte early, as if that were all.
    Short,
    /// Sends one byte more.
    Long,
}

#[derive(Clone)]
struct Liar {
    file: Arc<Vec<u8>>,
    lies: Arc<Vec<Lie>>,
    longest_summed: Option<u64>,
    asked: Arc<AtomicUsize>,
    /// Parts whose bytes are in memory now, and the most there were.
    open: Arc<Mutex<(usize, usize)>>,
}

impl Liar {
    fn new(length: usize, lies: Vec<Lie>) -> Self {
        let file = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let (file, lies, longest_summed) = (Arc::new(file), Arc::new(lies), Some(u64::MAX));
        Self { file, lies, longest_summed, asked: Arc::default(), open: Arc::default() }
    }
}

impl Ranged for Liar {
    fn name(&self) -> &'static str {
        "weights.bin"
    }

    fn longest_summed(&self) -> Option<u64> {
        self.longest_summed
    }

    async fn range(&self, range: Range<u64>) -> PortResult<ByteStream> {
        let at = self.asked.fetch_add(1, Ordering::SeqCst);
        let lie = self.lies.get(at).copied().unwrap_or(Lie::None);
        {
            let mut open = self.open.lock().unwrap();
            open.0 += 1;
            open.1 = open.1.max(open.0);
        }
        // Later parts answer sooner: order is not what arrives first.
        tokio::time::sleep(Duration::from_micros(300 / (at as u64 + 1))).await;
        self.open.lock().unwrap().0 -= 1;
        let broken = || error::own(SERVICE, Refused::Unavailable, "cut");
        let (from, to) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        let mut bytes = self.file[from..to].to_vec();
        match lie {
            Lie::Refuse => return Err(broken()),
            Lie::Short => drop(bytes.pop()),
            Lie::Long => bytes.push(0),
            Lie::None | Lie::Break => {}
        }
        let mut pieces: Vec<PortResult<Bytes>> =
            bytes.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        if lie == Lie::Break {
            pieces.truncate(pieces.len() / 2);
            pieces.push(Err(broken()));
        }
        Ok(stream::iter(pieces).boxed())
    }
}

async fn collected(window: &Window, source: Liar, range: Range<u64>) -> PortResult<Vec<u8>> {
    let mut all = Vec::new();
    let mut bytes = window.read(source, range).await?;
    while let Some(chunk) = bytes.next().await.transpose()? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn lie() -> impl Strategy<Value = Lie> {
    let lies = vec![Lie::Refuse, Lie::Break, Lie::Short, Lie::Long];
    prop_oneof![12 => Just(Lie::None), 1 => proptest::sample::select(lies)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_files_own_bytes_or_an_error(
        length in 0usize..700, part in 1u64..120, ahead in 0usize..7, longest in 1u64..300, longest_summed in proptest::option::of(1u64..300),
        lies in proptest::collection::vec(lie(), 0..12), from in 0usize..50,
    ) {
        let source = Liar { longest_summed, ..Liar::new(length, lies.clone()) };
        let from = from.min(length);
        let window = Window { longest, ..Window::new(ahead, part) };
        let got = runtime().block_on(collected(&window, source.clone(), from as u64..length as u64));
        let asked = source.asked.load(Ordering::SeqCst);
        let lied = lies.iter().take(asked).any(|lie| *lie != Lie::None);
        // A range of one piece that breaks off has lost nothing: still an error.
        match got {
            Ok(bytes) => prop_assert!(!lied && bytes == source.file[from..]),
            Err(error) => prop_assert!(lied, "{error}"),
        }
        prop_assert!(source.open.lock().unwrap().1 <= ahead + 1);
    }
}

#[test]
fn files_share_the_room_and_none_is_locked_out() {
    let window = Window::new(3, 10);
    runtime().block_on(async {
        let (one, two) = (Liar::new(500, Vec::new()), Liar::new(500, Vec::new()));
        // The first is opened, reads ahead as far as it may, and is left alone meanwhile.
        let mut first = window.read(one.clone(), 0..500).await.unwrap();
        first.next().await.unwrap().unwrap();
        assert_eq!(window.room.free(), 0);
        assert_eq!(collected(&window, two.clone(), 0..500).await.unwrap(), *two.file);
        drop(first);
        // Who goes leaves the room.
        let all_free = async {
            while window.room.free() < 3 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all_free).await.unwrap();
    });
}

#[test]
fn nothing_is_read_ahead_of_what_has_no_checksum() {
    let window = Window::new(3, 10);
    let source = Liar { longest_summed: None, ..Liar::new(500, Vec::new()) };
    runtime().block_on(async {
        let mut bytes = window.read(source.clone(), 0..500).await.unwrap();
        bytes.next().await.unwrap().unwrap();
        assert_eq!((window.room.free(), source.asked.load(Ordering::SeqCst)), (3, 1));
        assert_eq!(collected(&window, source.clone(), 0..500).await.unwrap(), *source.file);
    });
}

#[test]
fn a_refusal_is_the_callers() {
    let window = Window::new(2, 10);
    let refused = runtime().block_on(window.read(Liar::new(30, vec![Lie::Refuse]), 0..30));
    assert!(refused.is_err());
}
