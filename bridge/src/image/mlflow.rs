//! MLflow models: what their `MLmodel` file says they can be loaded as.
//! <https://mlflow.org/docs/latest/ml/model/#storage-format>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::choice::Unserved;
use crate::port::ModelFile;

/// The file that makes a folder an MLflow model.
const MLMODEL: &str = "MLmodel";
/// The flavor that our scorer serves.
pub(super) const ONNX: &str = "onnx";
/// The flavor of every model that Python can load; says nothing about what is inside.
const PYTHON: &str = "python_function";
/// The largest `MLmodel` that is read, in bytes. Those with long signatures have some 100 KB.
pub const MLMODEL_MAX: u64 = 1 << 20;
/// Names the file to serve, to our scorer.
pub const MODEL_FILE: &str = "AZUREML_MODEL_FILE";

/// What an `MLmodel` file says, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlmodel {
    /// The file.
    pub path: String,
    /// Flavors and their settings.
    pub flavors: BTreeMap<String, Value>,
}

impl Mlmodel {
    /// Reads the file. `bytes` is `None` if it has more than [`MLMODEL_MAX`].
    pub fn read(file: &ModelFile, bytes: Option<&[u8]>) -> Result<Self, Unserved> {
        #[derive(Deserialize)]
        struct Written {
            #[serde(default)]
            flavors: BTreeMap<String, Value>,
        }
        let malformed = |problem: String| Unserved::Malformed { file: file.path.clone(), problem };
        let bytes = bytes.ok_or_else(|| malformed("has more than 1 MiB".to_owned()))?;
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("is no text".to_owned()))?;
        let written: Written = serde_saphyr::from_str(text).map_err(|error| {
            let why = error.to_string();
            malformed(format!("cannot be read: {}", why.lines().next().unwrap_or_default()))
        })?;
        if written.flavors.is_empty() {
            return Err(malformed("names no flavors".to_owned()));
        }
        Ok(Self { path: file.path.clone(), flavors: written.flavors })
    }

    /// The ONNX file that it names, relative to the version's root; `None` without that flavor.
    pub fn onnx_file(&self, files: &[ModelFile]) -> Result<Option<String>, Unserved> {
        let malformed = |problem: String| Unserved::Malformed { file: self.path.clone(), problem };
        let Some(onnx) = self.flavors.get(ONNX) else { return Ok(None) };
        let data = onnx
            .get("data")
            .and_then(Value::as_str)
            .ok_or_else(|| malformed(format!("has no `flavors.{ONNX}.data`, the name of the ONNX file")))?;
        let path = match self.path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{data}"),
            None => data.to_owned(),
        };
        if files.iter().any(|file| file.path == path) {
            Ok(Some(path))
        } else {
            Err(malformed(format!("names the ONNX file `{data}`, which the version does not have")))
        }
    }
}

/// The `MLmodel` file among a version's files: at the root, or in the one folder that was registered.
pub fn mlmodel(files: &[ModelFile]) -> Option<&ModelFile> {
    if let Some(root) = files.iter().find(|file| file.path == MLMODEL) {
        return Some(root);
    }
    let in_a_folder = |file: &&ModelFile| {
        file.path.rsplit_once('/').is_some_and(|(folder, name)| name == MLMODEL && !folder.contains('/'))
    };
    let mut found = files.iter().filter(in_a_folder);
    // Of several none is the model.
    found.next().filter(|_| found.next().is_none())
}

/// Where an image for a model of these flavors comes from. None is named by digest: only its builder knows it.
pub(super) fn image_for(flavors: &[String]) -> &'static str {
    const MLSERVER: [&str; 4] = ["sklearn", "xgboost", "lightgbm", "catboost"];
    if flavors.iter().any(|flavor| MLSERVER.contains(&flavor.as_str())) {
        "build one with `mlflow models build-docker --enable-mlserver -m MODEL -n NAME`, push it and name it by its digest"
    } else if flavors.iter().any(|flavor| flavor == PYTHON) {
        "build one with `mlflow models build-docker -m MODEL -n NAME`, push it and name it by its digest"
    } else {
        "MLflow itself builds none, since there is no `python_function` among them"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> ModelFile {
        ModelFile { path: path.to_owned(), size: 1, etag: "e".to_owned(), url: format!("https://b/{path}") }
    }

    fn named(text: &str, paths: &[&str]) -> Result<Option<String>, Unserved> {
        let files: Vec<ModelFile> = paths.iter().map(|path| file(path)).collect();
        Mlmodel::read(mlmodel(&files).unwrap(), Some(text.as_bytes()))?.onnx_file(&files)
    }

    #[test]
    fn the_file_is_found_at_the_root_or_in_one_folder() {
        for (paths, expected) in [
            (&["MLmodel", "model.onnx"][..], Some("MLmodel")),
            (&["model/MLmodel", "model/model.onnx"], Some("model/MLmodel")),
            (&["model/MLmodel", "MLmodel"], Some("MLmodel")),
            (&["a/MLmodel", "b/MLmodel"], None),
            (&["a/b/MLmodel"], None),
            (&["mlmodel", "MLmodel.txt"], None),
            (&[], None),
        ] {
            let files: Vec<ModelFile> = paths.iter().map(|path| file(path)).collect();
            assert_eq!(mlmodel(&files).map(|it| it.path.as_str()), expected, "{paths:?}");
        }
    }

    #[test]
    fn the_onnx_flavor_names_the_file() {
        let text = "artifact_path: model\nflavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.16.0\n  python_function:\n    loader_module: mlflow.onnx\n";
        let at_root = named(text, &["MLmodel", "model.onnx", "other.onnx"]).unwrap();
        assert_eq!(at_root.as_deref(), Some("model.onnx"));
        assert_eq!(named(text, &["m/MLmodel", "m/model.onnx"]).unwrap().as_deref(), Some("m/model.onnx"));
        assert_eq!(named("flavors: {sklearn: {}}", &["MLmodel", "model.onnx"]).unwrap(), None);
        let absent = named(text, &["m/MLmodel", "model.onnx"]).unwrap_err().to_string();
        assert!(absent.contains("`model.onnx`, which the version does not have"), "{absent}");
    }

    #[test]
    fn files_that_say_nothing_are_named() {
        for (text, part) in [
            ("flavors: [", "cannot be read"),
            ("flavors: {}", "names no flavors"),
            ("run_id: 1", "names no flavors"),
            ("flavors: {onnx: {}}", "flavors.onnx.data"),
            ("flavors: {onnx: {data: ../../etc/passwd}}", "does not have"),
        ] {
            let error = named(text, &["MLmodel", "model.onnx"]).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("`MLmodel`"), "{error}");
        }
        for (bytes, part) in [(None, "1 MiB"), (Some(&b"\xff"[..]), "no text")] {
            let error = Mlmodel::read(&file("MLmodel"), bytes).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
