//! Breaking the trust by hand, as a person in Google's console would: the provider gets another audience.

use ::sandbox::{Sandbox, seed};
use serde_json::{Value, json};

use super::broken;
use crate::report::Failure;

/// Gives the provider the application's identifier URI as audience, which tokens of version 2 never carry.
pub(super) async fn wrong_audience(sandbox: &Sandbox) -> Result<(), Failure> {
    let token = log_in(sandbox).await?;
    let provider = format!(
        "http://{}/v1/projects/{}/locations/global/workloadIdentityPools/gangplank/providers/entra",
        sandbox.addresses().iam,
        seed::PROJECT
    );
    let body = json!({"oidc": {"allowedAudiences": [format!("api://{}/gangplank-bridge", seed::TENANT)]}});
    let reply = reqwest::Client::new()
        .patch(format!("{provider}?updateMask=oidc.allowedAudiences"))
        .bearer_auth(token)
        .json(&body)
        .send()
        .await
        .map_err(|error| broken("the provider could not be edited").because(&error))?;
    if reply.status().is_success() {
        Ok(())
    } else {
        Err(broken(format!("editing the provider gave {}", reply.status())))
    }
}

/// The administrator's own log-in, as Google's client libraries use it.
async fn log_in(sandbox: &Sandbox) -> Result<String, Failure> {
    let path = sandbox.folder().join("adc.json");
    let text = crate::edge::read(&path).map_err(|error| broken("no log-in").because(&error))?;
    let log_in: Value = serde_json::from_slice(&text).map_err(|error| broken("no log-in").because(&error))?;
    let field = |name: &str| log_in.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("client_id", field("client_id")),
        ("client_secret", field("client_secret")),
        ("refresh_token", field("refresh_token")),
    ];
    let sent = reqwest::Client::new().post(field("token_uri")).form(&form).send().await;
    let reply = sent.map_err(|error| broken("no log-in").because(&error))?;
    let reply: Value = reply.json().await.map_err(|error| broken("no log-in").because(&error))?;
    let token = reply.get("access_token").and_then(Value::as_str);
    Ok(token.ok_or_else(|| broken("the log-in gave no token"))?.to_owned())
}
