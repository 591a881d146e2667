//! Grants: policies that others write as well, and members that IAM does not know yet.

use super::*;

#[tokio::test]
async fn a_grant_survives_somebody_elses_write_in_between() {
    let policy = |etag: &str, member: &str| json!({"etag": etag, "bindings": [{"role": "roles/container.clusterViewer", "members": [member]}]});
    let script = Script::play(vec![
        line("POST /v3/projects/harbour:getIamPolicy", 200, policy("ZTE=", "user:ada@x")),
        refused("POST /v3/projects/harbour:setIamPolicy", 409, "ABORTED"),
        line("POST /v3/projects/harbour:getIamPolicy", 200, policy("ZTI=", "user:bob@x")),
        line("POST /v3/projects/harbour:setIamPolicy", 200, json!({})),
    ])
    .await;
    let wanted = Resource::Grant(Grant {
        target: GrantTarget::Project,
        role: "roles/container.clusterViewer".to_owned(),
        members: BTreeSet::from(["serviceAccount:gp-a@harbour.iam.gserviceaccount.com".to_owned()]),
    });
    script.perform(Action::Create { wanted }).await.unwrap();
    let written = &script.asked()[3].body["policy"];
    assert_eq!(written["etag"], "ZTI=");
    let members = &written["bindings"][0]["members"];
    assert_eq!(*members, json!(["serviceAccount:gp-a@harbour.iam.gserviceaccount.com", "user:bob@x"]));
}

#[tokio::test]
async fn a_grant_waits_until_iam_knows_the_account_that_this_run_made() {
    let path = "/v1/projects/harbour/serviceAccounts/gp-a@harbour.iam.gserviceaccount.com";
    let member = "serviceAccount:gp-a@harbour.iam.gserviceaccount.com";
    let grant = |target, role: &str| {
        let members = BTreeSet::from([member.to_owned()]);
        Action::Create { wanted: Resource::Grant(Grant { target, role: role.to_owned(), members }) }
    };
    let no_such = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "Service account gp-a@harbour.iam.gserviceaccount.com does not exist."}});
    let mut script = Script::play(vec![
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
        line("POST /v3/projects/harbour:setIamPolicy", 400, no_such.clone()),
        line(
            "POST /v1/projects/harbour/serviceAccounts",
            200,
            json!({"email": "gp-a@harbour.iam.gserviceaccount.com"}),
        ),
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
        line("POST /v3/projects/harbour:setIamPolicy", 400, no_such),
        line("POST /v3/projects/harbour:getIamPolicy", 200, json!({"etag": "ZTE="})),
        line("POST /v3/projects/harbour:setIamPolicy", 200, json!({})),
        refused(GET_POLICY_OF_A, 404, "NOT_FOUND"),
        refused(GET_POLICY_OF_A, 403, "PERMISSION_DENIED"),
        line(GET_POLICY_OF_A, 200, json!({"etag": "ZTE="})),
        line(SET_POLICY_OF_A, 200, json!({})),
    ])
    .await;
    let instant = std::time::Duration::from_millis(1);
    script.set_up.settling = crate::settling::Settling { first: instant, longest: instant, waits: 3 };
    let on_project = || grant(GrantTarget::Project, "roles/container.clusterViewer");
    let refusal = script.perform(on_project()).await.unwrap_err();
    assert_eq!(refusal.kind, Refused::Invalid, "nothing was made, so nothing is waited for");
    let account = ServiceAccount { id: "gp-a".to_owned(), display_name: "A".to_owned() };
    script.perform(Action::Create { wanted: Resource::ServiceAccount(account) }).await.unwrap();
    script.perform(on_project()).await.unwrap();
    let on_account = grant(GrantTarget::ServiceAccount("gp-a".to_owned()), "roles/iam.workloadIdentityUser");
    script.perform(on_account).await.unwrap();
    assert_eq!(script.lines().last().unwrap(), &format!("POST {path}:setIamPolicy"));
}

const GET_POLICY_OF_A: &str =
    "POST /v1/projects/harbour/serviceAccounts/gp-a@harbour.iam.gserviceaccount.com:getIamPolicy";

const SET_POLICY_OF_A: &str =
    "POST /v1/projects/harbour/serviceAccounts/gp-a@harbour.iam.gserviceaccount.com:setIamPolicy";
