//! Figures about bad days: how long parsers and evaluators take at worst for 64 KiB that somebody wrote to hurt. `cargo xtask
//! bench hostile` runs it in release.
#![expect(clippy::print_stdout, reason = "a program that prints measured times")]

use std::time::{Duration, Instant};

use gangplank_bridge::explain::explain;
use serde_json::{Value, json};
use trust::iam::{DenyPolicy, Layer, Policy, Request, evaluate};
use trust::principal::{Caller, Principal, suspicions};
use trust::provider::{CONDITION_LENGTH, Pool, Provider, attempt, exchange};
use trust::rbac::{Aggregation, Attributes, ClusterRole, ClusterRoleBinding, Objects, decide};
use trust::{Claims, token};

/// How long each input is, in bytes, as near as its parts allow.
const LENGTH: usize = 64 * 1024;

/// The least of several runs counts: a busy machine is no fault of the input's.
const RUNS: usize = 5;

/// What is measured.
struct Row {
    parser: &'static str,
    input: String,
    took: Duration,
}

fn main() {
    let mut rows = Vec::new();
    rows.extend(tokens());
    rows.extend(expressions());
    rows.extend(providers());
    rows.extend(policies());
    rows.extend(roles());
    rows.extend(texts());
    println!("parser       worst ms   by");
    for row in rows.iter().filter(|row| row.input.ends_with("(NOT READ)")) {
        println!("{:<12} {}", row.parser, row.input);
    }
    for parser in ["token", "cel", "provider", "iam policy", "rbac", "explain", "principal"] {
        let mine = rows.iter().filter(|row| row.parser == parser);
        if let Some(worst) = mine.max_by_key(|row| row.took) {
            println!("{parser:<12} {:>8.1}   {}", worst.took.as_secs_f64() * 1e3, worst.input);
        }
    }
}

fn timed<T>(parser: &'static str, input: impl Into<String>, run: impl Fn() -> T) -> Row {
    let once = |_| {
        let start = Instant::now();
        drop(std::hint::black_box(run()));
        start.elapsed()
    };
    Row { parser, input: input.into(), took: (0..RUNS).map(once).min().unwrap_or_default() }
}

/// `part` again and again, up to the length.
fn filled(part: &str) -> String {
    part.repeat(LENGTH / part.len())
}

/// As many parts as fit, counted from zero.
fn many<T>(bytes_each: usize, part: impl Fn(usize) -> T) -> Vec<T> {
    (0..LENGTH / bytes_each).map(part).collect()
}

fn tokens() -> Vec<Row> {
    let half = LENGTH / 2;
    let deep = format!("{}{}", "[".repeat(half), "]".repeat(half));
    let groups = json!({ "iss": "https://i", "groups": many(12, |at| format!("g{at:08}")) }).to_string();
    let names = json!(
        many(16, |at| at)
            .into_iter()
            .map(|at| (format!("c{at:08}"), json!(at)))
            .collect::<serde_json::Map<_, _>>()
    );
    let mut rows = vec![
        timed("token", "dots alone", || token::decode(&filled("."))),
        timed("token", "no base64", || token::decode(&filled("a.=?"))),
    ];
    for (what, payload) in [("brackets", deep), ("groups", groups), ("claims", names.to_string())] {
        let whole = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", base64(payload.as_bytes()));
        rows.push(timed("token", format!("many {what}"), || {
            token::decode(&whole).map(|it| (it.claims.groups().len(), it.claims.audiences().len())).ok()
        }));
    }
    rows
}

/// Base64 for URLs, without padding: three bytes become four characters.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let letters = (0..=chunk.len()).map(|at| bits >> (18 - 6 * at) & 63);
        text.extend(letters.filter_map(|at| Some(char::from(*LETTERS.get(usize::try_from(at).ok()?)?))));
    }
    text
}

/// Expressions as long as Google takes them, on claims that fill the rest.
fn expressions() -> Vec<Row> {
    let long = "ab".repeat((LENGTH - 2 * CONDITION_LENGTH) / 2);
    let claims = json!({ "sub": long, "l": many(8, |at| at), "s": many(12, |at| format!("{at:08}")) });
    let claims = Claims::from_value(claims).unwrap_or_default();
    let up_to = |part: &str, joint: &str| {
        let count = (CONDITION_LENGTH - part.len()) / (part.len() + joint.len());
        vec![part; count.max(1)].join(joint)
    };
    let nested = |open: &str, close: &str, inner: &str| {
        let count = (CONDITION_LENGTH - inner.len()) / (open.len() + close.len());
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    let all = [
        nested("(", ")", "true"),
        nested("!", "", "true"),
        nested("[", "]", "1"),
        up_to("assertion.sub.contains('ba')", " && "),
        up_to("assertion.sub.startsWith('ab')", " || "),
        up_to("assertion.sub", " + "),
        format!("size({}) > 0", up_to("assertion.sub", " + ")),
        "assertion.l.all(a, assertion.l.all(b, assertion.l.all(c, a <= b || b <= c || true)))".to_owned(),
        "assertion.s.exists(a, assertion.s.exists(b, assertion.sub.contains(a + b)))".to_owned(),
        "assertion.l.map(a, assertion.l.map(b, assertion.sub)).size() > 0".to_owned(),
        "assertion.s.map(a, assertion.s.map(b, a + b)).size() > 0".to_owned(),
        up_to("assertion.sub.split('a').join('bb').size() > 0", " && "),
        up_to("assertion.sub.extract('a{x}b') != ''", " && "),
        format!("assertion.sub.extract('{}') != ''", "a{x}b".repeat(700)),
        up_to("assertion.sub.replace('a', 'aaaaaaaa').size() > 0", " && "),
        format!("assertion.sub.matches('{}')", "(a*)*b".repeat(600)),
        up_to("assertion.s == assertion.s", " && "),
        filled("("),
        filled("a."),
        filled("1+"),
        filled("'"),
        filled("\\"),
    ];
    all.iter()
        .map(|expression| {
            let short: String = expression.chars().take(60).collect();
            timed("cel", short, || attempt(expression, &claims))
        })
        .collect()
}

/// One that must be read to count: what is refused at once hurts nobody.
fn timed_if_read<T>(parser: &'static str, input: &str, run: impl Fn() -> Option<T>) -> Row {
    let read = if run().is_some() { "" } else { " (NOT READ)" };
    timed(parser, format!("{input}{read}"), run)
}

/// A provider with as many mappings as Google takes, each as slow as can be, on a token that fills the rest.
fn providers() -> Vec<Row> {
    let long = "ab".repeat(LENGTH / 4);
    let claims = json!({ "iss": "https://i", "aud": "a", "sub": long, "s": many(24, |at| format!("{at:08}")), "iat": 0, "exp": 3600 });
    let claims = Claims::from_value(claims).unwrap_or_default();
    let slow = "string(assertion.s.map(a, assertion.s.map(b, a + b)).size())";
    let long = vec!["size(assertion.sub.split('a').join('bb')) > 0"; 40].join(" && ");
    [("slow loops", slow.to_owned()), ("long texts", format!("string({long})"))]
        .into_iter()
        .map(|(what, expression)| {
            let mut mapping: serde_json::Map<String, Value> =
                (0..49).map(|at| (format!("attribute.a{at}"), json!(expression))).collect();
            mapping.insert("google.subject".to_owned(), json!("'x'"));
            let provider = json!({ "name": "projects/1/locations/global/workloadIdentityPools/p/providers/a", "state": "ACTIVE",
                "attributeMapping": mapping, "attributeCondition": "true", "oidc": { "issuerUri": "https://i", "allowedAudiences": ["a"] } });
            let text = provider.to_string();
            timed_if_read("provider", what, || {
                let provider: Provider = serde_json::from_str(&text).ok()?;
                Some(exchange(&Pool::default(), &provider, &claims, jiff::Timestamp::UNIX_EPOCH).is_ok())
            })
        })
        .collect()
}

fn policies() -> Vec<Row> {
    let pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p";
    let caller = Caller::ServiceAccount("somebody@project.iam.gserviceaccount.com".to_owned());
    let slow = "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, a + b + c + d > 0))))";
    let binding = |members: Value, condition: &str| {
        let condition = (!condition.is_empty()).then(|| json!({ "title": "t", "expression": condition }));
        json!({ "role": "roles/owner", "members": members, "condition": condition })
    };
    let own = json!([format!("serviceAccount:{}", "somebody@project.iam.gserviceaccount.com")]);
    let members = json!(many(110, |at| format!("{pool}/attribute.a/{at}")));
    let cases = [
        ("one binding of many members", json!([binding(members.clone(), "")])),
        ("many bindings", json!(many(120, |_| binding(own.clone(), "false")))),
        ("many bindings, slow conditions", json!(many(260, |_| binding(own.clone(), slow)))),
        (
            "many bindings, long conditions",
            json!(many(4300, |_| binding(
                own.clone(),
                &vec!["resource.name.contains('x')"; 130].join(" || ")
            ))),
        ),
        (
            "many bindings, deep conditions",
            json!(many(4300, |_| binding(
                own.clone(),
                &format!("{}true{}", "(".repeat(2000), ")".repeat(2000))
            ))),
        ),
    ];
    let mut rows: Vec<Row> = cases
        .into_iter()
        .map(|(what, bindings)| {
            let text = json!({ "bindings": bindings }).to_string();
            timed_if_read("iam policy", what, || decided(&text, "{\"rules\": []}", &caller))
        })
        .collect();
    let rule =
        json!({ "denyRule": { "deniedPrincipals": members, "deniedPermissions": ["x.googleapis.com/y.z"] } });
    let denied = json!({ "rules": [rule] }).to_string();
    rows.push(timed_if_read("iam policy", "a deny rule for many", || decided("{}", &denied, &caller)));
    let rules = many(220, |_| {
        let expression = "resource.matchTag('a/b', 'c')";
        json!({ "denyRule": { "deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": ["iam.googleapis.com/serviceAccounts.getAccessToken"],
            "denialCondition": { "expression": expression } } })
    });
    let denied = json!({ "rules": rules }).to_string();
    rows.push(timed_if_read("iam policy", "many deny rules", || decided("{}", &denied, &caller)));
    rows
}

/// Reads both policies and decides by them.
fn decided(policy: &str, deny: &str, caller: &Caller) -> Option<usize> {
    let policy: Policy = serde_json::from_str(policy).ok()?;
    let deny: DenyPolicy = serde_json::from_str(deny).ok()?;
    let layer = Layer { resource: "it", allow: Some(&policy), deny: std::slice::from_ref(&deny) };
    let request =
        Request { caller, permission: "iam.serviceAccounts.getAccessToken", resource: None, now: Some(0) };
    let decision = evaluate(&[layer], &request);
    Some(decision.because.iter().map(|reason| reason.to_string().len()).sum())
}

fn roles() -> Vec<Row> {
    let role = |at: usize, labels: Value, selects: Value| {
        json!({ "metadata": { "name": format!("r{at}"), "labels": labels }, "aggregationRule": { "clusterRoleSelectors": [{ "matchLabels": selects }] },
            "rules": [{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"] }] })
    };
    let chain =
        many(220, |at| role(at, json!({ "l": at.to_string() }), json!({ "l": (at + 1).to_string() })));
    let mesh = many(220, |at| role(at, json!({ "l": "x" }), json!({ "l": "x" })));
    let plain = many(
        150,
        |at| json!({ "metadata": { "name": format!("r{at}") }, "rules": [{ "apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"] }] }),
    );
    let bindings = |name: fn(usize) -> String| {
        json!(many(
            200,
            |at| json!({ "metadata": { "name": format!("b{at}") }, "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name(at) },
            "subjects": [{ "kind": "User", "name": "somebody", "apiGroup": "rbac.authorization.k8s.io" }] })
        ))
    };
    let first = bindings(|_| "r0".to_owned());
    let each = bindings(|at| format!("r{at}"));
    [
        ("roles that gather in a chain", json!(chain), &first),
        ("roles that gather all of each other", json!(mesh), &first),
        ("roles that gather all of each other, each bound", json!(mesh), &each),
        ("many roles, each bound", json!(plain), &each),
    ]
    .into_iter()
    .map(|(what, roles, bindings)| {
        let (roles, bindings) = (roles.to_string(), bindings.to_string());
        timed_if_read("rbac", what, || allowed(&roles, &bindings))
    })
    .collect()
}

fn allowed(roles: &str, bindings: &str) -> Option<bool> {
    let cluster_roles: Vec<ClusterRole> = serde_json::from_str(roles).ok()?;
    let cluster_role_bindings: Vec<ClusterRoleBinding> = serde_json::from_str(bindings).ok()?;
    let objects = Objects {
        roles: &[],
        cluster_roles: &cluster_roles,
        role_bindings: &[],
        cluster_role_bindings: &cluster_role_bindings,
        aggregation: Aggregation::Pending,
    };
    let attributes = Attributes {
        user: "somebody".to_owned(),
        verb: "delete".to_owned(),
        api_group: "apps".to_owned(),
        resource: "deployments".to_owned(),
        ..Attributes::default()
    };
    Some(decide(&objects, &attributes).allowed)
}

fn texts() -> Vec<Row> {
    let parts = [
        "AADSTS",
        "AADSTS700213: No matching federated identity record found for presented assertion subject 'x'\n",
        "PERMISSION_DENIED ",
        "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).\n",
        "{\"error\":{\"message\":\"",
        "\\\"",
        "denied: ",
        "User \"x\" cannot ",
        "is forbidden: User \"x\" cannot get resource \"",
        "\u{1b}[31m",
        "ä",
        "a",
        " ",
        "\n",
        "{",
        "[",
        "'",
        "%22",
    ];
    let mut rows: Vec<Row> = parts
        .iter()
        .map(|part| {
            let text = filled(part);
            timed("explain", format!("{part:.40?}, again and again"), || explain(text.as_bytes()))
        })
        .collect();
    for part in [
        "principal://",
        "serviceAccount:a",
        "principalSet://iam.googleapis.com/",
        "/",
        "deleted:",
        "attribute.",
    ] {
        let text = filled(part);
        rows.push(timed("principal", format!("{part}, again and again"), || {
            (text.parse::<Principal>().is_ok(), suspicions(&text, None).len())
        }));
    }
    rows
}
