//! Requests to delete: their options, in the body or the query, and their answers.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::body;
use super::deletion::{DeleteOptions, Deleted, Propagation};
use super::handlers::Call;
use super::json::{list, number, text};
use super::selectors::Selector;
use super::status::Failure;
use super::store::Key;

impl Call<'_> {
    /// Deletes one object.
    pub(super) fn delete(&self, name: &str) -> Result<Response, Failure> {
        let deleted = self.shared.cluster.delete(&self.key(), &self.delete_options()?)?;
        Ok(match deleted {
            Deleted::Waits(object) => axum::Json(&*object).into_response(),
            Deleted::Gone(object) => {
                let kind = self.target.kind;
                let details = json!({ "name": name, "group": kind.group, "kind": kind.plural,
                                      "uid": text(&object, "/metadata/uid") });
                axum::Json(success(&details)).into_response()
            }
        })
    }

    /// Deletes everything that a list would show.
    pub(super) fn delete_all(&self) -> Result<Response, Failure> {
        let selector = Selector::parse(self.query.text("labelSelector"), self.query.text("fieldSelector"))?;
        let (kind, options) = (self.target.kind, self.delete_options()?);
        let (mut objects, revision) = self.shared.cluster.store.list(kind, self.target.namespace.as_deref());
        objects.retain(|object| selector.matches(object));
        for object in &objects {
            let _may_be_gone_already = self.shared.cluster.delete(&Key::of(kind, object), &options);
        }
        Ok(axum::Json(self.list_of(&objects, revision)).into_response())
    }

    fn delete_options(&self) -> Result<DeleteOptions, Failure> {
        let given = if self.body.is_empty() { json!({}) } else { body::object(&self.headers, &self.body)? };
        let asked = match text(&given, "/propagationPolicy") {
            "" => self.query.text("propagationPolicy"),
            asked => asked,
        };
        let propagation = match asked {
            "Foreground" => Propagation::Foreground,
            "Orphan" => Propagation::Orphan,
            _ => Propagation::Background,
        };
        let grace = self.query.number("gracePeriodSeconds").and_then(|seconds| i64::try_from(seconds).ok());
        Ok(DeleteOptions {
            propagation,
            grace_seconds: number(&given, "/gracePeriodSeconds").or(grace),
            uid: text(&given, "/preconditions/uid").to_owned(),
            resource_version: text(&given, "/preconditions/resourceVersion").to_owned(),
            dry_run: self.options().dry_run || !list(&given, "/dryRun").is_empty(),
        })
    }
}

fn success(details: &Value) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
