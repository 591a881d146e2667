//! What becomes a file, and what keeps all of them in.

use serde_json::json;
use trust::Claims;
use trust::rbac::{Metadata, RoleBinding};

use super::*;
use crate::doctor::{Sight, Space};
use crate::manifest::fixture;
use crate::port::{PortError, Refused};

fn upload() -> Ask {
    Ask::Upload { project: "p".into(), location: "l".into(), repository: "r".into() }
}

fn made(seen: &[(Ask, Answer)]) -> Result<Vec<Sheet>, Secret> {
    let (bridge, team) = (fixture::bridge(), fixture::team());
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let file = "kind: Bridge\n";
    sheets(seen, &Around { bridge: &bridge, file, team: &team, now, inventory: None, rbac: None })
}

fn claims(subject: &str) -> Answer {
    Answer::EntraToken(Sight::Seen(Claims::from_value(json!({"iss": "i", "sub": subject})).unwrap()))
}

#[test]
fn claims_and_the_first_refusal_become_files() {
    let refused = |message: &str| {
        Sight::Refused(PortError {
            service: "Google STS",
            kind: Refused::Denied,
            status: None,
            code: None,
            message: message.into(),
            retry_after: None,
        })
    };
    let seen = [
        (Ask::EntraToken { scope: "s".into() }, claims("s")),
        (Ask::Exchange { pool: "p".into(), provider: "e".into() }, Answer::Exchange(refused("first"))),
        (upload(), Answer::Upload(refused("second"))),
    ];
    let sheets = made(&seen).unwrap();
    let names: Vec<_> = sheets.iter().map(|it| it.name).collect();
    assert_eq!(names, ["bridge.yaml", "environment.json", "attempts.json", "claims.json", "refusal.txt"]);
    assert!(sheets[2].text.contains("first") && sheets[2].text.contains("second"));
    assert!(sheets[4].text.contains("first") && !sheets[4].text.contains("second"));
}

#[test]
fn bindings_are_printed_as_kubectl_does() {
    let metadata = Metadata { name: "b".into(), namespace: "cellar".into(), ..Metadata::default() };
    let space = Space { bindings: vec![RoleBinding { metadata, ..RoleBinding::default() }] };
    let ask = Ask::Space {
        project: "p".into(),
        location: "l".into(),
        cluster: "c".into(),
        namespace: "cellar".into(),
    };
    let sheets = made(&[(ask, Answer::Space(Sight::Seen(space)))]).unwrap();
    let rbac = sheets.iter().find(|it| it.name == "rbac.yaml").unwrap();
    let papers = [crate::exhibit::Paper { name: rbac.name, text: &rbac.text }];
    let exhibits = crate::exhibit::gather(&papers);
    let bindings: Vec<_> = exhibits.objects("RoleBinding").map(|it| it.text("/metadata/name")).collect();
    assert_eq!(bindings, [Some("b")], "{}", rbac.text);
}

#[test]
fn nothing_goes_out_with_a_secret_in_it() {
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
    let refused = made(&[(Ask::FirstToken, claims(jwt))]).unwrap_err();
    assert_eq!(refused, Secret { file: "claims.json", kind: LeakKind::SignedToken });
    assert!(!refused.to_string().contains(jwt));
}
