//! Microsoft's own SDKs against the sandbox: log-ins and blobs. What they accept is what we claim to be.

use std::num::NonZero;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, Transport, Url};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use azure_storage_blob::models::{BlobClientDownloadOptions, BlobContainerClientListBlobsOptions};
use azure_storage_blob::{BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde_json::json;

use crate::quay::sandbox::seed;
use crate::quay::sandbox::world::Fault;
use crate::quay::{BLOB_READER, Issuer, Quay, container};

fn options(quay: &Quay) -> ClientOptions {
    let mut custom = CustomConfiguration::default();
    custom.authority_host = format!("https://{}", quay.sandbox.addresses().entra);
    ClientOptions {
        cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
        transport: Some(Transport::new(Arc::new(quay.client.clone()))),
        ..ClientOptions::default()
    }
}

fn secret_log_in(quay: &Quay, secret: Option<String>) -> Arc<dyn TokenCredential> {
    let known = quay.sandbox.world.azure.client_secret(seed::CELLAR_CI.client_id).unwrap();
    let options = ClientSecretCredentialOptions { client_options: options(quay) };
    let secret = Secret::new(secret.unwrap_or(known));
    ClientSecretCredential::new(seed::TENANT, seed::CELLAR_CI.client_id.to_owned(), secret, Some(options))
        .unwrap()
}

#[tokio::test]
async fn log_ins_by_secret_and_by_token_file() {
    let quay = Quay::new().await;
    let scopes = ["https://management.azure.com/.default"];
    let token = secret_log_in(&quay, None).get_token(&scopes, None).await.unwrap();
    assert!(quay.sandbox.world.minted.all().contains(&token.token.secret().to_owned()));
    let wrong = secret_log_in(&quay, Some("wrong".to_owned())).get_token(&scopes, None).await.unwrap_err();
    assert!(wrong.to_string().contains("AADSTS7000215"), "{wrong}");

    let issuer = Issuer::new().await;
    let body = json!({ "name": "outside", "issuer": issuer.url, "subject": "s",
        "audiences": ["api://AzureADTokenExchange"] });
    let path =
        format!("applications/{}/federatedIdentityCredentials", seed::ONCOLOGY_CI.application_object_id);
    assert_eq!(quay.graph(reqwest::Method::POST, &path, Some(body)).await.0, 201);
    let file = quay.sandbox.folder().join("outside.token");
    let assertion = issuer.token("s", "api://AzureADTokenExchange", quay.sandbox.world.clock.seconds());
    std::fs::write(&file, assertion).unwrap();
    let by_file = WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions { client_options: options(&quay) },
        client_id: Some(seed::ONCOLOGY_CI.client_id.to_owned()),
        tenant_id: Some(seed::TENANT.to_owned()),
        token_file_path: Some(file),
    }))
    .unwrap();
    assert!(by_file.get_token(&scopes, None).await.is_ok());
}

#[tokio::test]
async fn blobs_are_listed_and_read_in_parts() {
    let quay = Quay::new().await;
    quay.assign(seed::CELLAR_CI.object_id, BLOB_READER, &container()).await;
    let world = &quay.sandbox.world;
    let files =
        [("a & b", Bytes::from_static(b"x")), ("deep/c", Bytes::from_static(b"yy")), ("empty", Bytes::new())];
    world.azure.add_model("Listed", "1", &[], &files, &world.clock);
    let folder = world.azure.models().version("Listed", "1").unwrap().folder.clone();
    let container = BlobContainerClient::new(
        Url::parse(&quay.blob_url("")).unwrap(),
        Some(secret_log_in(&quay, None)),
        Some(BlobContainerClientOptions { client_options: options(&quay), ..Default::default() }),
    )
    .unwrap();
    let wanted = BlobContainerClientListBlobsOptions {
        prefix: Some(format!("{folder}/")),
        maxresults: Some(2),
        ..Default::default()
    };
    let blobs: Vec<_> = container.list_blobs(Some(wanted)).unwrap().try_collect().await.unwrap();
    let listed: Vec<_> = blobs
        .iter()
        .map(|blob| {
            let properties = blob.properties.as_ref().unwrap();
            assert!(properties.etag.is_some() && properties.last_modified.is_some());
            (blob.name.clone().unwrap(), properties.content_length.unwrap())
        })
        .collect();
    let expected = [("a & b", 1), ("deep/c", 2), ("empty", 0)];
    assert_eq!(listed, expected.map(|(name, size)| (format!("{folder}/{name}"), size)));
    let empty = container.blob_client(&format!("{folder}/empty")).download(None).await.unwrap();
    assert!(empty.body.try_collect::<Vec<Bytes>>().await.unwrap().concat().is_empty());
}

#[tokio::test]
async fn a_large_blob_is_read_in_parallel_parts_through_a_throttle() {
    let quay = Quay::new().await;
    quay.assign(seed::CELLAR_CI.object_id, BLOB_READER, &container()).await;
    let world = &quay.sandbox.world;
    world.azure.add_synthetic_model("Large", "1", "weights.bin", (5 << 20) + 3, &world.clock);
    let name = format!("{}/weights.bin", world.azure.models().version("Large", "1").unwrap().folder);
    let url = quay.blob_url(&format!("/{name}"));
    let blob = BlobClient::new(
        Url::parse(&url).unwrap(),
        Some(secret_log_in(&quay, None)),
        Some(BlobClientOptions { client_options: options(&quay), ..Default::default() }),
    )
    .unwrap();
    world.faults.arm("blob", Fault::Throttle { retry_after: 0 });
    let parts = BlobClientDownloadOptions {
        parallel: NonZero::new(3),
        partition_size: NonZero::new(1 << 20),
        ..Default::default()
    };
    let download = blob.download(Some(parts)).await.unwrap();
    let read = download.body.try_collect::<Vec<Bytes>>().await.unwrap().concat();
    let content = world.azure.models().blobs.get(&name).unwrap().content.clone();
    let mut at = 0;
    while at < content.size() {
        let piece = content.chunk(at, u64::MAX);
        let start = usize::try_from(at).unwrap();
        assert!(read[start..start + piece.len()] == piece[..], "differs after {at}");
        at += piece.len() as u64;
    }
    assert_eq!(read.len() as u64, content.size());
}
