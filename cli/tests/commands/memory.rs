//! Memory stays flat however large the model: `ship`'s own peak, read from the kernel while a large synthetic model goes
//! through it.

use std::io::Read;
use std::process::Child;
use std::time::Duration;

use crate::harbour::Harbour;

/// The model's size: far more than the command may use.
const MODEL: u64 = 1 << 30;
/// What the command may use, in KiB.
const MOST: u64 = 64 * 1024;

#[test]
fn packing_a_large_model_takes_little_memory() {
    let harbour = Harbour::set_up();
    let world = &harbour.sandbox.world;
    world.azure.add_synthetic_model("breast-cancer", "9", "weights.bin", MODEL, &world.clock);
    let mut child = harbour.command(&["pack", "breast-cancer:9"]).spawn().unwrap();
    let peak = peak_while_running(&mut child);
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    assert!(child.wait().unwrap().success(), "{talk}");
    assert!(peak > 0 && peak < MOST, "peak of {peak} KiB for a model of {} KiB", MODEL / 1024);
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
