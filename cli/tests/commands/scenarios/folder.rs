//! What a scenario's folder says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

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
    pub(super) set_up: SetUp,
    pub(crate) finding: Finding,
    /// The mends that are command lines, as printed, in their order.
    #[serde(default)]
    pub(crate) mends: Vec<String>,
    /// What the mends in words ask a person to do, done.
    #[serde(default)]
    pub(super) by_hand: Option<ByHand>,
}

/// When the trust is set up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SetUp {
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
    pub(super) code: String,
    pub(super) cause: String,
    pub(super) hop: String,
    pub(super) severity: String,
    pub(super) confidence: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ByHand {
    /// A world file without its first two lines.
    pub(super) world: Option<serde_json::Map<String, Value>>,
    /// A merge patch of the bridge file.
    pub(super) bridge: Option<Value>,
    /// Who asks from there on.
    #[serde(rename = "as")]
    pub(super) who: Option<String>,
    /// The environment from there on.
    pub(super) env: Option<BTreeMap<String, String>>,
    /// Whether what stands in the way of every request is taken away: a clock set right, a network opened.
    #[serde(default)]
    pub(super) clear_faults: bool,
    /// Whether `gangplank apply` is run, as the words say.
    #[serde(default)]
    pub(super) apply: bool,
    /// Seconds that are waited, by the sandbox's clock.
    #[serde(default)]
    pub(super) wait: u64,
}

pub(super) fn walk() -> String {
    "doctor --team oncology".to_owned()
}

/// A scenario's folder, read.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) expected: Expected,
    pub(super) bridge: Option<(String, String)>,
    pub(super) world: Option<String>,
}

impl Scenario {
    /// Whether nothing but what a mend puts back is changed, so that the next one may be played in the same harbour.
    pub(super) fn leaves_no_trace(&self) -> bool {
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

/// Whether it is played in a sandbox, and not told by evidence.
pub(crate) fn is_played(folder: &Path) -> bool {
    !folder.join("evidence").is_dir()
}

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
