//! What a sandbox knows by name: its addresses and the secrets that lie in its folder.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::seed;
use crate::world::World;

/// The names of a sandbox's own values, as transcripts write them in `${…}`, with what they are worth here.
pub fn known(world: &World) -> Vec<(String, String)> {
    let mut known: Vec<(String, String)> = Vec::new();
    let addresses = world.addresses().and_then(|addresses| serde_json::to_value(addresses).ok());
    for (service, address) in addresses.iter().filter_map(|it| it.as_object()).flatten() {
        if let Some(address) = address.as_str() {
            known.push((format!("address:{service}"), address.to_owned()));
        }
    }
    known.push(("secret-of:host".to_owned(), world.azure.host().secret.clone()));
    known.push(("secret-of:github-job".to_owned(), world.pipelines.github_request_token.clone()));
    known.push(("secret-of:pipelines-job".to_owned(), world.pipelines.system_access_token.clone()));
    for machine in [&seed::ONCOLOGY_CI, &seed::CELLAR_CI, &seed::STRANGER] {
        if let Some(secret) = world.azure.client_secret(machine.client_id) {
            known.push((format!("secret-of:{}", machine.name), secret));
        }
    }
    let credentials = world.google.administrator_credentials();
    known.push(("adc:client_id".to_owned(), credentials.client_id.clone()));
    known.push(("adc:client_secret".to_owned(), credentials.client_secret.clone()));
    known.push(("adc:refresh_token".to_owned(), credentials.refresh_token.clone()));
    for folder in ["", "az/"] {
        known.extend(tokens(world, folder));
    }
    known.push(("ca:base64".to_owned(), STANDARD.encode(&world.authority.certificate)));
    known.push(("ca".to_owned(), world.authority.certificate.clone()));
    known.push(("folder".to_owned(), world.folder.display().to_string()));
    known
}

/// The files of tokens in one of the folder's folders.
fn tokens(world: &World, folder: &str) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(world.folder.join(folder)).into_iter().flatten().flatten();
    let token = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let name = path.file_name()?.to_str().filter(|_| path.extension().is_some_and(|it| it == "token"))?;
        let text = std::fs::read_to_string(&path).ok().filter(|text| !text.trim().is_empty())?;
        Some((format!("file:{folder}{name}"), text.trim().to_owned()))
    };
    entries.filter_map(token).collect()
}
