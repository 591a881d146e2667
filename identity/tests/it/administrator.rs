//! An administrator's own Google log-in.

use std::path::PathBuf;

use gangplank_identity::source::{Administrator, administrator_google};
use gangplank_identity::{Environment, Hop, source::adc::AdcError};
use google_cloud_auth::credentials::CacheableResource;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{self, Hit, Reply, raw, reply};

const REFRESH: &str = "1//refresh-token-content";

fn user(token_uri: &str) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "gcloud",
        "client_secret": "client-secret-content",
        "refresh_token": REFRESH,
        "quota_project_id": "harbour",
        "token_uri": token_uri,
    })
}

fn write(folder: &TempDir, content: &str) -> PathBuf {
    let file = folder.path().join("adc.json");
    std::fs::write(&file, content).unwrap();
    file
}

fn named(file: &std::path::Path) -> Environment {
    Environment::from_pairs([("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap())])
}

async fn logged_in(
    answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static,
) -> (Administrator, fake::Fake, TempDir) {
    let oauth2 = fake::http(answer).await;
    let folder = TempDir::new().unwrap();
    let file = write(&folder, &user(&format!("{}/token", oauth2.address)).to_string());
    (administrator_google(&named(&file)).unwrap(), oauth2, folder)
}

#[tokio::test]
async fn a_users_log_in_gives_headers_for_libraries_and_for_everything_else() {
    let answer = json!({"access_token": "user-token", "expires_in": 3599, "token_type": "Bearer"});
    let (administrator, oauth2, _folder) = logged_in(move |_| reply(200, &answer)).await;
    let header = administrator.bearer.header().await.unwrap();
    assert!(header.is_sensitive());
    assert_eq!(header.to_str().unwrap(), "Bearer user-token");
    let CacheableResource::New { data, .. } =
        administrator.credentials.headers(::http::Extensions::new()).await.unwrap()
    else {
        panic!("a first answer is new")
    };
    assert!(data["authorization"].is_sensitive());
    assert_eq!(data["x-goog-user-project"], "harbour");
    assert!(oauth2.hits()[0].body.contains(REFRESH));
    assert_eq!((administrator.kind.as_str(), administrator.is_long_lived_key()), ("authorized_user", false));
    let shown = format!("{administrator:?} {data:?}");
    for secret in [REFRESH, "client-secret-content", "user-token"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn the_environment_says_which_project_is_charged() {
    let answer = json!({"access_token": "user-token", "expires_in": 3599, "token_type": "Bearer"});
    let oauth2 = fake::http(move |_| reply(200, &answer)).await;
    let folder = TempDir::new().unwrap();
    let file = write(&folder, &user(&format!("{}/token", oauth2.address)).to_string());
    let environment = Environment::from_pairs([
        ("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap()),
        ("GOOGLE_CLOUD_QUOTA_PROJECT", "paying"),
    ]);
    let administrator = administrator_google(&environment).unwrap();
    let CacheableResource::New { data, .. } =
        administrator.credentials.headers(::http::Extensions::new()).await.unwrap()
    else {
        panic!("a first answer is new")
    };
    assert_eq!(data["x-goog-user-project"], "paying");
}

#[tokio::test]
async fn a_log_in_that_ran_out_says_so_and_repeats_no_answer() {
    let body = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked.",
        "access_token": "leaked-token"});
    let (administrator, _oauth2, _folder) = logged_in(move |_| reply(400, &body)).await;
    let error = administrator.bearer.header().await.unwrap_err();
    assert_eq!(
        (error.hop(), error.status(), error.code()),
        (Hop::ApplicationDefault, Some(400), Some("invalid_grant"))
    );
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("Token has been expired or revoked.") && shown.contains("gcloud auth"), "{shown}");
    assert!(!shown.contains("leaked"), "{shown}");
    let library = administrator.credentials.headers(::http::Extensions::new()).await.unwrap_err();
    let shown = format!("{library} {library:?}");
    assert!(!shown.contains("leaked"), "{shown}");
}

#[tokio::test]
async fn an_answer_that_is_no_token_is_not_repeated() {
    for lie in [raw(200, "<html>leaked-token</html>"), raw(403, "<html>leaked-token</html>")] {
        let (administrator, _oauth2, _folder) = logged_in(move |_| lie.clone()).await;
        let error = administrator.bearer.header().await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("leaked"), "{error:?}");
    }
}

#[tokio::test]
async fn files_that_are_no_log_in_are_named_and_not_repeated() {
    let folder = TempDir::new().unwrap();
    let contents = [
        ("", "no JSON"),
        ("{\"refresh_token\": \"leaked-token\", oops", "no JSON"),
        ("{\"refresh_token\": \"leaked-token\"}", "no `type`"),
        ("{\"type\": \"gdch_service_account\", \"key\": \"leaked-token\"}", "gdch_service_account"),
        ("{\"type\": \"authorized_user\", \"refresh_token\": \"leaked-token\"}", "client_id"),
    ];
    for (content, wanted) in contents {
        let error = administrator_google(&named(&write(&folder, content))).unwrap_err();
        assert!(matches!(error, AdcError::Malformed { .. }), "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(wanted) && !shown.contains("leaked"), "{shown}");
    }
    let absent = administrator_google(&named(&folder.path().join("absent"))).unwrap_err();
    assert!(matches!(absent, AdcError::Unreadable { .. }), "{absent:?}");
}

#[tokio::test]
async fn the_well_known_file_is_found_below_home() {
    let home = TempDir::new().unwrap();
    let environment = Environment::from_pairs([("HOME", home.path().to_str().unwrap())]);
    let nothing = administrator_google(&environment).unwrap_err();
    assert!(matches!(nothing, AdcError::NothingFound { .. }), "{nothing:?}");
    assert!(nothing.to_string().contains("gcloud auth application-default login"), "{nothing}");
    let folder = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("application_default_credentials.json");
    std::fs::write(&file, user("http://127.0.0.1:1/token").to_string()).unwrap();
    assert_eq!(administrator_google(&environment).unwrap().file, file);
    assert!(administrator_google(&Environment::default()).is_err());
}
