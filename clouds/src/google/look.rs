//! Policies as `trust` judges them: allow policies with their conditions, and the project's deny policies.

use bridge::port::{PortResult, Refused};
use bridge::resource::GrantTarget;
use bridge::spec::Bridge;
use google_cloud_iam_v1::model;
use http::Method;
use serde_json::Value;
use trust::iam::{Binding, Condition, DenyPolicy, Policy};

use super::refusal::own;
use super::{SetUp, rest::Rest};
use crate::patience::patiently;

impl SetUp {
    /// An allow policy, whole.
    pub async fn policy(&self, bridge: &Bridge, target: &GrantTarget) -> PortResult<Policy> {
        let policies = self.policies();
        patiently(|| policies.get(bridge, target)).await.map(judged)
    }

    /// The deny policies that are attached to the project. The list has only their names.
    /// <https://cloud.google.com/iam/docs/reference/rest/v2/policies/listPolicies>
    pub async fn deny_policies(&self, bridge: &Bridge) -> PortResult<Vec<DenyPolicy>> {
        let attachment =
            format!("cloudresourcemanager.googleapis.com%2Fprojects%2F{}", bridge.google.project);
        let path = format!("policies/{attachment}/denypolicies");
        let mut policies = Vec::new();
        let mut token = String::new();
        loop {
            let page = get(&self.federation, &path, &[("pageToken", &token)]).await?;
            let listed = page.get("policies").and_then(Value::as_array).into_iter().flatten();
            for name in listed.filter_map(|policy| policy.get("name")?.as_str()) {
                let policy = get(&self.federation, name, &[]).await?;
                let policy = serde_json::from_value(policy);
                policies.push(
                    policy.map_err(|problem| own("Google IAM", Refused::Invalid, problem.to_string()))?,
                );
            }
            match page.get("nextPageToken").and_then(Value::as_str) {
                Some(next) if !next.is_empty() && next != token => next.clone_into(&mut token),
                _ => return Ok(policies),
            }
        }
    }
}

async fn get(rest: &Rest, path: &str, query: &[(&str, &str)]) -> PortResult<Value> {
    patiently(|| rest.call_version("v2", Method::GET, path, query, None)).await
}

fn judged(policy: model::Policy) -> Policy {
    let binding = |it: model::Binding| Binding {
        role: it.role,
        members: it.members,
        condition: it.condition.map(|it| Condition {
            expression: it.expression,
            title: it.title,
            description: it.description,
        }),
    };
    let bindings = policy.bindings.into_iter().map(binding).collect();
    Policy { version: policy.version, etag: String::new(), bindings }
}
