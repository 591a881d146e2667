//! Starting and stopping: fixed ports, taken ports, nothing left.

use std::net::{SocketAddr, TcpListener};

use crate::quay::sandbox::world::SERVICES;
use crate::quay::sandbox::{Options, Sandbox, StartError};

fn every(sandbox: &Sandbox) -> Vec<SocketAddr> {
    let addresses = serde_json::to_value(sandbox.addresses()).unwrap();
    addresses.as_object().unwrap().values().map(|it| it.as_str().unwrap().parse().unwrap()).collect()
}

/// Every socket that listens on IPv4: its address, and the number it has alone (`/proc/net/tcp`, proc_pid_net(5)).
fn listening() -> Vec<(SocketAddr, String)> {
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let sockets = table.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (host, port) = words[1].split_once(':').unwrap();
        let host = u32::from_str_radix(host, 16).unwrap().to_ne_bytes();
        let address = (host, u16::from_str_radix(port, 16).unwrap()).into();
        (words[3] == "0A").then(|| (address, words[9].to_owned()))
    });
    sockets.collect()
}

/// What this process has open (`/proc/self/fd`, proc_pid_fd(5)). Whether a port is taken says nothing: it may be taken by the
/// sandbox of another test, or by the copy that a child has until its program is loaded.
fn open() -> Vec<String> {
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
    links.map(|link| link.display().to_string()).collect()
}

#[tokio::test]
async fn stopping_leaves_no_listener_and_no_folder() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let (addresses, folder) = (every(&sandbox), sandbox.folder().to_owned());
    assert_eq!(addresses.len(), SERVICES.len());
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    let mut left = listening();
    left.retain(|(address, _)| addresses.contains(address));
    assert_eq!(left.len(), SERVICES.len());
    // A connection that idles must not hold it up.
    let _idle = std::net::TcpStream::connect(addresses[0]).unwrap();
    sandbox.stop().await;
    let open = open();
    left.retain(|(_, socket)| open.contains(&format!("socket:[{socket}]")));
    assert!(left.is_empty(), "{left:?} still listen");
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
