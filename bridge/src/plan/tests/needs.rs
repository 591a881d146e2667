//! The permissions that a plan takes.

use super::*;

#[test]
fn needs_of_the_first_apply() {
    let (bridge, facts) = harbour();
    let (resources, obstacles) = wanted(&bridge, &facts);
    let plan = plan(&bridge, &resources, obstacles, &Inventory::default());
    let lines: Vec<String> = needs(&plan)
        .iter()
        .map(|need| match need {
            Need::Google { permission } => format!("google {permission}"),
            Need::Azure { action, scope } => format!("azure {action} on {scope}"),
            Need::Graph { any_of } => format!("graph {}", any_of.join(" or ")),
            Need::Kubernetes { verb, group, resource } => format!("kubernetes {verb} {resource}.{group}"),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(needs(&Plan::default()), []);
}

#[test]
fn needs_of_other_changes() {
    let pool = Resource::Pool(Pool { id: "p".into(), disabled: false });
    let grant = Resource::Grant(Grant {
        target: GrantTarget::Project,
        role: "roles/container.clusterViewer".into(),
        members: ["serviceAccount:x".to_owned()].into(),
    });
    let change = |action: Action| Change { key: action.resource().key(), action };
    let plan = Plan {
        changes: vec![
            change(Action::Undelete { wanted: pool.clone() }),
            change(Action::Delete { found: pool }),
            change(Action::Delete { found: grant }),
        ],
        ..Plan::default()
    };
    let google = |permission: &str| Need::Google { permission: permission.into() };
    assert_eq!(
        needs(&plan),
        [
            google("iam.workloadIdentityPools.delete"),
            google("iam.workloadIdentityPools.undelete"),
            google("iam.workloadIdentityPools.update"),
            google("resourcemanager.projects.getIamPolicy"),
            google("resourcemanager.projects.setIamPolicy"),
        ]
    );
}
