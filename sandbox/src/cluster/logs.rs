//! `pods/NAME/log`: what a container wrote, from its log file.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};

use super::handlers::Call;
use super::json::{list, text};
use super::node;
use super::status::Failure;
use super::store::Key;
use crate::world::Shared;

/// How often a followed log is looked at again.
const FOLLOW: Duration = Duration::from_millis(200);

/// Answers a request for a log.
pub(crate) fn answer(call: &Call<'_>) -> Result<Response, Failure> {
    let pod = call.stored()?;
    let container = container(&pod, call.query.text("container"))?;
    let uid = text(&pod, "/metadata/uid");
    let path = node::log_path(&call.shared.folder, uid, &container, call.query.truth("previous"));
    let Ok(bytes) = std::fs::read(&path) else {
        return Err(not_there(&pod, &container, call.query.truth("previous")));
    };
    let start = call.query.number("tailLines").map_or(0, |lines| tail(&bytes, lines));
    let follow = call.query.truth("follow") && !call.query.truth("previous");
    let body = if follow {
        let follower =
            Follower { shared: Shared::clone(call.shared), key: call.key(), path, at: start as u64 };
        Body::from_stream(futures_util::stream::unfold(follower, Follower::next))
    } else {
        let mut text = bytes.get(start..).unwrap_or_default();
        if let Some(limit) = call.query.number("limitBytes") {
            text =
                text.get(..usize::try_from(limit).unwrap_or(usize::MAX).min(text.len())).unwrap_or_default();
        }
        Body::from(text.to_vec())
    };
    Ok(([(header::CONTENT_TYPE, "text/plain")], body).into_response())
}

/// Where the last `lines` lines begin.
fn tail(bytes: &[u8], lines: u64) -> usize {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut breaks = whole.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    match usize::try_from(lines) {
        Ok(0) => bytes.len(),
        Ok(lines) => breaks.nth(lines - 1).unwrap_or(0),
        Err(_) => 0,
    }
}

fn container(pod: &Value, asked: &str) -> Result<String, Failure> {
    let names: Vec<&str> = list(pod, "/spec/containers").iter().map(|one| text(one, "/name")).collect();
    let pod_name = text(pod, "/metadata/name");
    match (asked, names.as_slice()) {
        ("", [only]) => Ok((*only).to_owned()),
        ("", many) => Err(Failure::bad_request(format!(
            "a container name must be specified for pod {pod_name}, choose one of: [{}]",
            many.join(" ")
        ))),
        (name, names) if names.contains(&name) => Ok(name.to_owned()),
        (name, _) => Err(Failure::bad_request(format!("container {name} is not valid for pod {pod_name}"))),
    }
}

fn not_there(pod: &Value, container: &str, previous: bool) -> Failure {
    let name = text(pod, "/metadata/name");
    if previous {
        return Failure::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{name}\" not found"
        ));
    }
    let waiting = list(pod, "/status/containerStatuses")
        .iter()
        .find(|status| text(status, "/name") == container)
        .map(|status| text(status, "/state/waiting/reason"))
        .filter(|reason| !reason.is_empty())
        .unwrap_or("ContainerCreating");
    Failure::bad_request(format!(
        "container \"{container}\" in pod \"{name}\" is waiting to start: {waiting}"
    ))
}

/// A log that is read as it grows, until its pod is gone.
struct Follower {
    shared: Shared,
    key: Key,
    path: PathBuf,
    at: u64,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let mut stopping = self.shared.cluster.stopping.subscribe();
        loop {
            let gone = self.shared.cluster.store.get(&self.key).is_none();
            let more = self.read().await.unwrap_or_default();
            if !more.is_empty() {
                self.at += more.len() as u64;
                return Some((Ok(Bytes::from(more)), self));
            }
            if gone {
                return None;
            }
            tokio::select! {
                () = tokio::time::sleep(FOLLOW) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return None,
            }
        }
    }

    async fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut file = tokio::fs::File::open(&self.path).await?;
        // A restarted container begins a new log.
        let length = file.metadata().await?.len();
        file.seek(SeekFrom::Start(if length < self.at { 0 } else { self.at })).await?;
        let mut more = Vec::new();
        file.read_to_end(&mut more).await?;
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_begins_after_a_line_break() {
        let log = b"one\ntwo\nthree\n";
        for (lines, expected) in [(0, ""), (1, "three\n"), (2, "two\nthree\n"), (9, "one\ntwo\nthree\n")] {
            assert_eq!(&log[tail(log, lines)..], expected.as_bytes());
        }
    }
}
