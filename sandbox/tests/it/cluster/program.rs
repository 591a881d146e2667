//! The program inside the tests' images. An image holds a script that starts this test binary again, as a server: so the
//! image stays small and needs nothing but a shell.

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The entry point of an image: this binary, running only [`serve`].
pub(crate) const SCRIPT: &str =
    "#!/bin/sh\nexec \"$PROGRAM\" cluster::program::serve --exact --ignored --nocapture\n";

#[expect(clippy::disallowed_methods, reason = "the program of an image is told by its environment")]
fn told(name: &str) -> String {
    std::env::var(name).unwrap()
}

#[tokio::test]
#[ignore = "the program of a test's image"]
async fn serve() {
    let listener = TcpListener::bind(told("GANGPLANK_LISTEN")).await.unwrap();
    let greeting = format!("{} {}", told("VERSION"), std::fs::read_to_string(told("MODEL")).unwrap());
    let router = Router::new()
        .route("/", get(async move || greeting))
        .route("/echo", post(async |body: String| body))
        .route("/pid", get(async || std::process::id().to_string()));
    println!("listening");
    let mut stop = signal(SignalKind::terminate()).unwrap();
    let stopped = async move {
        stop.recv().await;
    };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
    println!("stopped");
}
