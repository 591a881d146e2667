//! Finds the one ONNX file below the model folder, and the labels beside it.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Folders may nest this deep below the model folder. Azure ML's layouts need two or three.
const MAX_DEPTH: usize = 12;

/// The model's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The ONNX file.
    pub model: PathBuf,
    /// Names of the classes, from `labels.json` beside it.
    pub labels: Option<Vec<String>>,
}

/// Why there is no model to serve.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// The folder cannot be read.
    #[error("the model folder `{}` cannot be read; set AZUREML_MODEL_DIR to the folder that holds the model", path.display())]
    Unreadable {
        /// The folder, or the folder below it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No `*.onnx` anywhere.
    #[error("there is no file `*.onnx` below `{}`; this server runs ONNX models only", .0.display())]
    None(PathBuf),
    /// Several, and none was picked.
    #[error(
        "there are {} files `*.onnx` below `{}`: {}; pick one with AZUREML_MODEL_FILE",
        found.len(),
        folder.display(),
        listed(found)
    )]
    Several {
        /// The model folder.
        folder: PathBuf,
        /// Paths below it.
        found: Vec<PathBuf>,
    },
    /// The picked file leads out of the folder.
    #[error("AZUREML_MODEL_FILE is `{}`, expected a path below the model folder, without `..`", .0.display())]
    Outside(PathBuf),
    /// The picked file is not there.
    #[error("AZUREML_MODEL_FILE names `{}`, which is no file", .0.display())]
    NotThere(PathBuf),
    /// The labels cannot be used.
    #[error("`{}` is no JSON list of texts, as [\"benign\", \"malignant\"]", path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// Finds the model below `folder`: `picked` if given, else the only `*.onnx` there is.
pub fn locate(folder: &Path, picked: Option<&Path>) -> Result<Located, LocateError> {
    let model = match picked {
        Some(picked) => pick(folder, picked)?,
        None => only(folder)?,
    };
    let labels = labels(&model.with_file_name("labels.json"))?;
    Ok(Located { model, labels })
}

fn pick(folder: &Path, picked: &Path) -> Result<PathBuf, LocateError> {
    let below = picked.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !below {
        return Err(LocateError::Outside(picked.to_owned()));
    }
    let path = folder.join(picked);
    if path.is_file() { Ok(path) } else { Err(LocateError::NotThere(path)) }
}

fn only(folder: &Path) -> Result<PathBuf, LocateError> {
    let mut found = Vec::new();
    search(folder, 0, &mut found)?;
    found.sort();
    match found.as_slice() {
        [] => Err(LocateError::None(folder.to_owned())),
        [one] => Ok(one.clone()),
        _ => {
            let below =
                |path: &PathBuf| path.strip_prefix(folder).map_or_else(|_| path.clone(), Path::to_owned);
            Err(LocateError::Several { folder: folder.to_owned(), found: found.iter().map(below).collect() })
        }
    }
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), LocateError> {
    let unreadable = |source| LocateError::Unreadable { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        // Hidden names are what copying leaves behind (`._model.onnx`, `..data` of a mounted volume).
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A linked folder is not followed: links may run in a circle.
        if kind.is_dir() && depth < MAX_DEPTH {
            search(&path, depth + 1, found)?;
        } else if is_onnx(&path) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

fn labels(path: &Path) -> Result<Option<Vec<String>>, LocateError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LocateError::Unreadable { path: path.to_owned(), source }),
    };
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|source| LocateError::Labels { path: path.to_owned(), source })
}

fn listed(paths: &[PathBuf]) -> String {
    let quoted: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "[\"a\"]").unwrap();
        }
        folder
    }

    fn located(files: &[&str], picked: Option<&str>) -> Result<String, String> {
        let folder = folder(files);
        let found = locate(folder.path(), picked.map(Path::new));
        let root = folder.path().display().to_string();
        match found {
            Ok(found) => Ok(found.model.strip_prefix(folder.path()).unwrap().display().to_string()),
            Err(error) => Err(error.to_string().replace(&root, "ROOT")),
        }
    }

    #[test]
    fn finds_the_only_model_however_deep() {
        assert_eq!(located(&["model.onnx"], None), Ok("model.onnx".to_owned()));
        assert_eq!(
            located(&["x/1/über view/model.ONNX", "x/MLmodel"], None),
            Ok("x/1/über view/model.ONNX".to_owned())
        );
        assert_eq!(located(&["a.onnx", "._a.onnx", ".git/b.onnx"], None), Ok("a.onnx".to_owned()));
    }

    #[test]
    fn several_models_need_a_pick() {
        let files = ["a.onnx", "b/c.onnx"];
        let several =
            "there are 2 files `*.onnx` below `ROOT`: `a.onnx`, `b/c.onnx`; pick one with AZUREML_MODEL_FILE";
        assert_eq!(located(&files, None), Err(several.to_owned()));
        assert_eq!(located(&files, Some("b/c.onnx")), Ok("b/c.onnx".to_owned()));
        let missing = "AZUREML_MODEL_FILE names `ROOT/d.onnx`, which is no file";
        assert_eq!(located(&files, Some("d.onnx")), Err(missing.to_owned()));
        for outside in ["../a.onnx", "b/../../a.onnx", "/etc/passwd"] {
            assert!(located(&files, Some(outside)).unwrap_err().contains("without `..`"), "{outside}");
        }
    }

    #[test]
    fn says_why_there_is_none() {
        let none = "there is no file `*.onnx` below `ROOT`; this server runs ONNX models only";
        assert_eq!(located(&["model.pkl"], None), Err(none.to_owned()));
        let error = locate(Path::new("/nowhere/at/all"), None).unwrap_err();
        assert!(matches!(error, LocateError::Unreadable { .. }));
    }

    #[test]
    fn reads_the_labels_beside_the_model() {
        let root = folder(&["x/model.onnx", "x/labels.json"]);
        assert_eq!(locate(root.path(), None).unwrap().labels, Some(vec!["a".to_owned()]));
        fs::write(root.path().join("x/labels.json"), "{\"a\": 1}").unwrap();
        assert!(matches!(locate(root.path(), None), Err(LocateError::Labels { .. })));
    }
}
