//! Resource quotas: how much a pod counts, how much is used, and whether one more fits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::State;
use super::json::{entries, list, text};
use super::kinds;
use super::quantity::{display, thousandths};
use super::status::Failure;

/// Amounts by quota name, in thousandths.
pub(crate) type Amounts = BTreeMap<String, i128>;

/// What one pod counts towards a quota.
pub(crate) fn of_pod(pod: &Value) -> Amounts {
    let mut amounts = Amounts::from([("pods".to_owned(), 1000), ("count/pods".to_owned(), 1000)]);
    for container in list(pod, "/spec/containers") {
        let limits: Vec<(&str, &Value)> = entries(container, "/resources/limits").collect();
        for (name, value) in entries(container, "/resources/requests") {
            add(&mut amounts, &format!("requests.{name}"), value);
            add(&mut amounts, name, value);
        }
        for (name, value) in limits {
            add(&mut amounts, &format!("limits.{name}"), value);
            // A limit without a request is the request too.
            if container.pointer(&format!("/resources/requests/{name}")).is_none() {
                add(&mut amounts, &format!("requests.{name}"), value);
                add(&mut amounts, name, value);
            }
        }
    }
    amounts
}

fn add(amounts: &mut Amounts, name: &str, value: &Value) {
    let amount = thousandths(value.as_str().unwrap_or_default()).unwrap_or_default();
    *amounts.entry(name.to_owned()).or_default() += amount;
}

/// What all pods of a namespace that still run count.
pub(crate) fn used(state: &State, namespace: &str) -> Amounts {
    let mut sum = Amounts::new();
    for pod in state.store.list(&kinds::POD, Some(namespace)).0 {
        if matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed") {
            continue;
        }
        for (name, amount) in of_pod(&pod) {
            *sum.entry(name).or_default() += amount;
        }
    }
    for (kind, name) in [(&kinds::SERVICE, "services"), (&kinds::CONFIG_MAP, "configmaps")] {
        let count =
            i128::try_from(state.store.list(kind, Some(namespace)).0.len()).unwrap_or_default() * 1000;
        sum.insert(name.to_owned(), count);
        sum.insert(format!("count/{name}"), count);
    }
    sum
}

/// Refuses a pod that a quota has no room for.
pub(crate) fn admit(state: &State, pod: &Value, name: &str) -> Result<(), Failure> {
    let namespace = text(pod, "/metadata/namespace");
    let (quotas, _) = state.store.list(&kinds::RESOURCE_QUOTA, Some(namespace));
    if quotas.is_empty() {
        return Ok(());
    }
    let (asked, used) = (of_pod(pod), used(state, namespace));
    for quota in quotas {
        if let Some(why) = refusal(&quota, &asked, &used) {
            return Err(Failure::not_admitted(&kinds::POD, name, &why));
        }
    }
    Ok(())
}

/// Why a quota refuses, in Kubernetes' words.
fn refusal(quota: &Value, asked: &Amounts, used: &Amounts) -> Option<String> {
    let quota_name = text(quota, "/metadata/name");
    let hard: Vec<(&str, i128)> = entries(quota, "/spec/hard")
        .filter_map(|(name, value)| Some((name, thousandths(value.as_str()?)?)))
        .collect();
    let missing: Vec<&str> = hard
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| is_compute(name) && !asked.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        return Some(format!("failed quota: {quota_name}: must specify {}", missing.join(",")));
    }
    let over: Vec<(&str, i128, i128, i128)> = hard
        .into_iter()
        .filter_map(|(name, most)| {
            let wanted = asked.get(name).copied().filter(|wanted| *wanted > 0)?;
            let now = used.get(name).copied().unwrap_or_default();
            (now + wanted > most).then_some((name, wanted, now, most))
        })
        .collect();
    let part = |pick: fn(&(&str, i128, i128, i128)) -> i128| {
        let texts: Vec<String> = over
            .iter()
            .map(|entry| format!("{}={}", entry.0, display(pick(entry), is_binary(entry.0))))
            .collect();
        texts.join(",")
    };
    (!over.is_empty()).then(|| {
        let (requested, used, limited) =
            (part(|entry| entry.1), part(|entry| entry.2), part(|entry| entry.3));
        format!("exceeded quota: {quota_name}, requested: {requested}, used: {used}, limited: {limited}")
    })
}

fn is_compute(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("requests.") || name.starts_with("limits.")
}

fn is_binary(name: &str) -> bool {
    name.ends_with("memory") || name.ends_with("storage")
}

/// The status of a quota.
pub(crate) fn status(quota: &Value, used: &Amounts) -> Value {
    let hard = quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({}));
    let now: serde_json::Map<String, Value> = entries(quota, "/spec/hard")
        .map(|(name, _)| {
            let amount = used.get(name).copied().unwrap_or_default();
            (name.to_owned(), json!(display(amount, is_binary(name))))
        })
        .collect();
    json!({ "hard": hard, "used": now })
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub(crate) fn quality_of_service(pod: &Value) -> &'static str {
    let containers = list(pod, "/spec/containers");
    let limited = |container: &Value| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = container.pointer(&format!("/resources/limits/{name}"));
            let request = container.pointer(&format!("/resources/requests/{name}")).or(limit);
            limit.is_some() && limit == request
        })
    };
    let bare = |container: &Value| {
        ["limits", "requests"]
            .iter()
            .all(|which| entries(container, &format!("/resources/{which}")).next().is_none())
    };
    if containers.iter().all(bare) {
        "BestEffort"
    } else if containers.iter().all(limited) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(cpu: &str) -> Value {
        json!({ "spec": { "containers": [{ "resources": { "limits": { "cpu": cpu, "memory": "1Gi" } } }] } })
    }

    #[test]
    fn a_quota_refuses_in_kubernetes_words() {
        let quota =
            json!({ "metadata": { "name": "q" }, "spec": { "hard": { "requests.cpu": "2", "pods": "10" } } });
        let used = of_pod(&pod("1500m"));
        assert_eq!(refusal(&quota, &of_pod(&pod("500m")), &used), None);
        assert_eq!(
            refusal(&quota, &of_pod(&pod("1")), &used).unwrap(),
            "exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=1500m, limited: requests.cpu=2"
        );
        let bare = json!({ "spec": { "containers": [{}] } });
        assert_eq!(
            refusal(&quota, &of_pod(&bare), &used).unwrap(),
            "failed quota: q: must specify requests.cpu"
        );
    }

    #[test]
    fn status_shows_what_is_used() {
        let quota = json!({ "spec": { "hard": { "limits.memory": "4Gi", "pods": "3" } } });
        let used = status(&quota, &of_pod(&pod("1")));
        assert_eq!(used["used"], json!({ "limits.memory": "1Gi", "pods": "1" }));
    }

    #[test]
    fn quality_follows_requests_and_limits() {
        assert_eq!(quality_of_service(&pod("1")), "Guaranteed");
        assert_eq!(quality_of_service(&json!({ "spec": { "containers": [{}] } })), "BestEffort");
        let half = json!({ "spec": { "containers": [{ "resources": { "requests": { "cpu": "1" } } }] } });
        assert_eq!(quality_of_service(&half), "Burstable");
    }
}
