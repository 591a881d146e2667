//! What the doctor tried and looked at, as `attempts.json` of a snapshot holds it: one row a question, with its outcome.

use serde_json::{Map, Value, json};

use crate::doctor::{Answer, Ask, Sight, Store};
use crate::port::{PortError, Refused};

/// The names of refusals in the file.
const KINDS: [(&str, Refused); 7] = [
    ("not-found", Refused::NotFound),
    ("denied", Refused::Denied),
    ("unauthenticated", Refused::Unauthenticated),
    ("conflict", Refused::Conflict),
    ("invalid", Refused::Invalid),
    ("throttled", Refused::Throttled),
    ("unavailable", Refused::Unavailable),
];

/// The services that refuse. Checks know some of them by name.
const SERVICES: [&str; 14] = [
    "Entra ID",
    "Google STS",
    "Google IAM",
    "Google IAM Credentials",
    "IAM Credentials",
    "Artifact Registry",
    "Cloud Resource Manager",
    "Kubernetes Engine",
    "Kubernetes",
    "Azure ML",
    "Azure Resource Manager",
    "Azure Blob Storage",
    "Azure Storage",
    "Google",
];

/// The row for one question and its answer.
pub(super) fn written(ask: &Ask, answer: &Answer) -> Value {
    let mut row = Map::from_iter([("ask".to_owned(), name(ask).into())]);
    let mut tell = |name: &str, value: Value| {
        row.insert(name.to_owned(), value);
    };
    match answer.outcome() {
        Sight::Seen(()) => tell("outcome", "seen".into()),
        Sight::Unseen { why } => {
            tell("outcome", "unseen".into());
            tell("why", super::without_secrets(&why).into());
        }
        Sight::Refused(error) => {
            tell("outcome", "refused".into());
            tell("refusal", refusal_row(&error));
        }
    }
    match answer {
        Answer::FirstToken(Sight::Seen(token)) => {
            tell("source", token.source.clone().into());
            tell("claims", token.claims.as_ref().map_or(Value::Null, |it| json!(it)));
        }
        Answer::Workspace(Sight::Seen(store)) => {
            let (subscription, group) =
                (store.place.as_ref().map(|it| &it.0), store.place.as_ref().map(|it| &it.1));
            let shown = json!({
                "account": store.account,
                "container": store.container,
                "subscription": subscription,
                "resourceGroup": group,
                "deadKey": store.dead_key,
            });
            tell("store", shown);
        }
        _ => {}
    }
    Value::Object(row)
}

fn refusal_row(error: &PortError) -> Value {
    let kind = KINDS.iter().find(|(_, kind)| *kind == error.kind).map_or("invalid", |it| it.0);
    json!({
        "service": error.service,
        "kind": kind,
        "status": error.status,
        "code": error.code,
        "message": super::without_secrets(&error.message),
    })
}

/// What an attempt is called: as its question is serialised.
pub(crate) fn name(ask: &Ask) -> String {
    let value = serde_json::to_value(ask).unwrap_or_default();
    value.get("ask").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The outcome that a row tells.
pub(crate) fn outcome(row: &Value) -> Option<Sight<()>> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    match text("outcome")? {
        "seen" => Some(Sight::Seen(())),
        "unseen" => Some(Sight::Unseen { why: text("why").unwrap_or("it was not seen").to_owned() }),
        "refused" => Some(Sight::Refused(refusal(row.get("refusal")?)?)),
        _ => None,
    }
}

fn refusal(row: &Value) -> Option<PortError> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let service = SERVICES.into_iter().find(|it| Some(*it) == text("service")).unwrap_or("the service");
    let status = row.get("status").and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok());
    Some(PortError {
        service,
        kind: KINDS.iter().find(|(name, _)| Some(*name) == text("kind"))?.1,
        status,
        code: text("code").map(str::to_owned),
        message: text("message")?.to_owned(),
        retry_after: None,
    })
}

/// The storage that a row tells.
pub(crate) fn store(row: &Value) -> Store {
    let text = |name: &str| row.pointer(&format!("/store/{name}")).and_then(Value::as_str).map(str::to_owned);
    Store {
        account: text("account").unwrap_or_default(),
        container: text("container").unwrap_or_default(),
        place: text("subscription").zip(text("resourceGroup")),
        dead_key: text("deadKey"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let refused = PortError {
            service: "Kubernetes Engine",
            kind: Refused::NotFound,
            status: Some(404),
            code: Some("NOT_FOUND".to_owned()),
            message: "no such cluster".to_owned(),
            retry_after: None,
        };
        let ask = Ask::Storage { scope: "/s".to_owned() };
        for sight in [Sight::Seen(()), Sight::Unseen { why: "no log-in".to_owned() }, Sight::Refused(refused)]
        {
            let row = written(&ask, &Answer::Storage(sight.clone()));
            assert_eq!(row["ask"], "storage");
            assert_eq!(outcome(&row), Some(sight));
        }
        let place = Some(("s".to_owned(), "g".to_owned()));
        let seen = Store {
            account: "a".to_owned(),
            container: "c".to_owned(),
            place,
            dead_key: Some("Sas".to_owned()),
        };
        let row =
            written(&Ask::Workspace { scope: String::new() }, &Answer::Workspace(Sight::Seen(seen.clone())));
        assert_eq!(store(&row), seen);
    }
}
