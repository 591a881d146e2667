//! What serves a version, looked up in its files before anything is pushed.

use futures_util::StreamExt as _;

use super::{Patience, ShipError, ShipPorts};
use crate::image::choice::{self, Unserved};
use crate::image::mlflow::{self, MLMODEL_MAX, MODEL_FILE, Mlmodel};
use crate::port::{ModelFile, ModelSource, ModelVersion, PortResult, Time, Watch};
use crate::spec::{Runtime, Service};

/// The ONNX file to name to our scorer, relative to the version's root; `None` where there is nothing to name: the scorer
/// finds the only one itself, or is told which by a variable of the service's, or does not serve this.
pub(super) async fn onnx_file<M: ModelSource, I, C, T: Time, W: Watch>(
    service: &Service,
    version: &ModelVersion,
    files: &[ModelFile],
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Option<String>, ShipError> {
    let ours = matches!(service.runtime, Runtime::Auto | Runtime::Onnx);
    if !ours || service.tuning.env.contains_key(MODEL_FILE) {
        return Ok(None);
    }
    let mlmodel = mlmodel(files, ports).await?;
    choice::onnx_file(&service.runtime, version, files, mlmodel).map_err(|source| ShipError::Unserved {
        model: version.name.clone(),
        version: version.version.clone(),
        source,
    })
}

/// What an MLflow model says about itself; `None` if the version is no MLflow model.
async fn mlmodel<M: ModelSource, I, C, T: Time, W: Watch>(
    files: &[ModelFile],
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Option<Result<Mlmodel, Unserved>>, ShipError> {
    let Some(file) = mlflow::mlmodel(files) else { return Ok(None) };
    let patience = Patience::new(ports.time, ports.watch);
    let bytes = patience
        .retry("list-files", || read(ports.models, file))
        .await
        .map_err(ShipError::at("list-files"))?;
    Ok(Some(Mlmodel::read(file, bytes.as_deref())))
}

/// The file's bytes; `None` if there are more than an `MLmodel` has.
async fn read<M: ModelSource>(models: &M, file: &ModelFile) -> PortResult<Option<Vec<u8>>> {
    if file.size > MLMODEL_MAX {
        return Ok(None);
    }
    let mut stream = models.read(file, 0..file.size).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() as u64 > MLMODEL_MAX {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}
