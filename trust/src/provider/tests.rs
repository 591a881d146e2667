//! Tables for the exchange: one line a case, with the service's exact words.

use super::*;
use crate::token::{Claims, Header};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;
const TENANT: &str = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10";
const V2: &str = "https://login.microsoftonline.com/0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10/v2.0";
const V1: &str = "https://sts.windows.net/0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10/";
const NAME: &str = "projects/412/locations/global/workloadIdentityPools/quay/providers/azure";

fn pool() -> Pool {
    Pool { name: "projects/412/locations/global/workloadIdentityPools/quay".into(), ..Pool::default() }
}

/// A provider as the bridge makes it.
fn provider() -> Provider {
    let condition = format!(
        "assertion.tid == '{TENANT}' && (google.subject in ['object-1'] || google.groups.exists(group, group in ['Cellar.Deployer']))"
    );
    serde_json::from_value(json!({
        "name": NAME, "state": "ACTIVE",
        "attributeMapping": {
            "google.subject": "assertion.sub",
            "google.groups": "has(assertion.roles) ? assertion.roles : []",
            "attribute.client_id": "has(assertion.azp) ? assertion.azp : ''"
        },
        "attributeCondition": condition,
        "oidc": {"issuerUri": V2, "allowedAudiences": ["app-id"]}
    }))
    .unwrap()
}

/// A good token's claims, with `changes`; null takes a claim away.
fn claims(changes: &Value) -> Claims {
    let mut claims = json!({
        "iss": V2, "aud": "app-id", "sub": "object-1", "oid": "object-1", "tid": TENANT, "azp": "client-1",
        "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 3600, "ver": "2.0"
    });
    let map = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            map.remove(name);
        } else {
            map.insert(name.clone(), value.clone());
        }
    }
    Claims::from_value(claims).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn refused(pool: &Pool, provider: &Provider, changes: &Value) -> Refusal {
    exchange(pool, provider, &claims(changes), now()).unwrap_err()
}

#[test]
fn a_declared_identity_crosses() {
    let mapped = exchange(&pool(), &provider(), &claims(&json!({})), now()).unwrap();
    assert_eq!((mapped.subject.as_str(), mapped.groups.len()), ("object-1", 0));
    assert_eq!(mapped.attributes.get("client_id").map(String::as_str), Some("client-1"));
    let changes = json!({"sub": "object-2", "roles": ["Cellar.Deployer"], "azp": null});
    let by_role = exchange(&pool(), &provider(), &claims(&changes), now()).unwrap();
    assert_eq!(by_role.groups, ["Cellar.Deployer"]);
    assert_eq!(by_role.attributes.get("client_id").map(String::as_str), Some(""));
}

#[test]
fn a_pool_or_provider_that_is_not_live_is_an_invalid_target() {
    let text = "The target service indicated by the \"audience\" parameters is invalid. This might either be because the \
                pool or provider is disabled or deleted or because it doesn't exist.";
    let cases = [
        (Pool { disabled: true, ..pool() }, provider(), "the pool is disabled"),
        (Pool { state: State::Deleted, ..pool() }, provider(), "the pool is deleted"),
        (pool(), Provider { disabled: true, ..provider() }, "the provider is disabled"),
        (pool(), Provider { state: State::Deleted, ..provider() }, "the provider is deleted"),
    ];
    for (pool, provider, found) in cases {
        let refusal = refused(&pool, &provider, &json!({"iss": "wrong"}));
        assert_eq!(
            (refusal.stage, refusal.error, refusal.found.as_str()),
            (Stage::Live, "invalid_target", found)
        );
        assert_eq!(refusal.description, text);
    }
}

#[test]
fn refuses_in_the_services_words() {
    let long = "x".repeat(128);
    let table = [
        (json!({"iss": V1}), Stage::Issuer, "invalid_grant", format!("The issuer in ID Token {V1} does not match the expected one in config: {V2}")),
        (json!({"iss": null}), Stage::Issuer, "invalid_grant", format!("The issuer in ID Token null does not match the expected one in config: {V2}")),
        (json!({"aud": "api://app-id"}), Stage::Audience, "invalid_grant", "The audience in ID Token [api://app-id] does not match the expected audience.".into()),
        (json!({"aud": null}), Stage::Audience, "invalid_grant", "The audience in ID Token [] does not match the expected audience.".into()),
        (json!({"aud": ["a", "b"]}), Stage::Audience, "invalid_grant", "The audience in ID Token [a, b] does not match the expected audience.".into()),
        (json!({"exp": NOW - 61}), Stage::Time, "invalid_grant", format!("ID Token issued at {} is stale to sign-in.", NOW - 60)),
        (json!({"iat": NOW + 61, "nbf": null}), Stage::Time, "invalid_grant", format!("ID Token issued at {} is stale to sign-in.", NOW + 61)),
        (json!({"iat": null}), Stage::Time, "invalid_grant", "ID Token issued at null is stale to sign-in.".into()),
        (json!({"exp": null}), Stage::Time, "invalid_grant", format!("ID Token issued at {} is stale to sign-in.", NOW - 60)),
        (json!({"sub": null}), Stage::Mapping, "unauthorized_client", "Could not obtain a value for google.subject from the given credential.".into()),
        (json!({"sub": ""}), Stage::Mapping, "unauthorized_client", "Could not obtain a value for google.subject from the given credential.".into()),
        (json!({"sub": 7}), Stage::Mapping, "unauthorized_client", "The mapped attribute 'google.subject' must be of type STRING.".into()),
        (json!({"azp": 7}), Stage::Mapping, "unauthorized_client", "The mapped attribute 'attribute.client_id' must be of type STRING.".into()),
        (json!({"roles": "one"}), Stage::Mapping, "unauthorized_client", "The mapped attribute 'google.groups' must be of type LIST.".into()),
        (json!({"roles": vec!["r"; 401]}), Stage::Mapping, "invalid_request", "The current count of 401 mapped attribute google.groups exceeds the 400 count limit.".into()),
        (json!({"azp": "x".repeat(8190)}), Stage::Mapping, "invalid_request", "The total size of all mapped attributes exceeds the 8192 bytes limit.".into()),
        (
            json!({"sub": long}),
            Stage::SubjectSize,
            "invalid_request",
            "The size of mapped attribute google.subject exceeds the 127 bytes limit. Either modify your attribute mapping \
             or the incoming assertion to produce a mapped attribute that is less than 127 bytes."
                .into(),
        ),
        (json!({"tid": "other"}), Stage::Condition, "unauthorized_client", "The given credential is rejected by the attribute condition.".into()),
        (json!({"tid": null}), Stage::Condition, "unauthorized_client", "The given credential is rejected by the attribute condition.".into()),
        (json!({"sub": "object-2"}), Stage::Condition, "unauthorized_client", "The given credential is rejected by the attribute condition.".into()),
    ];
    for (changes, stage, error, description) in table {
        let refusal = refused(&pool(), &provider(), &changes);
        assert_eq!(
            (refusal.stage, refusal.error, refusal.description),
            (stage, error, description),
            "{changes}"
        );
    }
}

#[test]
fn refusals_carry_both_values() {
    let table = [
        (json!({"aud": "api://app-id"}), "app-id", "api://app-id"),
        (json!({"aud": null}), "app-id", "no audience"),
        (json!({"iss": V1}), V2, V1),
        (
            json!({"exp": NOW - 100}),
            "a token that has not expired",
            "expired at 2027-01-15T07:58:20Z, now 2027-01-15T08:00:00Z",
        ),
        (json!({"sub": null}), "a value for `google.subject` from `assertion.sub`", "there is no `sub`"),
    ];
    for (changes, expected, found) in table {
        let refusal = refused(&pool(), &provider(), &changes);
        assert_eq!((refusal.expected.as_str(), refusal.found.as_str()), (expected, found), "{changes}");
    }
    let condition = refused(&pool(), &provider(), &json!({"tid": "other"}));
    assert_eq!(
        condition.found,
        format!("`assertion.tid == '{TENANT}'` is false: assertion.tid is \"other\"")
    );
    let subject = refused(&pool(), &provider(), &json!({"sub": "object-2"}));
    assert!(
        subject.found.ends_with("is false: google.groups is [], google.subject is \"object-2\""),
        "{}",
        subject.found
    );
}

#[test]
fn times_may_be_off_by_a_minute() {
    for changes in [json!({"exp": NOW - 60}), json!({"iat": NOW + 60, "nbf": NOW + 60})] {
        assert!(exchange(&pool(), &provider(), &claims(&changes), now()).is_ok(), "{changes}");
    }
}

#[test]
fn without_listed_audiences_the_resource_name_is_the_audience() {
    let mut provider = provider();
    provider.oidc.as_mut().unwrap().allowed_audiences.clear();
    for audience in [format!("//iam.googleapis.com/{NAME}"), format!("https://iam.googleapis.com/{NAME}")] {
        assert!(exchange(&pool(), &provider, &claims(&json!({"aud": audience})), now()).is_ok());
    }
    let refusal = refused(&pool(), &provider, &json!({}));
    assert_eq!(refusal.expected, format!("https://iam.googleapis.com/{NAME} or //iam.googleapis.com/{NAME}"));
}

#[test]
fn mappings_may_be_missing_or_wrong() {
    let with = |key: &str, expression: &str| {
        let mut provider = provider();
        provider.attribute_mapping.insert(key.to_owned(), expression.to_owned());
        refused(&pool(), &provider, &json!({}))
    };
    let comparison = with("google.subject", "assertion.sub == 'object-1'");
    assert_eq!(comparison.description, "The mapped attribute 'google.subject' must be of type STRING.");
    assert_eq!(comparison.found, "a boolean");
    let absent = with("attribute.email", "assertion.email");
    assert_eq!(absent.description, "Could not obtain a value for attribute.email from the given credential.");
    let mut unmapped = provider();
    unmapped.attribute_mapping.remove("google.subject");
    assert_eq!(refused(&pool(), &unmapped, &json!({})).found, "`google.subject` is not mapped");
    let mut no_groups = provider();
    no_groups.attribute_mapping.remove("google.groups");
    let refusal = refused(&pool(), &no_groups, &json!({"sub": "object-2"}));
    assert_eq!(refusal.stage, Stage::Condition);
}

#[test]
fn a_condition_on_an_absent_claim_rejects_before_the_mapping_misses_it() {
    let mut closed = provider();
    closed.attribute_condition = "assertion.sub == 'object-1'".to_owned();
    let refusal = refused(&pool(), &closed, &json!({"sub": null}));
    assert_eq!(refusal.description, "The given credential is rejected by the attribute condition.");
    let mut open = provider();
    open.attribute_condition = format!("assertion.tid == '{TENANT}'");
    let refusal = refused(&pool(), &open, &json!({"sub": null}));
    assert_eq!(refusal.description, "Could not obtain a value for google.subject from the given credential.");
    assert_eq!(refusal.found, "there is no `sub`");
}

#[test]
fn expensive_mappings_share_one_budget() {
    let groups: Vec<String> = (0..2000).map(|number| format!("g{number}")).collect();
    let mut expensive = provider();
    for number in 0..500 {
        let source =
            format!("assertion.g.all(x, assertion.g.all(y, x != 'a' || y != 'b')) ? 'a' : 'b{number}'");
        expensive.attribute_mapping.insert(format!("attribute.a{number}"), source);
    }
    let refusal = refused(&pool(), &expensive, &json!({"g": groups}));
    assert_eq!(refusal.stage, Stage::Mapping);
    assert_eq!(refusal.found, "the expression takes more than 250000 steps to evaluate");
}

#[test]
fn a_verdict_shows_every_stage() {
    let (good, absent) = (claims(&json!({})), claims(&json!({"tid": "other"})));
    let keys = json!({"keys": [{"kty": "RSA", "kid": "k1", "n": "AQ", "e": "AQAB"}]});
    let header = |kid: &str| Header { alg: "RS256".into(), kid: Some(kid.into()), typ: None };
    let judged = |claims: &Claims, header: Option<&Header>| {
        judge(&pool(), &provider(), Presented { claims, header, keys: Some(&keys) }, now())
    };
    let stages =
        |verdict: &Verdict| verdict.trace.iter().map(|step| (step.stage, step.outcome)).collect::<Vec<_>>();
    let all = [
        Stage::Live,
        Stage::Issuer,
        Stage::Signature,
        Stage::Audience,
        Stage::Time,
        Stage::Mapping,
        Stage::SubjectSize,
        Stage::Condition,
    ];
    let passed = judged(&good, Some(&header("k1")));
    assert_eq!(stages(&passed), all.map(|stage| (stage, Held::Yes)));
    assert_eq!(passed.trace[3].found, "app-id");
    let unseen = judged(&good, None);
    assert_eq!(stages(&unseen)[2], (Stage::Signature, Held::Unseen));
    assert_eq!(unseen.outcome, passed.outcome);
    let no_key = judged(&good, Some(&header("k2")));
    assert_eq!(stages(&no_key).last(), Some(&(Stage::Signature, Held::No)));
    assert_eq!(no_key.outcome.unwrap_err().found, "the key `k2`, and the set has `k1`");
    let rejected = judged(&absent, Some(&header("k1")));
    assert_eq!(stages(&rejected).last(), Some(&(Stage::Condition, Held::No)));
    let json = serde_json::to_value(&rejected).unwrap();
    assert_eq!(json["outcome"]["refused"]["error"], "unauthorized_client");
    assert_eq!(json["trace"][7]["outcome"], "no");
}

#[test]
fn requests_and_signatures_have_their_words() {
    let table = [
        (
            Refusal::audience_parameter("x"),
            "invalid_request: Invalid value for \"audience\". This value should be the full resource name of the Identity \
             Provider. See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible \
             formats.",
        ),
        (
            Refusal::unusable_keys("no key"),
            "invalid_grant: Error connecting to the given credential's issuer.",
        ),
        (Refusal::signature("k1"), "invalid_grant: Unable to verify the ID Token signature."),
    ];
    for (refusal, expected) in table {
        assert_eq!(refusal.to_string(), expected);
    }
}

#[test]
fn a_good_provider_may_be_written() {
    assert_eq!(validate(&provider()), []);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_providers_may_not_be_written() {
    let table: [(Value, &str, &str); 16] = [
        (
            json!({"attributeCondition": "'a' == 'b'"}),
            "attributeCondition",
            "The attribute condition must reference one of the provider's claims.",
        ),
        (
            json!({"attributeCondition": "x".repeat(4097)}),
            "attributeCondition",
            "Invalid attribute condition: the expression has 4097 characters, expected at most 4096.",
        ),
        (
            json!({"attributeCondition": "assertion.sub == "}),
            "attributeCondition",
            "Invalid attribute condition: syntax error at line 1, column 18: expected a value.",
        ),
        (
            json!({"attributeCondition": "claims.sub == 'a'"}),
            "attributeCondition",
            "Invalid attribute condition: unknown name `claims`.",
        ),
        (
            json!({"oidc": {"issuerUri": "http://issuer.example"}}),
            "oidc.issuerUri",
            "Invalid OIDC issuer URI. The scheme must be https.",
        ),
        (
            json!({"oidc": {"issuerUri": V2, "allowedAudiences": vec!["a"; 11]}}),
            "oidc.allowedAudiences",
            "The number of allowed audiences must be less than or equal to 10.",
        ),
        (
            json!({"oidc": {"issuerUri": V2, "allowedAudiences": ["a".repeat(257)]}}),
            "oidc.allowedAudiences",
            "An allowed audience must have 1 to 256 characters.",
        ),
        (
            json!({"oidc": {"issuerUri": V2, "jwksJson": "{"}}),
            "oidc.jwksJson",
            "Input JWK is not in a valid json format",
        ),
        (
            json!({"oidc": {"issuerUri": V2, "jwksJson": "{\"keys\":[{\"x5c\":[]}]}"}}),
            "oidc.jwksJson",
            "Input JWK is not in a valid json format",
        ),
        (json!({"oidc": null}), "oidc", "The provider has no OIDC configuration."),
        (
            json!({"displayName": "x".repeat(33)}),
            "displayName",
            "display name must be less than or equal to 32 characters",
        ),
        (
            json!({"description": "x".repeat(257)}),
            "description",
            "description must be less than or equal to 256 characters",
        ),
        (
            json!({"attributeMapping": {}}),
            "attributeMapping",
            "The attribute mapping must map google.subject.",
        ),
        (
            json!({"attributeMapping": {"google.subject": "assertion.sub", "subject": "assertion.sub"}}),
            "attributeMapping.subject",
            "Invalid mapped attribute key: subject. Custom mapped attributes must be in format 'attribute.{custom_attribute}'",
        ),
        (
            json!({"attributeMapping": {"google.subject": "assertion.sub", "attribute.Tid": "assertion.tid"}}),
            "attributeMapping.attribute.Tid",
            "Invalid mapped attribute key: attribute.Tid. Custom mapped attributes must be in format 'attribute.{custom_attribute}'",
        ),
        (
            json!({"attributeMapping": {"google.subject": "assertion.sub + nothing()"}}),
            "attributeMapping.google.subject",
            "Invalid attribute mapping for google.subject: unknown function `nothing`.",
        ),
    ];
    for (changes, field, description) in table {
        let mut json = serde_json::to_value(provider()).unwrap();
        for (name, value) in changes.as_object().unwrap() {
            json[name] = value.clone();
        }
        let found = validate(&serde_json::from_value(json).unwrap());
        assert_eq!(
            found,
            [Violation { field: field.to_owned(), description: description.to_owned() }],
            "{changes}"
        );
    }
    let mut many = provider();
    for number in 0..51 {
        many.attribute_mapping.insert(format!("attribute.a{number}"), "assertion.sub".to_owned());
    }
    assert_eq!(validate(&many).len(), 1);
}

#[test]
fn reads_and_writes_what_gcloud_prints() {
    let printed = json!({
        "name": "projects/1/locations/global/workloadIdentityPools/pool/providers/azure",
        "state": "ACTIVE",
        "attributeMapping": {"google.subject": "assertion.sub"},
        "attributeCondition": "assertion.tid == 't'",
        "oidc": {"issuerUri": "https://login.microsoftonline.com/t/v2.0", "allowedAudiences": ["a"]}
    });
    let provider: Provider = serde_json::from_value(printed.clone()).unwrap();
    assert_eq!(provider.state, State::Active);
    assert_eq!(serde_json::to_value(&provider).unwrap(), printed);
    let deleted: Pool = serde_json::from_value(
        json!({"name": "p", "state": "DELETED", "expireTime": "2026-12-22T00:00:00Z"}),
    )
    .unwrap();
    assert_eq!(deleted.state, State::Deleted);
    let odd: Pool = serde_json::from_value(json!({"state": "ASLEEP"})).unwrap();
    assert_eq!(odd.state, State::StateUnspecified);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exchange_never_panics(values in proptest::collection::vec(any_json(), 6), second in -10_000_000_000_i64..10_000_000_000) {
        let names = ["sub", "roles", "azp", "tid", "iat", "exp"];
        let changes = Value::Object(names.iter().map(|name| (*name).to_owned()).zip(values).collect());
        let _ = exchange(&pool(), &provider(), &claims(&changes), Timestamp::from_second(second).unwrap());
    }

    #[test]
    fn exchange_and_validate_never_panic_on_any_expression(subject in ".{0,40}", condition in ".{0,60}") {
        let mut provider = provider();
        provider.attribute_mapping.insert("google.subject".to_owned(), subject);
        provider.attribute_condition = condition;
        let _ = validate(&provider);
        let _ = exchange(&pool(), &provider, &claims(&json!({})), now());
    }
}
