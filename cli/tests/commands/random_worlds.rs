//! Fifty random worlds: things of others in the way, soft-deleted leftovers, `apply` cut off at random places, and a
//! second administrator who works at the same time. Whatever happens, it ends in an empty plan, nothing is granted that
//! was not declared, and nothing without the mark is touched. A seed that fails is printed with its world.

mod meddler;
mod ward;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bridge::act::{self, ApplyError, Purpose};
use bridge::inventory::{Facts, Inventory};
use bridge::plan::{Change, Missing, Need, Outputs, Plan};
use bridge::port::{Event, PortResult, SetUp, Watch};
use bridge::resource::Resource;
use bridge::spec::Bridge;
use clouds::{Administrator, Settings};
use gangplank::edge::SystemTime;
use identity::Environment;
use identity::http::Roots;

use crate::harbour::Harbour;
use meddler::Meddler;
use ward::Ward;

/// How many worlds, and how many at a time.
const WORLDS: u64 = 50;
const AT_ONCE: u64 = 2;

/// Rounds of interrupted applies before the world is left in peace.
const TROUBLED: u64 = 3;

/// Rounds that it may take to converge then. What was deleted beside its plan takes one more.
const PEACEFUL: usize = 4;

/// Seeded chances: xorshift, the same in every run.
pub(super) struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        let mut chance = Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        chance.below(7);
        chance
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    pub(super) fn is_one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

struct Quiet;

impl Watch for Quiet {
    fn event(&self, _: Event) {}
}

/// An administrator whose process ends at a given change, before or after it was made.
struct Mortal<'a> {
    administrator: &'a Administrator,
    calls: AtomicUsize,
    dies_at: usize,
    after: bool,
}

impl SetUp for Mortal<'_> {
    async fn facts(&self, bridge: &Bridge) -> PortResult<Facts> {
        self.administrator.facts(bridge).await
    }
    async fn observe(&self, bridge: &Bridge, facts: &Facts, wanted: &[Resource]) -> PortResult<Inventory> {
        self.administrator.observe(bridge, facts, wanted).await
    }
    async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
        self.administrator.missing(bridge, needs).await
    }
    async fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> PortResult<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call >= self.dies_at && !(call == self.dies_at && self.after) {
            return std::future::pending().await;
        }
        self.administrator.perform(bridge, facts, change, outputs).await?;
        if call == self.dies_at { std::future::pending().await } else { Ok(()) }
    }
}

async fn administrator(harbour: &Harbour, bridge: &Bridge) -> Administrator {
    let mut environment = harbour.sandbox.environment();
    // Administrators come with a log-in of their own.
    environment
        .retain(|(name, _)| !["AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"].contains(&name.as_str()));
    let path = std::env::var("PATH").unwrap();
    environment.push(("PATH".to_owned(), format!("{}:{path}", harbour.sandbox.tools().display())));
    let settings = Settings {
        environment: Environment::from_pairs(environment),
        clock: Arc::new(SystemTime),
        roots: Roots::new(Some(&std::fs::read(harbour.file("ca.pem")).unwrap())).unwrap(),
        scorer: None,
        journals: None,
        limits: clouds::Limits::default(),
        log_in: None,
        kubeconfig: None,
        context: None,
    };
    Administrator::connect(bridge, &settings).await.unwrap()
}

fn bridge(harbour: &Harbour) -> Bridge {
    let text = std::fs::read_to_string(harbour.file("bridge.yaml")).unwrap();
    bridge::file::parse("bridge.yaml", &text).unwrap()
}

/// One run of `apply`, cut off somewhere or not; what it ends with does not matter here.
async fn troubled(bridge: &Bridge, purpose: &Purpose, administrator: &Administrator, chance: &mut Chance) {
    let dies_at = usize::try_from(chance.below(40)).unwrap();
    let mortal = Mortal { administrator, calls: AtomicUsize::new(0), dies_at, after: chance.is_one_in(2) };
    let limit = Duration::from_millis(200 + chance.below(1500));
    let run = async {
        let seen = act::look(bridge, purpose, administrator).await.map_err(|error| error.to_string())?;
        let outcome = act::carry_out(bridge, &seen, purpose, &mortal, (&SystemTime, &Quiet)).await;
        outcome.map(drop).map_err(|error| error.to_string())
    };
    // The process is killed: by then, or in the middle of a call.
    let _cut = tokio::time::timeout(limit, run).await;
}

/// Applies until the plan is empty.
async fn converge(bridge: &Bridge, purpose: &Purpose, administrator: &Administrator) -> Result<(), String> {
    let mut last = Plan::default();
    for _ in 0..PEACEFUL {
        let seen = act::look(bridge, purpose, administrator).await.map_err(|error| error.to_string())?;
        if seen.plan.is_empty() {
            return Ok(());
        }
        last.clone_from(&seen.plan);
        let edge = (&SystemTime, &Quiet);
        match act::carry_out(bridge, &seen, purpose, administrator, edge).await {
            Ok(_) | Err(ApplyError::Unshown { .. } | ApplyError::Outdated { .. }) => {}
            Err(ApplyError::Failed { change, source, .. }) => {
                return Err(format!("{}: {source}", change.summary()));
            }
            Err(other) => return Err(other.to_string()),
        }
    }
    let seen = act::look(bridge, purpose, administrator).await.map_err(|error| error.to_string())?;
    if seen.plan.is_empty() { Ok(()) } else { Err(format!("never empty: {:?}; before: {last:?}", seen.plan)) }
}

/// A bridge that was there before, in one piece or taken down again.
async fn built_before(bridge: &Bridge, ours: &Administrator, chance: &mut Chance) -> Result<(), String> {
    converge(bridge, &Purpose::Declared { adopt: Vec::new() }, ours).await?;
    if chance.is_one_in(2) {
        return Ok(());
    }
    let everything = act::look(bridge, &Purpose::Nothing, ours).await.map_err(|error| error.to_string())?;
    let edge = (&SystemTime, &Quiet);
    let down = act::carry_out(bridge, &everything, &Purpose::Nothing, ours, edge).await;
    down.map(drop).map_err(|error| error.to_string())
}

async fn world(harbour: &Harbour, seed: u64) -> Result<(), String> {
    let chance = &mut Chance::new(seed);
    let bridge = bridge(harbour);
    let ours = administrator(harbour, &bridge).await;
    let theirs = administrator(harbour, &bridge).await;
    let meddler = Meddler::new(harbour).await;
    if chance.is_one_in(3) {
        built_before(&bridge, &ours, chance).await?;
    }
    let adopt = meddler.prepare(chance).await;
    let mut ward = Ward::begin(&meddler, &bridge).await;
    let purpose = Purpose::Declared { adopt };
    for _ in 0..TROUBLED {
        let second = chance.is_one_in(2);
        let mut other = Chance::new(chance.below(u64::MAX));
        let disturb = async {
            if second {
                troubled(&bridge, &purpose, &theirs, &mut other).await;
            } else {
                meddler.disturb(&mut other).await;
            }
        };
        tokio::join!(troubled(&bridge, &purpose, &ours, chance), disturb);
        ward.check(&meddler, &bridge).await?;
    }
    converge(&bridge, &purpose, &ours).await?;
    ward.check(&meddler, &bridge).await
}

/// Takes seeds until there are none left; returns what failed.
fn work(seeds: &AtomicU64) -> Vec<String> {
    let mut failed = Vec::new();
    loop {
        let seed = seeds.fetch_add(1, Ordering::SeqCst);
        if seed >= WORLDS {
            return failed;
        }
        let harbour = Harbour::new();
        let outcome = harbour.runtime.block_on(world(&harbour, seed));
        failed.extend(outcome.err().map(|problem| format!("seed {seed}: {problem}")));
    }
}

#[test]
fn fifty_random_worlds_converge_and_widen_nothing() {
    let seeds = AtomicU64::new(0);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| work(&seeds))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {WORLDS} worlds:\n{}", failed.len(), failed.join("\n"));
}

/// The watch that the fifty worlds rest on can fail.
#[test]
fn the_ward_notices_what_nobody_declared() {
    let harbour = Harbour::new();
    harbour.runtime.block_on(async {
        let bridge = bridge(&harbour);
        let meddler = Meddler::new(&harbour).await;
        meddler.make_foreign("theirs").await;
        let mut ward = Ward::begin(&meddler, &bridge).await;
        ward.check(&meddler, &bridge).await.unwrap();
        meddler.make_foreign("late").await;
        ward.check(&meddler, &bridge).await.unwrap();
        meddler.by_hand.lock().unwrap().clear();
        let problem = ward.check(&meddler, &bridge).await.unwrap_err();
        assert!(problem.starts_with("nobody declared: project roles/viewer user:"), "{problem}");
        let mut ward = Ward::begin(&meddler, &bridge).await;
        let label = serde_json::json!({ "metadata": { "labels": { "by": "somebody-else" } } });
        let (status, reply) =
            meddler.cluster(reqwest::Method::PATCH, "/api/v1/namespaces/theirs", label).await;
        assert_eq!(status, 200, "{reply}");
        let problem = ward.check(&meddler, &bridge).await.unwrap_err();
        assert!(problem.starts_with("namespace theirs was not ours"), "{problem}");
    });
}
