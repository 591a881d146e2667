//! Watching: the changes of a kind as a stream of JSON lines.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::json::set;
use super::kinds::Kind;
use super::request::Query;
use super::selectors::Selector;
use super::store::{Change, Object};
use super::table;
use crate::world::Shared;

/// How often a bookmark goes out while nothing else does.
const BOOKMARKS: Duration = Duration::from_secs(30);
/// How long a watch lives that names no end.
const DEFAULT_LIFE: Duration = Duration::from_mins(30);

/// What is watched.
pub(crate) struct Watched {
    pub(crate) kind: &'static Kind,
    pub(crate) namespace: Option<String>,
    pub(crate) selector: Selector,
    /// kubectl watches rows, not objects.
    pub(crate) as_table: bool,
}

/// A watch under way.
struct Stream {
    shared: Shared,
    watched: Watched,
    revision: u64,
    changed: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    end: Instant,
    bookmarks: bool,
    waiting: Vec<Value>,
    over: bool,
}

/// Answers a watch request.
pub(crate) fn answer(shared: &Shared, watched: Watched, query: &Query) -> Response {
    let state = &shared.cluster;
    let from = query.number("resourceVersion").filter(|revision| *revision > 0);
    let initial = from.is_none() || query.truth("sendInitialEvents");
    let bookmarks = query.truth("allowWatchBookmarks");
    let changed = state.store.subscribe();
    let (mut waiting, mut revision) = (Vec::new(), from.unwrap_or_default());
    if initial {
        let (objects, read_at) = state.store.list(watched.kind, watched.namespace.as_deref());
        waiting = objects
            .iter()
            .filter(|one| watched.selector.matches(one))
            .map(|one| event("ADDED", one))
            .collect();
        revision = read_at;
        if bookmarks && query.truth("sendInitialEvents") {
            waiting.push(bookmark(watched.kind, revision, true));
        }
    } else if let Err(failure) = state.store.since(watched.kind, None, revision) {
        return failure.into_response();
    }
    let life = query.number("timeoutSeconds").map_or(DEFAULT_LIFE, Duration::from_secs);
    let stream = Stream {
        shared: Shared::clone(shared),
        watched,
        revision,
        changed,
        stopping: state.stopping.subscribe(),
        end: Instant::now() + life,
        bookmarks,
        waiting,
        over: false,
    };
    let body = Body::from_stream(futures_util::stream::unfold(stream, Stream::next));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Stream {
    /// The next piece of the body: every event that is ready, one a line.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        while self.waiting.is_empty() {
            if self.over {
                return None;
            }
            self.collect();
            if self.waiting.is_empty() && !self.pause().await {
                return None;
            }
        }
        let (kind, as_table, now) =
            (self.watched.kind, self.watched.as_table, self.shared.cluster.clock.now());
        let rendered =
            self.waiting.drain(..).map(|event| if as_table { table::event(kind, event, now) } else { event });
        let lines = rendered.fold(String::new(), |lines, event| lines + &event.to_string() + "\n");
        Some((Ok(Bytes::from(lines)), self))
    }

    /// Waits for a change, or for the time of a bookmark. False: the watch is over.
    async fn pause(&mut self) -> bool {
        tokio::select! {
            changed = self.changed.changed() => changed.is_ok(),
            _ = self.stopping.wait_for(|stopping| *stopping) => false,
            () = tokio::time::sleep_until(self.end) => false,
            () = tokio::time::sleep(BOOKMARKS) => {
                if self.bookmarks {
                    self.waiting.push(bookmark(self.watched.kind, self.revision, false));
                }
                true
            }
        }
    }

    fn collect(&mut self) {
        self.changed.mark_unchanged();
        let state = &self.shared.cluster;
        match state.store.since(self.watched.kind, self.watched.namespace.as_deref(), self.revision) {
            Ok((changes, revision)) => {
                self.revision = revision;
                self.waiting =
                    changes.iter().filter_map(|change| shown(change, &self.watched.selector)).collect();
            }
            Err(failure) => {
                self.waiting = vec![json!({ "type": "ERROR", "object": failure.body() })];
                self.over = true;
            }
        }
    }
}

/// A change as the watcher sees it: an object that stops matching is deleted for it, one that begins to match is added.
fn shown(change: &Change, selector: &Selector) -> Option<Value> {
    let before = change.before.as_deref().is_some_and(|object| selector.matches(object));
    let after = !change.removed && selector.matches(&change.after);
    match (before, after) {
        (false, true) => Some(event("ADDED", &change.after)),
        (true, true) => Some(event("MODIFIED", &change.after)),
        (true, false) => Some(event("DELETED", &change.after)),
        (false, false) => None,
    }
}

fn event(kind: &str, object: &Object) -> Value {
    json!({ "type": kind, "object": **object })
}

fn bookmark(kind: &Kind, revision: u64, initial: bool) -> Value {
    let mut metadata = json!({ "resourceVersion": revision.to_string(), "creationTimestamp": null });
    if initial {
        set(&mut metadata, &["annotations"], json!({ "k8s.io/initial-events-end": "true" }));
    }
    let object = json!({ "kind": kind.name, "apiVersion": kind.api_version(), "metadata": metadata });
    json!({ "type": "BOOKMARK", "object": object })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kinds::CONFIG_MAP;

    fn change(before: Option<&str>, after: &str, removed: bool) -> Change {
        let object = |label: &str| Object::new(json!({ "metadata": { "labels": { "app": label } } }));
        Change {
            revision: 7,
            kind: &CONFIG_MAP,
            namespace: "a".to_owned(),
            before: before.map(object),
            after: object(after),
            removed,
        }
    }

    #[test]
    fn a_selector_turns_changes_into_comings_and_goings() {
        let selector = Selector::parse("app=x", "").unwrap();
        let cases = [
            (change(None, "x", false), Some("ADDED")),
            (change(Some("y"), "x", false), Some("ADDED")),
            (change(Some("x"), "x", false), Some("MODIFIED")),
            (change(Some("x"), "y", false), Some("DELETED")),
            (change(Some("x"), "x", true), Some("DELETED")),
            (change(Some("y"), "y", true), None),
            (change(None, "y", false), None),
        ];
        for (change, expected) in cases {
            let event = shown(&change, &selector);
            assert_eq!(event.as_ref().map(|event| event["type"].as_str().unwrap()), expected);
        }
    }
}
