//! Starting and stopping: fixed ports, taken ports, nothing left.

use std::net::{SocketAddr, TcpListener};

use crate::quay::sandbox::world::SERVICES;
use crate::quay::sandbox::{Options, Sandbox, StartError};

fn every(sandbox: &Sandbox) -> Vec<SocketAddr> {
    let addresses = serde_json::to_value(sandbox.addresses()).unwrap();
    addresses.as_object().unwrap().values().map(|it| it.as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn stopping_leaves_no_listener_and_no_folder() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let (addresses, folder) = (every(&sandbox), sandbox.folder().to_owned());
    assert_eq!(addresses.len(), SERVICES.len());
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    // A connection that idles must not hold it up.
    let _idle = std::net::TcpStream::connect(addresses[0]).unwrap();
    sandbox.stop().await;
    for address in addresses {
        assert!(std::net::TcpStream::connect(address).is_err(), "{address} still listens");
    }
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_given_folder_stays() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("harbour");
    let sandbox =
        Sandbox::start(Options { folder: Some(folder.clone()), ..Options::default() }).await.unwrap();
    assert_eq!(sandbox.folder(), folder);
    sandbox.stop().await;
    assert!(folder.join("bridge.yaml").exists());
    // And can be used again.
    Sandbox::start(Options { folder: Some(folder), ..Options::default() }).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Sandbox::start(Options { base_port: Some(port), ..Options::default() }).await.err().unwrap();
    let named = format!("port {port} for `entra` is taken");
    assert!(error.to_string().starts_with(&named) || matches!(error, StartError::NoRoom { .. }), "{error}");

    let error = Sandbox::start(Options { base_port: Some(65530), ..Options::default() }).await.err().unwrap();
    let last = 65536 - SERVICES.len();
    assert!(error.to_string().contains(&format!("1 to {last}")), "{error}");
}

#[tokio::test]
async fn an_unwritable_folder_is_named() {
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("file");
    std::fs::write(&file, "").unwrap();
    let folder = file.join("below");
    let error =
        Sandbox::start(Options { folder: Some(folder.clone()), ..Options::default() }).await.err().unwrap();
    assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
}
