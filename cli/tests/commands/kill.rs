//! SIGKILL at each named step, and at seeded random moments: the next run completes and the result is the same.

use std::time::Duration;

use crate::harbour::Harbour;

/// The steps of `ship`, as it says them.
const STEPS: &[&str] = &["resolve", "list-files", "push", "render", "apply", "roll-out", "score", "record"];

#[test]
fn ship_killed_at_each_step_is_finished_by_the_next_run() {
    let harbour = Harbour::set_up();
    let first = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let url = first["urls"][0].as_str().unwrap().to_owned();
    for step in STEPS {
        let line = format!("{step:<10}");
        assert!(harbour.kill_at(&["ship", "breast-cancer:2"], &line), "no step `{step}`");
        assert!(answers(&harbour, &url), "nobody answers after a kill at `{step}`");
    }
    let shipped = harbour.run(&["ship", "breast-cancer:2", "-o", "json"]).expect_code(0).json();
    assert_same_as_undisturbed(&shipped);
}

#[test]
fn ship_killed_at_random_moments_is_finished_by_the_next_run() {
    let harbour = Harbour::set_up();
    let first = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let url = first["urls"][0].as_str().unwrap().to_owned();
    for moment in moments(10, 2500) {
        let mut child = harbour.command(&["ship", "breast-cancer:2"]).spawn().unwrap();
        std::thread::sleep(moment);
        let _ = child.kill();
        child.wait().unwrap();
        assert!(answers(&harbour, &url), "nobody answers after a kill at {moment:?}");
    }
    let shipped = harbour.run(&["ship", "breast-cancer:2", "-o", "json"]).expect_code(0).json();
    assert_same_as_undisturbed(&shipped);
}

#[test]
fn apply_killed_at_each_change_is_finished_by_the_next_run() {
    let harbour = Harbour::new();
    let plan = harbour.run(&["plan", "-o", "json"]).expect_code(4).json();
    let changes = plan["changes"].as_array().unwrap();
    assert!(changes.len() > 10);
    for change in changes {
        harbour.kill_at(&["apply"], change["key"].as_str().unwrap());
    }
    for moment in moments(5, 800) {
        let mut child = harbour.command(&["apply"]).spawn().unwrap();
        std::thread::sleep(moment);
        let _ = child.kill();
        child.wait().unwrap();
    }
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
}

/// The digest is the same as on a harbour where nothing was killed.
#[track_caller]
fn assert_same_as_undisturbed(shipped: &serde_json::Value) {
    let calm = Harbour::set_up();
    let calmly = calm.run(&["ship", "breast-cancer:2", "-o", "json"]).expect_code(0).json();
    assert_eq!(shipped["digest"], calmly["digest"]);
    assert_eq!(shipped["version"], calmly["version"]);
}

fn answers(harbour: &Harbour, url: &str) -> bool {
    let sample = std::fs::read(harbour.file("samples/breast-cancer.json")).unwrap();
    let request = harbour.client().post(url).header("content-type", "application/json").body(sample);
    harbour.send(request).0 == 200
}

/// Seeded moments below `limit` milliseconds; the same in every run.
fn moments(count: usize, limit: u64) -> impl Iterator<Item = Duration> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Duration::from_millis(state % limit)
    })
    .take(count)
}
