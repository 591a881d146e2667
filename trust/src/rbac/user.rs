//! Which groups the API server puts a user into by its name alone.

/// The user name of a service account: `system:serviceaccount:NAMESPACE:NAME`.
/// Source: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects>
pub fn service_account_user(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// The groups of a user who brings none of their own: a service account is in the group of all service accounts and in
/// that of its namespace, a node is in that of the nodes; whoever is not anonymous is authenticated.
/// Source: <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens>
pub fn groups_of(user: &str) -> Vec<String> {
    if user == "system:anonymous" {
        return vec!["system:unauthenticated".to_owned()];
    }
    let authenticated = "system:authenticated".to_owned();
    if user.starts_with("system:node:") {
        return vec!["system:nodes".to_owned(), authenticated];
    }
    match namespace_of_account(user) {
        Some(namespace) => vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            authenticated,
        ],
        None => vec![authenticated],
    }
}

/// The namespace in a service account's user name.
fn namespace_of_account(user: &str) -> Option<&str> {
    let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let whole = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    whole.then_some(namespace)
}
