//! `gangplank import`: what is set up and imported is in step; what others made says what to adopt.

use std::fmt::Write as _;

use serde_json::Value;

use crate::harbour::{Ended, Harbour};

/// `gangplank import` into `imported.yaml`, with everything about the places that cannot be found.
fn import(harbour: &Harbour, more: &[&str]) -> Ended {
    let mut words = vec!["import", "-f", "imported.yaml", "--endpoints-from", "bridge.yaml"];
    words.extend(["--tenant", sandbox::seed::TENANT, "--subscription", sandbox::seed::SUBSCRIPTION]);
    words.extend(["--resource-group", "rg-quay", "--workspace", "quay", "--project", "harbour-sandbox"]);
    words.extend(["--location", sandbox::seed::LOCATION, "--cluster", "ship"]);
    words.extend(more);
    harbour.run(&words)
}

#[test]
fn what_is_applied_and_imported_is_in_step() {
    let harbour = Harbour::new();
    let mut workloads = "\nworkloads:\n".to_owned();
    for via in ["google", "cluster"] {
        let account =
            format!("{{ name: by-{via}, team: cellar, serviceAccount: {via}-sa, may: [read-models]");
        writeln!(workloads, "  - {account}, via: {via} }}").unwrap();
    }
    harbour.edit("\nendpoints:", &format!("{workloads}\nendpoints:"));
    harbour.run(&["apply"]).expect_code(0);
    let done = import(&harbour, &[]).expect_code(0).expect_talk("wrote `imported.yaml`");
    assert!(!done.stderr.contains("not in the file"), "{}", done.stderr);
    let text = std::fs::read_to_string(harbour.file("imported.yaml")).unwrap();
    for said in [
        "name: harbour\n",
        "projectNumber: \"412907655821\"",
        "application: gangplank-bridge",
        "appRole: Cellar.Deployer",
        "callers: [clinic]",
        "labels: { cost-centre: \"4711\" }",
        "serviceAccount: google-sa",
    ] {
        assert!(text.contains(said), "`{said}` is not in\n{text}");
    }
    let plan = harbour.run(&["plan", "-f", "imported.yaml", "-o", "json"]).expect_code(0).json();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 0, "{plan}");

    import(&harbour, &[]).expect_code(2).expect_talk("`imported.yaml` exists").expect_talk("--force");
    assert_eq!(std::fs::read_to_string(harbour.file("imported.yaml")).unwrap(), text);
    let again = import(&harbour, &["--force", "-o", "json"]).expect_code(0).json();
    assert_eq!((again["text"].as_str(), again["left_out"].as_array().map(Vec::len)), (Some(&*text), Some(0)));
    import(&harbour, &["--force", "--pool", "nobody"]).expect_code(2).expect_talk("--pool and --provider");
    import(&harbour, &["--force", "--project-number", "999999"]).expect_code(2).expect_talk("412907655821");
}

/// A set-up by hand: no marks, an audience by its URI, and things that a bridge file has no words for.
fn by_hand() -> String {
    let pool = format!(
        "//iam.googleapis.com/projects/{}/locations/global/workloadIdentityPools/gangplank",
        sandbox::seed::PROJECT_NUMBER
    );
    format!(
        "\
apiVersion: gangplank.dev/v1alpha1
kind: World
pools:
  - id: gangplank
    set: {{ description: made by hand }}
    providers:
      - id: entra
        set:
          oidc:
            issuerUri: https://login.microsoftonline.com/{tenant}/v2.0
            allowedAudiences: [\"api://by-hand\"]
          attributeMapping: {{ google.subject: assertion.sub }}
          attributeCondition: \"assertion.tid == '{tenant}'\"
serviceAccounts:
  - id: gp-oncology
    set: {{ displayName: theirs }}
  - id: shared-deployer
repositories:
  - id: models
grants:
  - on: serviceAccount/gp-oncology
    role: roles/iam.workloadIdentityUser
    members: [\"principal:{pool}/subject/{caller}\"]
  - on: serviceAccount/shared-deployer
    role: roles/iam.workloadIdentityUser
    members: [\"principal:{pool}/subject/{caller}\"]
  - on: repository/models
    role: roles/artifactregistry.writer
    members: [\"principal:{pool}/subject/{caller}\", \"principalSet:{pool}/*\"]
objects:
  - apiVersion: v1
    kind: Namespace
    metadata: {{ name: tumours, labels: {{ theirs: yes-it-is }} }}
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {{ name: deployers, namespace: tumours }}
    roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit }}
    subjects:
      - {{ apiGroup: rbac.authorization.k8s.io, kind: User, name: gp-oncology@harbour-sandbox.iam.gserviceaccount.com }}
",
        tenant = sandbox::seed::TENANT,
        caller = sandbox::seed::ONCOLOGY_CI.object_id,
    )
}

#[test]
fn what_others_made_says_what_to_adopt_and_then_is_in_step() {
    let harbour = Harbour::new();
    std::fs::write(harbour.file("by-hand.yaml"), by_hand()).unwrap();
    harbour.run(&["sandbox", "load", "by-hand.yaml"]).expect_code(0);
    let done = import(&harbour, &["--name", "taken"]).expect_code(0);
    for name in [
        "workloadIdentityPools/gangplank/*",
        "`shared-deployer`",
        "`api://by-hand`",
        "RoleBinding `deployers`",
    ] {
        assert!(
            done.stderr.lines().any(|it| it.starts_with("not in the file: ") && it.contains(name)),
            "{name}: {}",
            done.stderr
        );
    }
    let text = std::fs::read_to_string(harbour.file("imported.yaml")).unwrap();
    assert!(
        text.contains("namespace: tumours") && text.contains("may: [push, \"deploy:oncology\"]"),
        "{text}"
    );

    let plan = harbour.run(&["plan", "-f", "imported.yaml", "-o", "json"]).expect_code(4).json();
    let keys: Vec<&str> =
        plan["obstacles"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    for key in [
        "google/pool/gangplank",
        "google/provider/gangplank/entra",
        "google/service-account/gp-oncology",
        "google/repository/europe-west4/models",
        "kubernetes/Namespace/tumours",
    ] {
        assert!(keys.contains(&key), "{key}: {plan}");
    }
    assert!(plan["obstacles"].as_array().unwrap().iter().all(mends), "{plan}");
    let mut words = vec!["apply", "-f", "imported.yaml"];
    for key in &keys {
        words.extend(["--adopt", *key]);
    }
    harbour.run(&words).expect_code(0);
    harbour.run(&["plan", "-f", "imported.yaml"]).expect_code(0);
}

fn mends(obstacle: &Value) -> bool {
    obstacle["mend"].as_str().is_some_and(|mend| mend.contains("--adopt"))
}

#[test]
fn clouds_without_a_bridge_give_a_file_that_can_be_applied() {
    let harbour = Harbour::new();
    import(&harbour, &[]).expect_code(0);
    harbour.run(&["apply", "-f", "imported.yaml"]).expect_code(0);
    harbour.run(&["plan", "-f", "imported.yaml"]).expect_code(0);
}
