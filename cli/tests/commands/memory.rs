//! Memory stays flat however large the model: `pack`'s own peak, read from the kernel while a small synthetic model goes
//! through it, and a large one.

use std::io::Read;
use std::process::Child;
use std::time::Duration;

use crate::harbour::Harbour;

/// The small model: what the command itself takes. In a test build that is mostly its own code.
const SMALL: u64 = 1 << 20;
/// The large one: far more than the command may use.
const LARGE: u64 = 1 << 30;
/// What the command may use for what flows through it, in KiB: 4 MiB are read ahead, the rest is connections and what flows through them.
const MOST: u64 = 28 * 1024;

#[test]
fn packing_a_large_model_takes_little_memory() {
    let harbour = Harbour::set_up();
    let (small, large) = (peak(&harbour, "8", SMALL), peak(&harbour, "9", LARGE));
    assert!(large < small + MOST, "peak of {large} KiB for {LARGE} bytes, of {small} KiB for {SMALL} bytes");
}

/// What packing a model of so many bytes took at most, in KiB.
fn peak(harbour: &Harbour, version: &str, size: u64) -> u64 {
    let world = &harbour.sandbox.world;
    world.azure.add_synthetic_model("breast-cancer", version, "weights.bin", size, &world.clock);
    let mut child = harbour.command(&["pack", &format!("breast-cancer:{version}")]).spawn().unwrap();
    let peak = peak_while_running(&mut child);
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    assert!(child.wait().unwrap().success(), "{talk}");
    assert!(peak > 0);
    peak
}

/// The largest resident size seen, in KiB. The kernel keeps the mark, so the last look before the end holds it.
fn peak_while_running(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = mark.and_then(|mark| mark.split_whitespace().next()?.parse().ok()).unwrap_or(peak).max(peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    peak
}
