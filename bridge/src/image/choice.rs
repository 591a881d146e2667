//! What serves a version, told by its files. `auto` looks for a model that our scorer serves, by MLflow's flavors and by the
//! names of the files; whatever else there is must be declared, and is named with what can be. An image cannot be found
//! from here: Azure ML keeps no link from a version to the environment that packs it.

use super::mlflow::{self, Mlmodel};
use crate::port::{ModelFile, ModelVersion};
use crate::spec::Runtime;

/// How many files are named.
const NAMED: usize = 5;

/// Why nothing of ours serves a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unserved {
    /// An MLflow model without ONNX.
    #[error(
        "it is an MLflow model with the flavors {}, and no ONNX file; our scorer serves ONNX alone. Declare an image that \
         holds the model's packages, `runtime: {{image: HOST/PATH@sha256:…, port: 8080}}` ({}), or the model's package in \
         Azure ML, `runtime: {{environment: NAME:VERSION}}`; or register the model with its ONNX form \
         (`mlflow.onnx.log_model`)",
        listed(flavors),
        mlflow::image_for(flavors)
    )]
    Flavors {
        /// The flavors it has.
        flavors: Vec<String>,
    },
    /// The `MLmodel` file cannot be understood.
    #[error("its `{file}` {problem}; mend the file and register the model again")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No ONNX file, nor anything else that says what it is.
    #[error(
        "it is a `{kind}` with {}, none of which is ONNX; our scorer serves ONNX alone. Declare what serves it: \
         `runtime: {{image: HOST/PATH@sha256:…, port: 8080}}`, an image that reads the model from `AZUREML_MODEL_DIR`, or \
         `runtime: {{environment: NAME:VERSION}}`, the model's package in Azure ML",
        some(files)
    )]
    NoOnnx {
        /// Azure ML's kind of model.
        kind: String,
        /// All its files.
        files: Vec<String>,
    },
    /// Several ONNX files, and nothing says which.
    #[error(
        "it has {} ONNX files, {}, and nothing says which to serve; register the one alone, or with an `MLmodel` file whose \
         ONNX flavor names it",
        files.len(),
        some(files)
    )]
    Several {
        /// The ONNX files.
        files: Vec<String>,
    },
}

/// The ONNX file to name to our scorer, relative to the version's root; `None` where it finds the only one itself.
/// `mlmodel` is what the version's `MLmodel` file says, if it has one.
///
/// A runtime that is declared as `onnx` is believed, unless the version is an MLflow model without any ONNX file.
pub fn onnx_file(
    runtime: &Runtime,
    version: &ModelVersion,
    files: &[ModelFile],
    mlmodel: Option<Result<Mlmodel, Unserved>>,
) -> Result<Option<String>, Unserved> {
    let onnx: Vec<String> =
        files.iter().map(|file| &file.path).filter(|path| is_onnx(path)).cloned().collect();
    let declared = *runtime == Runtime::Onnx;
    let named = mlmodel.map(|read| read.and_then(|model| Ok((model.onnx_file(files)?, model))));
    match (named, onnx.as_slice()) {
        (Some(Ok((Some(file), _))), _) => Ok(Some(file)),
        (_, [_]) => Ok(None),
        (Some(Err(error)), _) => Err(error),
        (_, [_, _, ..]) if !declared => Err(Unserved::Several { files: onnx }),
        (Some(Ok((None, model))), []) => {
            Err(Unserved::Flavors { flavors: model.flavors.into_keys().collect() })
        }
        (None, []) if !declared => Err(Unserved::NoOnnx {
            kind: version.model_type.clone(),
            files: files.iter().map(|file| file.path.clone()).collect(),
        }),
        _ => Ok(None),
    }
}

/// Whether our scorer takes the file for a model: by its ending, hidden ones left out.
fn is_onnx(path: &str) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    let ending = path.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("onnx"));
    ending && !hidden
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The first names, and how many more there are.
fn some(names: &[String]) -> String {
    let (shown, rest) = names.split_at(names.len().min(NAMED));
    match rest.len() {
        0 => listed(shown),
        more => format!("{} and {more} more", listed(shown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fixture;

    fn file(path: &str) -> ModelFile {
        ModelFile { path: path.to_owned(), size: 1, etag: "e".to_owned(), url: format!("https://b/{path}") }
    }

    fn choose(runtime: &Runtime, paths: &[&str], mlmodel: &str) -> Result<Option<String>, Unserved> {
        let files: Vec<ModelFile> = paths.iter().map(|path| file(path)).collect();
        let read = mlflow::mlmodel(&files).map(|found| Mlmodel::read(found, Some(mlmodel.as_bytes())));
        onnx_file(runtime, &fixture::version(), &files, read)
    }

    #[test]
    fn what_our_scorer_serves_is_chosen() {
        const ONNX: &str = "flavors: {onnx: {data: a.onnx}, python_function: {}}";
        const SKLEARN: &str = "flavors: {sklearn: {}, python_function: {}}";
        let table: [(&[&str], &str, Option<&str>); 7] = [
            (&["model.onnx"], "", None),
            (&["x/1/Model.ONNX", "labels.json"], "", None),
            (&["a.onnx", "._a.onnx", ".git/b.onnx"], "", None),
            (&["MLmodel", "a.onnx", "b.onnx"], ONNX, Some("a.onnx")),
            (&["m/MLmodel", "m/a.onnx"], ONNX, Some("m/a.onnx")),
            // An ONNX file beside another flavor is a model all the same.
            (&["MLmodel", "model.pkl", "converted.onnx"], SKLEARN, None),
            (&["MLmodel", "model.onnx"], "flavors: [", None),
        ];
        for (paths, mlmodel, expected) in table {
            for runtime in [Runtime::Auto, Runtime::Onnx] {
                let chosen = choose(&runtime, paths, mlmodel);
                assert_eq!(chosen, Ok(expected.map(str::to_owned)), "{runtime:?} {paths:?}");
            }
        }
    }

    #[test]
    fn what_nothing_serves_is_named_with_what_can_be_declared() {
        let table: [(&[&str], &str, &[&str]); 6] = [
            (
                &["model.pkl"],
                "",
                &["`custom_model` with `model.pkl`", "runtime: {image:", "environment: NAME"],
            ),
            (&["a", "b", "c", "d", "e", "f", "g"], "", &["`a`, `b`, `c`, `d`, `e` and 2 more"]),
            (&["a.onnx", "b.onnx"], "", &["2 ONNX files, `a.onnx`, `b.onnx`"]),
            (
                &["MLmodel", "model.pkl"],
                "flavors: {sklearn: {pickled_model: model.pkl}, python_function: {}}",
                &[
                    "flavors `python_function`, `sklearn`",
                    "--enable-mlserver",
                    "runtime: {image:",
                    "environment:",
                ],
            ),
            (&["MLmodel"], "flavors: {spark: {}}", &["flavors `spark`", "no `python_function`"]),
            (&["MLmodel", "model.pkl"], "flavors: {}", &["its `MLmodel` names no flavors"]),
        ];
        for (paths, mlmodel, parts) in table {
            let said = choose(&Runtime::Auto, paths, mlmodel).unwrap_err().to_string();
            for part in parts {
                assert!(said.contains(part), "`{part}` is not in\n{said}");
            }
            assert!(!said.contains("sha256:0"), "no digest is made up: {said}");
        }
    }

    #[test]
    fn a_declared_runtime_is_believed_where_nothing_speaks_against_it() {
        for paths in [&["weights.bin"][..], &["a.onnx", "b.onnx"]] {
            assert_eq!(choose(&Runtime::Onnx, paths, ""), Ok(None), "{paths:?}");
        }
        let flavors = choose(&Runtime::Onnx, &["MLmodel", "m.pt"], "flavors: {pytorch: {}}");
        assert!(matches!(flavors, Err(Unserved::Flavors { .. })), "{flavors:?}");
    }
}
