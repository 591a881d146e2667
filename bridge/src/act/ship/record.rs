//! Writing a shipment down. Two shipments at once must not lose each other's entry, so the write names the version of
//! the record it has read.

use serde_json::Value;

use super::objects::{get, is_ours};
use super::retry::Patience;
use super::{ShipError, ShipPorts, ShipRequest, step};
use crate::manifest::refuse_secrets;
use crate::port::{Cluster, Refused, Time, Watch};
use crate::shipment::{Record, Shipment};
use crate::spec::Team;

/// How often a record that changed under us is read anew.
const READS: u32 = 5;

/// Adds a shipment to the service's record. Returns the entry that the record then has for it.
pub(super) async fn record<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    shipment: Shipment,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Shipment, ShipError> {
    let key = Record::key(team, request.service);
    step(ports.watch, "record", &key.name);
    let mut reads = 1;
    loop {
        let live = get("record", &key, ports).await.map_err(ShipError::at("record"))?;
        if live.as_ref().is_some_and(|live| !is_ours(request.bridge, live)) {
            return Err(ShipError::Foreign { key, bridge: request.bridge.name.clone() });
        }
        let mut record = live.as_ref().map_or_else(|| Ok(Record::default()), Record::read)?;
        let entry = record.add(shipment.clone());
        let mut object = record.config_map(request.bridge, team, request.service)?;
        refuse_secrets(std::slice::from_ref(&object))?;
        expect_version(&mut object, live.as_ref());
        let written =
            Patience::new(ports.time, ports.watch).retry("record", || ports.cluster.apply(&object)).await;
        match written {
            Ok(_) => return Ok(entry),
            Err(error) if error.kind == Refused::Conflict && reads < READS => reads += 1,
            Err(error) => return Err(ShipError::Port { step: "record", source: error }),
        }
    }
}

/// Lets the API server refuse the write if the record is no longer the one that was read.
fn expect_version(object: &mut Value, live: Option<&Value>) {
    let version = live.and_then(|live| live.pointer("/metadata/resourceVersion")).cloned();
    if let (Some(version), Some(metadata)) =
        (version, object.pointer_mut("/metadata").and_then(Value::as_object_mut))
    {
        metadata.insert("resourceVersion".to_owned(), version);
    }
}
