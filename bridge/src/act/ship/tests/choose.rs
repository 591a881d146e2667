//! `runtime: auto`: the version's files are looked at before anything is pushed.

use super::*;
use crate::image::choice::Unserved;
use crate::port::ModelFile;
use crate::spec::Runtime;

const ONNX: &str = "flavors: {onnx: {data: model.onnx}, python_function: {}}";
const SKLEARN: &str = "flavors: {sklearn: {pickled_model: model.pkl}, python_function: {}}";

/// A world whose version has these files, and this `MLmodel`.
fn world(paths: &[&str], mlmodel: &'static str) -> World {
    let world = World::new();
    let mut state = world.0.lock().unwrap();
    let file = |path: &&str| ModelFile {
        path: (*path).to_owned(),
        size: 10,
        etag: "e".to_owned(),
        url: format!("https://blob/{path}"),
    };
    state.files = paths.iter().map(file).collect();
    state.text = mlmodel;
    drop(state);
    world
}

fn auto(world: &World) -> Result<Shipment, ShipError> {
    let service = Service { runtime: Runtime::Auto, ..fixture::service() };
    run_service(world, &service, None, VersionRef::Latest)
}

#[test]
fn what_our_scorer_serves_is_shipped_as_if_it_were_declared() {
    let world = World::new();
    let chosen = auto(&world).unwrap();
    assert_eq!(chosen.digest, run(&World::new()).unwrap().digest);
    assert_eq!(world.steps(), STEPS);
}

#[test]
fn the_file_that_an_mlflow_model_names_is_part_of_the_image() {
    let paths = ["MLmodel", "model.onnx", "other.onnx"];
    let named = auto(&world(&paths, ONNX)).unwrap();
    let declared = Service { runtime: Runtime::Onnx, ..fixture::service() };
    let same = run_service(&world(&paths, ONNX), &declared, None, VersionRef::Latest).unwrap();
    assert_eq!(named.digest, same.digest);
    let unnamed = run_service(&world(&paths, "flavors: {a: {}}"), &declared, None, VersionRef::Latest);
    assert_ne!(unnamed.unwrap().digest, named.digest);
}

#[test]
fn what_nothing_serves_is_not_pushed() {
    let world = world(&["MLmodel", "model.pkl"], SKLEARN);
    let error = auto(&world).unwrap_err();
    assert!(matches!(error, ShipError::Unserved { source: Unserved::Flavors { .. }, .. }), "{error}");
    assert_eq!(world.steps(), ["resolve", "list-files"]);
    let state = world.0.lock().unwrap();
    assert!(state.images.is_empty() && state.objects.is_empty());
}

#[test]
fn reading_the_flavors_has_patience() {
    let world = world(&["MLmodel", "model.onnx"], ONNX);
    world.0.lock().unwrap().failures.push(("read", refusal(Refused::Unavailable, "blob is down")));
    auto(&world).unwrap();
    assert_eq!(world.0.lock().unwrap().slept[0], Duration::from_secs(1));
}

#[test]
fn an_mlmodel_that_is_longer_than_it_said_is_not_read_to_its_end() {
    let long: &'static str = Box::leak("a".repeat((1 << 20) + 1).into_boxed_str());
    let error = auto(&world(&["MLmodel", "model.pkl"], long)).unwrap_err();
    assert!(error.to_string().contains("its `MLmodel` has more than 1 MiB"), "{error}");
}

#[test]
fn a_variable_that_names_the_file_is_believed() {
    let mut service = Service { runtime: Runtime::Auto, ..fixture::service() };
    service.tuning.env.insert("AZUREML_MODEL_FILE".to_owned(), "b.onnx".to_owned());
    let world = world(&["a.onnx", "b.onnx"], "");
    run_service(&world, &service, None, VersionRef::Latest).unwrap();
}
