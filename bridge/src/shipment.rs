//! The record of a shipment: one model version's journey to an answering service, and the ConfigMap that keeps the last
//! ten of them beside the service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::manifest::labels;
use crate::port::{ObjectKey, ObjectKind};
use crate::spec::{Bridge, Service, Team};

/// How many shipments a record keeps.
pub const KEPT: usize = 10;

/// The key of the ConfigMap's data that holds the list.
const DATA: &str = "shipments.json";

/// One model version that was carried across and answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// Derived from digest and time.
    pub id: String,
    /// The service.
    pub service: String,
    /// Its namespace.
    pub namespace: String,
    /// The model's name in Azure ML.
    pub model: String,
    /// Its version.
    pub version: String,
    /// ARM id of the version.
    pub asset_id: String,
    /// `HOST/PATH@sha256:…`, as the pods name it.
    pub image: String,
    /// `sha256:…` of the image's manifest.
    pub digest: String,
    /// When the service first answered with it.
    pub when: jiff::Timestamp,
    /// Who shipped it, as the clouds name the caller.
    pub who: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Where the service answers, best first.
    pub urls: Vec<String>,
}

/// The last shipments of one service, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record {
    /// The shipments.
    pub shipments: Vec<Shipment>,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{DATA}` of ConfigMap `{name}` is not a list of shipments: {problem}; correct it, or delete the ConfigMap"
)]
pub struct UnreadableRecord {
    /// The ConfigMap.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Shipment {
    /// The id of a shipment: the same image shipped at the same time is the same shipment.
    pub fn id_of(digest: &str, when: jiff::Timestamp) -> String {
        let hash = hex::encode(Sha256::digest(format!("{digest} {when}")));
        hash.chars().take(12).collect()
    }
}

impl Record {
    /// The ConfigMap that keeps the record of a service.
    pub fn key(team: &Team, service: &Service) -> ObjectKey {
        ObjectKey {
            kind: ObjectKind { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned() },
            namespace: Some(team.namespace.clone()),
            name: format!("shipment-{}", service.name),
        }
    }

    /// Reads the record from a ConfigMap as the API server stores it.
    pub fn read(config_map: &Value) -> Result<Self, UnreadableRecord> {
        let Some(text) = config_map.get("data").and_then(|data| data.get(DATA)).and_then(Value::as_str)
        else {
            return Ok(Self::default());
        };
        serde_json::from_str(text).map_err(|error| UnreadableRecord {
            name: config_map.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            problem: error.to_string(),
        })
    }

    /// Adds a shipment. Shipping again what the newest entry already says is no new shipment: the older entry stays, with
    /// today's addresses, and is returned.
    pub fn add(&mut self, shipment: Shipment) -> Shipment {
        if let Some(newest) = self.shipments.first_mut().filter(|newest| newest.digest == shipment.digest) {
            newest.urls = shipment.urls;
            return newest.clone();
        }
        self.shipments.insert(0, shipment.clone());
        self.shipments.truncate(KEPT);
        shipment
    }

    /// The ConfigMap to apply.
    pub fn config_map(
        &self,
        bridge: &Bridge,
        team: &Team,
        service: &Service,
    ) -> Result<Value, UnreadableRecord> {
        let key = Self::key(team, service);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| UnreadableRecord { name: key.name.clone(), problem: error.to_string() })?;
        let labels: BTreeMap<String, String> = labels(bridge, team, service);
        Ok(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": key.name, "namespace": team.namespace, "labels": labels},
            "data": {DATA: text},
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fixture;

    fn shipment(digest: &str, second: i64) -> Shipment {
        let when = jiff::Timestamp::from_second(second).unwrap();
        Shipment {
            id: Shipment::id_of(digest, when),
            service: "wine".to_owned(),
            namespace: "cellar".to_owned(),
            model: "Wine_Cultivar".to_owned(),
            version: "1".to_owned(),
            asset_id: "/subscriptions/s".to_owned(),
            image: format!("host/p/r/i@{digest}"),
            digest: digest.to_owned(),
            when,
            who: "ci".to_owned(),
            took_ms: 1,
            urls: vec![format!("http://{second}")],
        }
    }

    #[test]
    fn keeps_the_last_ten_newest_first() {
        let mut record = Record::default();
        for second in 0..12 {
            record.add(shipment(&format!("sha256:{second}"), second));
        }
        let digests: Vec<&str> = record.shipments.iter().map(|it| it.digest.as_str()).collect();
        assert_eq!(digests.len(), KEPT);
        assert_eq!((digests[0], digests[9]), ("sha256:11", "sha256:2"));
    }

    #[test]
    fn the_same_image_again_is_the_same_shipment() {
        let mut record = Record::default();
        let first = record.add(shipment("sha256:a", 1));
        let again = record.add(shipment("sha256:a", 2));
        assert_eq!((&again.id, again.when), (&first.id, first.when));
        assert_eq!(again.urls, ["http://2"]);
        assert_eq!(record.shipments, [again]);
        record.add(shipment("sha256:b", 3));
        record.add(shipment("sha256:a", 4));
        assert_eq!(record.shipments.len(), 3, "going back is a shipment of its own");
    }

    #[test]
    fn reads_back_what_it_writes() {
        let (bridge, team, service) = (fixture::bridge(), fixture::team(), fixture::service());
        let mut record = Record::default();
        record.add(shipment("sha256:a", 1));
        let object = record.config_map(&bridge, &team, &service).unwrap();
        assert_eq!(object["metadata"]["name"], "shipment-wine");
        assert_eq!(object["metadata"]["namespace"], "cellar");
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "gangplank");
        assert_eq!(Record::read(&object).unwrap(), record);
        assert_eq!(Record::read(&json!({"metadata": {"name": "x"}})).unwrap(), Record::default());
        let broken = Record::read(&json!({"metadata": {"name": "x"}, "data": {DATA: "{"}})).unwrap_err();
        assert!(broken.to_string().contains("ConfigMap `x`"), "{broken}");
    }
}
