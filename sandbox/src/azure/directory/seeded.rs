//! The seeded tenant.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Api, AppRole, Application, Directory, Group, ManagedIdentity, Secret, ServicePrincipal, User};
use crate::azure::first_party::{APPLICATION_ADMINISTRATOR, FIRST_PARTY, FirstParty};
use crate::{random, seed};

/// Application permissions of Microsoft Graph that the sandbox knows: role id, value.
const GRAPH_ROLES: [(&str, &str); 7] = [
    ("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", "Application.ReadWrite.All"),
    ("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "Application.Read.All"),
    ("06b708a9-e830-4db3-a914-8e69da51d44f", "AppRoleAssignment.ReadWrite.All"),
    ("7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Directory.Read.All"),
    ("5b567255-7703-4780-807c-7be8301ae99b", "Group.Read.All"),
    ("98830695-27a2-44f7-8c18-0c3ebc9698f6", "GroupMember.Read.All"),
    ("df021288-bdef-4463-88db-98f22de89214", "User.Read.All"),
];

/// How long seeded secrets live.
const SECRET_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The seeded tenant. Client secrets are made anew each time.
pub(crate) fn seeded(now: Timestamp) -> Directory {
    let machines = [
        (&seed::ONCOLOGY_CI, false),
        (&seed::CELLAR_CI, true),
        (&seed::STRANGER, true),
        (&seed::GITHUB_CI, false),
        (&seed::DEVOPS_CI, false),
        (&seed::CERTIFICATE_CI, false),
        (&seed::GOOGLE_CI, false),
    ];
    let mut directory = Directory {
        applications: machines.iter().map(|(machine, secret)| application(machine, *secret, now)).collect(),
        service_principals: FIRST_PARTY.iter().map(first_party).collect(),
        managed_identities: Vec::new(),
        foreign_applications: vec![seed::FOREIGN_APPLICATION.to_owned()],
        users: vec![administrator(), scientist()],
        groups: vec![group()],
        assignments: Vec::new(),
    };
    directory.service_principals.extend(machines.iter().map(|(machine, _)| service_principal(machine)));
    for identity in managed_identities() {
        directory.add_managed_identity(identity);
    }
    directory
}

fn application(machine: &seed::Machine, with_secret: bool, now: Timestamp) -> Application {
    let expires = now.checked_add(SECRET_LIFETIME).unwrap_or(now);
    Application {
        id: machine.application_object_id.to_owned(),
        app_id: machine.client_id.to_owned(),
        display_name: machine.name.to_owned(),
        created_date_time: now,
        identifier_uris: Vec::new(),
        api: Api::default(),
        app_roles: Vec::new(),
        tags: Vec::new(),
        sign_in_audience: "AzureADMyOrg".to_owned(),
        group_membership_claims: None,
        notes: None,
        secrets: with_secret.then(|| Secret { value: random::secret(), expires }).into_iter().collect(),
        certificates: Vec::new(),
        federated_credentials: Vec::new(),
    }
}

fn service_principal(machine: &seed::Machine) -> ServicePrincipal {
    ServicePrincipal {
        id: machine.object_id.to_owned(),
        app_id: machine.client_id.to_owned(),
        display_name: machine.name.to_owned(),
        service_principal_type: "Application".to_owned(),
        account_enabled: true,
        app_role_assignment_required: false,
        blocked_by_policy: false,
        tags: Vec::new(),
        service_principal_names: vec![machine.client_id.to_owned()],
        app_roles: Vec::new(),
    }
}

fn managed_identities() -> [ManagedIdentity; 2] {
    let of = |seeded: &seed::Managed, resource_id: String, user_assigned: bool| ManagedIdentity {
        client_id: seeded.client_id.to_owned(),
        object_id: seeded.object_id.to_owned(),
        name: seeded.name.to_owned(),
        resource_id,
        user_assigned,
        location: seed::REGION.to_owned(),
        tags: BTreeMap::new(),
        federated_credentials: Vec::new(),
    };
    [of(&seed::HOLD, seed::hold_resource_id(), false), of(&seed::TRAINER, seed::trainer_resource_id(), true)]
}

fn first_party(service: &FirstParty) -> ServicePrincipal {
    let mut names = vec![service.app_id.to_owned()];
    names.extend(service.resources.iter().map(|resource| (*resource).to_owned()));
    ServicePrincipal {
        id: service.object_id.to_owned(),
        app_id: service.app_id.to_owned(),
        display_name: service.name.to_owned(),
        service_principal_type: "Application".to_owned(),
        account_enabled: true,
        app_role_assignment_required: false,
        blocked_by_policy: false,
        tags: Vec::new(),
        service_principal_names: names,
        app_roles: if service.app_id == crate::azure::first_party::GRAPH.app_id {
            graph_roles()
        } else {
            Vec::new()
        },
    }
}

fn graph_roles() -> Vec<AppRole> {
    let role = |(id, value): (&str, &str)| AppRole {
        id: id.to_owned(),
        value: Some(value.to_owned()),
        display_name: value.to_owned(),
        description: None,
        allowed_member_types: vec!["Application".to_owned()],
        is_enabled: true,
    };
    GRAPH_ROLES.into_iter().map(role).collect()
}

fn administrator() -> User {
    User {
        id: seed::AZURE_ADMIN_OBJECT_ID.to_owned(),
        user_principal_name: seed::AZURE_ADMIN.to_owned(),
        display_name: "Ada Administrator".to_owned(),
        directory_roles: vec![APPLICATION_ADMINISTRATOR.to_owned()],
    }
}

fn scientist() -> User {
    User {
        id: seed::DANA_OBJECT_ID.to_owned(),
        user_principal_name: seed::DANA.to_owned(),
        display_name: "Dana Scientist".to_owned(),
        directory_roles: Vec::new(),
    }
}

fn group() -> Group {
    Group {
        id: seed::ONCOLOGY_GROUP.to_owned(),
        display_name: "oncology".to_owned(),
        security_enabled: true,
        members: vec![seed::ONCOLOGY_CI.object_id.to_owned()],
    }
}
