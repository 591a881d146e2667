//! Any bytes as the configuration of a base image: what is built upon it has all of it, and the same bytes every time.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use oci::Digest;
use oci::image::configuration;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(base) = serde_json::from_slice::<Value>(bytes) else { return };
    let env = BTreeMap::from([("MODEL_DIR".to_owned(), "/models".to_owned())]);
    let labels = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let digest = Digest::of(b"layer");
    let build = |base: Value| configuration(base, (&env, &labels), &[(&digest, "layer")]);
    let Ok(made) = build(base.clone()) else { return };
    assert_eq!(build(base.clone()), Ok(made.clone()));
    let config: Value = serde_json::from_slice(&made).expect("what we write is JSON");
    let layers = |config: &Value| config["rootfs"]["diff_ids"].as_array().map_or(0, Vec::len);
    assert_eq!(layers(&config), layers(&base) + 1);
    let env = config["config"]["Env"].as_array().expect("variables");
    assert!(env.contains(&"MODEL_DIR=/models".into()));
    assert_eq!(config["config"]["Labels"]["a"], "1");
    let again = build(config.clone()).expect("what we wrote is a configuration");
    assert_eq!(layers(&serde_json::from_slice(&again).expect("JSON")), layers(&config) + 1);
});
