//! Pools and providers: made, taken up, undeleted, and left alone where they are somebody else's.

use super::*;

const POOLS: &str = "/v1/projects/harbour/locations/global/workloadIdentityPools";

fn pool_answer(state: &str, description: &str) -> Value {
    json!({"name": "projects/42/locations/global/workloadIdentityPools/quay", "state": state, "description": description})
}

fn done() -> Value {
    json!({"name": "projects/42/locations/global/workloadIdentityPools/quay/operations/o", "done": true})
}

#[tokio::test]
async fn a_pool_is_made_and_waited_for() {
    let script = Script::play(vec![
        line(
            "POST /v1/projects/harbour/locations/global/workloadIdentityPools",
            200,
            json!({"name": "operations/o"}),
        ),
        line("GET /v1/operations/o", 200, json!({"name": "operations/o", "done": false})),
        line("GET /v1/operations/o", 200, json!({"name": "operations/o", "done": true, "response": {}})),
    ])
    .await;
    script.perform(Action::Create { wanted: pool() }).await.unwrap();
    let asked = script.asked();
    assert_eq!(asked[0].line, format!("POST {POOLS}?workloadIdentityPoolId=quay"));
    assert_eq!(asked[0].body, json!({"description": MARK, "disabled": false}));
    assert_eq!(script.lines()[1..], ["GET /v1/operations/o", "GET /v1/operations/o"]);
}

#[tokio::test]
async fn an_operation_that_fails_is_a_refusal() {
    let failed =
        json!({"name": "operations/o", "done": true, "error": {"code": 9, "message": "Org Policy violated"}});
    let script = Script::play(vec![line(
        "POST /v1/projects/harbour/locations/global/workloadIdentityPools",
        200,
        failed,
    )])
    .await;
    let refusal = script.perform(Action::Create { wanted: pool() }).await.unwrap_err();
    assert_eq!((refusal.kind, refusal.code.as_deref()), (Refused::Invalid, Some("FAILED_PRECONDITION")));
    assert_eq!(refusal.message, "Org Policy violated");
}

#[tokio::test]
async fn a_pool_that_an_earlier_run_made_is_taken_up() {
    let script = Script::play(vec![
        refused("POST /v1/projects/harbour/locations/global/workloadIdentityPools", 409, "ALREADY_EXISTS"),
        line(
            "GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay",
            200,
            pool_answer("ACTIVE", MARK),
        ),
    ])
    .await;
    script.perform(Action::Create { wanted: pool() }).await.unwrap();
    assert_eq!(script.lines().len(), 2, "what is as wanted is not written again");
}

#[tokio::test]
async fn what_another_administrator_made_or_changed_is_not_overwritten() {
    let path = "/v1/projects/harbour/locations/global/workloadIdentityPools/quay";
    let off = || {
        let mut pool = pool_answer("ACTIVE", MARK);
        pool["disabled"] = json!(true);
        pool
    };
    let made = Script::play(vec![
        refused("POST /v1/projects/harbour/locations/global/workloadIdentityPools", 409, "ALREADY_EXISTS"),
        line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, off()),
    ])
    .await;
    assert_eq!(made.perform(Action::Create { wanted: pool() }).await.unwrap_err().kind, Refused::Conflict);
    let update = |found| Action::Update { wanted: pool(), found, differences: Vec::new() };
    let seen = Resource::Pool(Pool { id: "quay".to_owned(), disabled: true });
    for (found, now, outcome) in [
        (seen.clone(), off(), None),
        (seen.clone(), pool_answer("ACTIVE", MARK), None),
        (pool(), off(), Some(Refused::Conflict)),
        (seen.clone(), pool_answer("DELETED", MARK), Some(Refused::Conflict)),
        (seen, pool_answer("ACTIVE", "theirs"), Some(Refused::Conflict)),
    ] {
        let script = Script::play(vec![
            line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, now),
            line("PATCH /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, done()),
        ])
        .await;
        let refusal = script.perform(update(found)).await.err();
        assert_eq!(refusal.map(|refusal| refusal.kind), outcome);
        assert_eq!(
            script.lines().contains(&format!("PATCH {path}?updateMask=description%2Cdisabled")),
            outcome.is_none()
        );
    }
}

#[tokio::test]
async fn a_pool_of_somebody_elses_is_left_alone_also_when_deleted() {
    for state in ["ACTIVE", "DELETED"] {
        let theirs = pool_answer(state, "made by hand");
        let script = Script::play(vec![
            refused(
                "POST /v1/projects/harbour/locations/global/workloadIdentityPools",
                409,
                "ALREADY_EXISTS",
            ),
            line("GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, theirs),
        ])
        .await;
        let refusal = script.perform(Action::Create { wanted: pool() }).await.unwrap_err();
        assert_eq!(refusal.kind, Refused::Conflict);
        assert!(refusal.message.contains("`quay`") && refusal.message.contains("mark"), "{refusal}");
        assert_eq!(script.asked().len(), 2, "nothing was changed");
    }
}

#[tokio::test]
async fn a_deleted_pool_is_undeleted_and_brought_up_to_date() {
    let script = Script::play(vec![
        line(
            "GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay",
            200,
            pool_answer("DELETED", MARK),
        ),
        line("POST /v1/projects/harbour/locations/global/workloadIdentityPools/quay:undelete", 200, done()),
        line("PATCH /v1/projects/harbour/locations/global/workloadIdentityPools/quay", 200, done()),
    ])
    .await;
    script.perform(Action::Undelete { wanted: pool() }).await.unwrap();
    assert_eq!(script.lines()[1], format!("POST {POOLS}/quay:undelete"));
    assert!(script.lines()[2].starts_with("PATCH"));
}

#[tokio::test]
async fn a_provider_waits_for_its_application() {
    let script = Script::play(Vec::new()).await;
    let wanted = Resource::Provider(provider(vec!["${application.appId}".to_owned()]));
    let refusal = script.perform(Action::Create { wanted }).await.unwrap_err();
    assert_eq!(refusal.kind, Refused::Invalid);
    assert!(script.asked().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_provider_is_read_as_it_is_written() {
    let wanted = provider(vec!["app".to_owned()]);
    let create = "POST /v1/projects/harbour/locations/global/workloadIdentityPools/quay/providers";
    let script = Script::play(vec![line(create, 200, done())]).await;
    script.perform(Action::Create { wanted: Resource::Provider(wanted.clone()) }).await.unwrap();
    let mut stored = script.asked()[0].body.clone();
    stored["state"] = json!("ACTIVE");
    let read = "GET /v1/projects/harbour/locations/global/workloadIdentityPools/quay/providers/entra";
    let script = Script::play(observed_by([line(read, 200, stored)])).await;
    let wanted = Resource::Provider(wanted);
    let seen = script.observe(std::slice::from_ref(&wanted)).await;
    let seen = &seen.found[&wanted.key()];
    assert_eq!((&seen.resource, seen.marked, seen.state), (&wanted, true, State::Live));
}
