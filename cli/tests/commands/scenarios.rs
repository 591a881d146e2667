//! Scenarios: each folder of `sandbox/scenarios/` is played in a sandbox. The doctor must find exactly what the folder
//! says, print exactly the mends it says, and each mend that is a command of ours, run as printed, must make the scenario
//! healthy. Mends by other tools are compared with those that were really run: `witness/scenarios/`.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::harbour::{Ended, Harbour, ended, source};

/// How many scenarios are played at a time.
const AT_A_TIME: usize = 4;

/// The classes of causes that no scenario is for.
const NO_SCENARIO: [&str; 4] = ["client-version", "network", "architecture", "other"];

/// `expected.yaml`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Expected {
    /// What is asked, after `gangplank`.
    #[serde(default = "walk")]
    pub(crate) asks: String,
    /// Who asks: a log-in of the sandbox's; by default the pipeline.
    #[serde(rename = "as")]
    pub(crate) who: Option<String>,
    /// Environment variables on top; empty ones are taken away.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// When the trust was set up.
    #[serde(default)]
    set_up: SetUp,
    pub(crate) finding: Finding,
    /// The mends that are command lines, as printed, in their order.
    #[serde(default)]
    pub(crate) mends: Vec<String>,
    /// What the mends in words ask a person to do, done.
    #[serde(default)]
    by_hand: Option<ByHand>,
}

/// When the trust is set up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SetUp {
    /// Before the trouble.
    #[default]
    Before,
    /// Before, and again amid it.
    Again,
    /// Amid it.
    After,
    Never,
}

/// The one finding.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Finding {
    code: String,
    cause: String,
    hop: String,
    severity: String,
    confidence: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ByHand {
    /// A world file without its first two lines.
    world: Option<serde_json::Map<String, Value>>,
    /// A merge patch of the bridge file.
    bridge: Option<Value>,
    /// Who asks from there on.
    #[serde(rename = "as")]
    who: Option<String>,
    /// The environment from there on.
    env: Option<BTreeMap<String, String>>,
    /// Whether what stands in the way of every request is taken away: a clock set right, a network opened.
    #[serde(default)]
    clear_faults: bool,
    /// Whether `gangplank apply` is run, as the words say.
    #[serde(default)]
    apply: bool,
    /// Seconds that are waited, by the sandbox's clock.
    #[serde(default)]
    wait: u64,
}

fn walk() -> String {
    "doctor --team oncology".to_owned()
}

/// A scenario's folder, read.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) expected: Expected,
    bridge: Option<(String, String)>,
    world: Option<String>,
}

impl Scenario {
    /// Whether nothing but what a mend puts back is changed, so that the next one may be played in the same harbour.
    fn leaves_no_trace(&self) -> bool {
        let by_hand = self.expected.by_hand.as_ref();
        self.bridge.is_none()
            && self.expected.set_up == SetUp::Before
            && !self
                .world
                .as_ref()
                .is_some_and(|text| text.contains("\nfaults:") || text.contains("\nadvance:"))
            && by_hand.is_none_or(|it| it.bridge.is_none() && it.wait == 0)
    }
}

#[test]
fn each_scenario_has_its_one_finding_and_its_mends_heal_it() {
    let wanted = std::env::var("GANGPLANK_SCENARIOS").unwrap_or_default();
    let waiting: Vec<Scenario> = folders().iter().filter(|it| is_played(it)).map(|it| read(it)).collect();
    let waiting: Vec<Scenario> = waiting.into_iter().filter(|it| it.name.contains(&wanted)).collect();
    assert!(!waiting.is_empty(), "no scenario's name contains `{wanted}`");
    let (waiting, failed) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| play_on(&waiting, &failed));
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} scenarios went wrong\n{}", failed.len(), failed.join("\n"));
}

/// Scenarios from every hop, for which a snapshot is taken.
const SNAPSHOTS: [&str; 14] = [
    "application-hands-out-version-one",
    "assignment-is-required",
    "caller-may-not-read-blobs",
    "cluster-viewer-was-revoked",
    "condition-in-other-capitals",
    "credentials-api-is-off",
    "grant-names-the-project-by-its-id",
    "impersonation-was-revoked",
    "mapping-makes-subjects-too-long",
    "nodes-may-not-pull",
    "pool-was-switched-off",
    "push-was-revoked",
    "rolebinding-of-another-environment",
    "team-account-was-deleted",
];

#[test]
fn a_snapshot_shows_the_same_finding_as_the_live_walk() {
    let wanted = std::env::var("GANGPLANK_SCENARIOS").ok();
    let all: Vec<Scenario> = folders().iter().filter(|it| is_played(it)).map(|it| read(it)).collect();
    let chosen = all.iter().filter(|it| match &wanted {
        Some(wanted) => {
            it.name.contains(wanted) && it.expected.asks == walk() && it.expected.finding.severity == "error"
        }
        None => SNAPSHOTS.contains(&it.name.as_str()),
    });
    let (mut wrong, mut right) = (Vec::new(), 0);
    for scenario in chosen {
        match compare(scenario) {
            Ok(()) => right += 1,
            Err(why) => wrong.push(format!("=== {}\n{why}", scenario.name)),
        }
    }
    println!("{right} right, {} wrong", wrong.len());
    assert!(wanted.is_some() || right + wrong.len() == SNAPSHOTS.len(), "a scenario was renamed");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Live and from the snapshot, in one world.
fn compare(scenario: &Scenario) -> Result<(), String> {
    let harbour = begin(scenario)?;
    trouble(&harbour, scenario)?;
    let Expected { asks, who, env, finding, .. } = &scenario.expected;
    let live = ask(&harbour, asks, who.as_deref(), env);
    expect(&live, 3, asks)?;
    let taken = ask(&harbour, "snapshot --team oncology --dir snapshot", who.as_deref(), env);
    expect(&taken, 0, "snapshot")?;
    let offline = ask(&harbour, "doctor --evidence snapshot", who.as_deref(), env);
    expect(&offline, 3, "doctor --evidence snapshot")?;
    let (live, offline) = (live.json(), offline.json());
    for field in ["code", "cause", "confidence", "severity"] {
        if live["findings"][0][field] != offline["findings"][0][field] {
            return Err(format!("{field}: live\n{}\noffline\n{}", yaml(&live), yaml(&offline)));
        }
    }
    if live["findings"][0]["code"] != finding.code.as_str() || offline["unread"] != json!([]) {
        return Err(format!("expected {finding:?}\n{}", yaml(&offline)));
    }
    Ok(())
}

#[test]
fn a_healthy_world_has_no_finding() {
    let harbour = Harbour::new();
    harbour.sandbox.patch_bridge(WORKLOADS).unwrap();
    harbour.run(&["apply"]).expect_code(0);
    for asks in ["doctor --team oncology", "doctor --team cellar --as-cellar", "doctor --workload reader"] {
        let who = asks.contains("--as-cellar").then_some("cellar-ci");
        let asked = ask(&harbour, &asks.replace(" --as-cellar", ""), who, &BTreeMap::new());
        assert_eq!(asked.code, 0, "{asks}: {}", asked.stdout);
        let answer = asked.json();
        assert_eq!(answer["findings"], json!([]), "{asks}: {answer}");
    }
}

/// Pods of team oncology read models.
const WORKLOADS: &str =
    "workloads: [{ name: reader, team: oncology, serviceAccount: reader-sa, may: [read-models] }]";

#[test]
fn there_are_scenarios_for_every_cause() {
    let all: Vec<(PathBuf, Value)> = folders()
        .into_iter()
        .map(|folder| {
            let text = std::fs::read_to_string(folder.join("expected.yaml")).unwrap();
            (folder, serde_saphyr::from_str(&text).unwrap())
        })
        .collect();
    assert!(all.len() >= SCENARIOS, "{} scenarios", all.len());
    let causes: BTreeSet<&str> = all.iter().map(|(_, it)| it["finding"]["cause"].as_str().unwrap()).collect();
    let missing: Vec<&str> = bridge::finding::cause::ALL
        .iter()
        .copied()
        .filter(|cause| !causes.contains(cause) && !NO_SCENARIO.contains(cause))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "causes without a scenario");
    let backwards =
        all.iter().filter(|(_, it)| it["asks"].as_str().is_some_and(|asks| asks.contains("--workload")));
    assert!(backwards.count() >= 5, "both directions");
    let embedded: BTreeSet<&str> = sandbox::SCENARIOS.iter().map(|it| it.name).collect();
    let folders: BTreeSet<String> =
        all.iter().map(|(folder, _)| folder.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(embedded, folders.iter().map(String::as_str).collect());
}

/// Whether it is played in a sandbox, and not told by evidence.
pub(crate) fn is_played(folder: &Path) -> bool {
    !folder.join("evidence").is_dir()
}

/// As many as there must be.
const SCENARIOS: usize = 60;

pub(crate) fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/scenarios");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

pub(crate) fn read(folder: &Path) -> Scenario {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(folder.join("expected.yaml")).unwrap();
    let expected = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let bridge = std::fs::read_to_string(folder.join("bridge.yaml")).ok();
    let bridge = bridge.map(|text| match text.split_once("---\n") {
        Some((before, after)) => (before.to_owned(), after.to_owned()),
        None => (text, String::new()),
    });
    let world = std::fs::read_to_string(folder.join("world.yaml")).ok();
    Scenario { name, expected, bridge, world }
}

/// Plays scenarios until none waits; one that leaves no trace leaves its harbour to the next.
fn play_on(waiting: &Mutex<Vec<Scenario>>, failed: &Mutex<Vec<String>>) {
    let mut kept: Option<Harbour> = None;
    let next = || waiting.lock().unwrap().pop();
    while let Some(scenario) = next() {
        let plain = scenario.leaves_no_trace();
        let harbour = kept.take().filter(|_| plain);
        let played = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let harbour = match harbour {
                Some(harbour) => harbour,
                None => begin(&scenario)?,
            };
            play(&harbour, &scenario).map(|()| harbour)
        }));
        match played.unwrap_or_else(|_| Err("the test itself panicked".to_owned())) {
            Ok(harbour) => kept = plain.then_some(harbour).filter(is_as_declared),
            Err(why) => failed.lock().unwrap().push(format!("=== {}\n{why}", scenario.name)),
        }
    }
}

fn is_as_declared(harbour: &Harbour) -> bool {
    harbour.run(&["plan"]).code == 0
}

/// A harbour before the trouble.
pub(crate) fn begin(scenario: &Scenario) -> Result<Harbour, String> {
    let harbour = Harbour::new();
    if let Some((before, _)) = &scenario.bridge {
        patch(&harbour, before)?;
    }
    if matches!(scenario.expected.set_up, SetUp::Before | SetUp::Again) {
        let applied = harbour.run(&["apply"]);
        expect(&applied, 0, "the first apply")?;
    }
    Ok(harbour)
}

fn patch(harbour: &Harbour, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Ok(())
    } else {
        harbour.sandbox.patch_bridge(text).map_err(|error| error.to_string())
    }
}

fn play(harbour: &Harbour, scenario: &Scenario) -> Result<(), String> {
    let Expected { asks, who, env, finding, mends, .. } = &scenario.expected;
    let whole = std::fs::read_to_string(harbour.file("bridge.yaml")).unwrap();
    trouble(harbour, scenario)?;
    let asked = ask(harbour, asks, who.as_deref(), env);
    let code = if finding.severity == "error" { 3 } else { 0 };
    expect(&asked, code, asks)?;
    let answer = asked.json();
    let found = findings(&answer);
    if found.iter().ne([finding]) {
        return Err(format!("expected {finding:?}\nfound    {found:?}\n{}", yaml(&answer)));
    }
    let printed = printed(harbour, &answer);
    if printed != *mends {
        return Err(format!("expected mends {mends:#?}\nprinted\n{}", yaml(&json!({ "mends": printed }))));
    }
    let ours: Vec<&String> = mends.iter().filter(|mend| mend.starts_with("gangplank ")).collect();
    for (index, mend) in ours.iter().enumerate() {
        if index > 0 {
            std::fs::write(harbour.file("bridge.yaml"), &whole).unwrap();
            trouble(harbour, scenario)?;
        }
        by_hand(harbour, scenario)?;
        heals(harbour, scenario, Some(mend))?;
    }
    if ours.is_empty() && scenario.expected.by_hand.is_some() {
        by_hand(harbour, scenario)?;
        heals(harbour, scenario, None)?;
    } else if ours.is_empty() {
        return Err("nothing heals it: no mend of ours, and nothing `byHand`".to_owned());
    }
    if scenario.leaves_no_trace() {
        harbour.sandbox.world.faults.clear(None);
    }
    Ok(())
}

/// Lets it happen.
pub(crate) fn trouble(harbour: &Harbour, scenario: &Scenario) -> Result<(), String> {
    if let Some((_, after)) = &scenario.bridge {
        patch(harbour, after)?;
    }
    scenario.world.as_ref().map_or(Ok(()), |text| load(harbour, text))?;
    if matches!(scenario.expected.set_up, SetUp::After | SetUp::Again) {
        expect(&harbour.run(&["apply"]), 0, "the apply amid the trouble")?;
    }
    Ok(())
}

fn load(harbour: &Harbour, text: &str) -> Result<(), String> {
    harbour.runtime.block_on(harbour.sandbox.load(text)).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|it| format!("the world does not load: {it}")).collect();
        lines.join("\n")
    })
}

/// Does what the mends in words say.
fn by_hand(harbour: &Harbour, scenario: &Scenario) -> Result<(), String> {
    let Some(hand) = &scenario.expected.by_hand else { return Ok(()) };
    if hand.clear_faults {
        harbour.sandbox.world.faults.clear(None);
    }
    if let Some(bridge) = &hand.bridge {
        patch(harbour, &bridge.to_string())?;
    }
    if let Some(world) = &hand.world {
        let mut world = world.clone();
        world.insert("apiVersion".to_owned(), json!("gangplank.dev/v1alpha1"));
        world.insert("kind".to_owned(), json!("World"));
        load(harbour, &Value::Object(world).to_string())?;
    }
    if hand.apply {
        expect(&harbour.run(&["apply"]), 0, "the apply that the words ask for")?;
    }
    if hand.wait > 0 {
        harbour.sandbox.world.clock.advance(Duration::from_secs(hand.wait));
        harbour.sandbox.renew_tokens().map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Runs a mend as it is printed; then nothing may be found any more.
fn heals(harbour: &Harbour, scenario: &Scenario, mend: Option<&str>) -> Result<(), String> {
    if let Some(mend) = mend {
        expect(&ended(shell(harbour, mend)), 0, mend)?;
    }
    heals_now(harbour, scenario, mend.unwrap_or("what was done by hand"))
}

/// A command line as a user pastes it into a shell of the harbour's.
pub(crate) fn shell(harbour: &Harbour, line: &str) -> Command {
    let user = harbour.command(&[]);
    let known = user.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let known: BTreeMap<_, _> = known.collect();
    let program = Path::new(env!("CARGO_BIN_EXE_gangplank")).parent().unwrap();
    let path = format!("{}:{}", program.display(), known[std::ffi::OsStr::new("PATH")].to_string_lossy());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(filled(harbour, line)).env_clear().envs(known).env("PATH", path);
    shell.current_dir(harbour.sandbox.folder());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// Nothing may be found any more.
pub(crate) fn heals_now(harbour: &Harbour, scenario: &Scenario, after: &str) -> Result<(), String> {
    let Expected { asks, who, env, .. } = &scenario.expected;
    let hand = scenario.expected.by_hand.as_ref();
    let who = hand.and_then(|it| it.who.as_ref()).or(who.as_ref());
    let env = hand.and_then(|it| it.env.as_ref()).unwrap_or(env);
    let asked = ask(harbour, asks, who.map(String::as_str), env);
    expect(&asked, 0, &format!("{asks}, after `{after}`"))?;
    let answer = asked.json();
    if answer["findings"] == json!([]) { Ok(()) } else { Err(format!("still found\n{}", yaml(&answer))) }
}

pub(crate) fn ask(harbour: &Harbour, asks: &str, who: Option<&str>, env: &BTreeMap<String, String>) -> Ended {
    let mut arguments: Vec<&str> = asks.split_whitespace().collect();
    if !asks.starts_with("snapshot") {
        arguments.extend(["-o", "json"]);
    }
    let mut command = harbour.command(&arguments);
    if let Some(who) = who {
        source(&mut command, &harbour.file(&format!("{who}.env")));
    }
    for (name, value) in env {
        if value.is_empty() {
            command.env_remove(name)
        } else {
            command.env(name, filled(harbour, value))
        };
    }
    ended(command)
}

/// The findings, each at the hop or link that it is about.
pub(crate) fn findings(answer: &Value) -> Vec<Finding> {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let hops = answer["hops"].as_array().or(answer["links"].as_array());
    let mut about = hops
        .into_iter()
        .flatten()
        .filter(|hop| ["broken", "risky"].contains(&hop["outcome"].as_str().unwrap()));
    let mut hop =
        || about.next().map(|hop| format!("{}{}", text(hop, "hop"), text(hop, "name"))).unwrap_or_default();
    let one = |finding: &Value| Finding {
        code: text(finding, "code"),
        cause: text(finding, "cause"),
        hop: hop(),
        severity: text(finding, "severity"),
        confidence: text(finding, "confidence"),
    };
    answer["findings"].as_array().unwrap().iter().map(one).collect()
}

/// The command lines among the mends, with names in the place of what differs from one sandbox to the next.
fn printed(harbour: &Harbour, answer: &Value) -> Vec<String> {
    let findings = answer["findings"].as_array().unwrap();
    let mends = findings.iter().flat_map(|finding| finding["mend"].as_array().unwrap());
    mends.filter_map(|mend| Some(named(harbour, mend["command"].as_str()?))).collect()
}

/// Text with `${NAME}` in the place of addresses and the application's id.
fn named(harbour: &Harbour, text: &str) -> String {
    let places = harbour.sandbox.places();
    let differing = places.iter().filter(|(_, value)| value.contains(':') || value.len() == 36);
    let seeded = [sandbox::seed::TENANT, sandbox::seed::SUBSCRIPTION];
    let differing = differing.filter(|(_, value)| !seeded.contains(&value.as_str()));
    differing.fold(text.to_owned(), |text, (name, value)| text.replace(value, &format!("${{{name}}}")))
}

pub(crate) fn filled(harbour: &Harbour, text: &str) -> String {
    let fill = |text: String, (name, value): (String, String)| text.replace(&format!("${{{name}}}"), &value);
    harbour.sandbox.places().into_iter().fold(text.to_owned(), fill)
}

fn expect(ended: &Ended, code: i32, what: &str) -> Result<(), String> {
    let said = format!("stdout:\n{}\nstderr:\n{}", ended.stdout, ended.stderr);
    if said.contains("panicked at") {
        return Err(format!("`{what}` panicked\n{said}"));
    }
    if ended.code == code {
        Ok(())
    } else {
        Err(format!("`{what}` ended with {}, expected {code}\n{said}", ended.code))
    }
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap()
}
