//! Blobs: lists, ranges, conditions, data roles.

use bytes::Bytes;
use reqwest::{Method, Response};

use crate::quay::Quay;
use crate::quay::sandbox::seed;

async fn get(quay: &Quay, url: &str, token: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = quay.client.get(url).bearer_auth(token).header("x-ms-version", "2025-11-05");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// The URL of a ten-byte blob.
fn ten_bytes(quay: &Quay) -> String {
    let world = &quay.sandbox.world;
    let files = [("ten", Bytes::from_static(b"0123456789")), ("sub folder/<ä>&", Bytes::from_static(b"x"))];
    world.azure.add_model("Small", "1", &[], &files, &world.clock);
    let folder = world.azure.models().version("Small", "1").unwrap().folder.clone();
    quay.blob_url(&format!("/{folder}/ten"))
}

#[tokio::test]
async fn ranges_and_conditions() {
    let quay = Quay::new().await;
    let (token, url) = (quay.blob_reader().await, ten_bytes(&quay));
    let whole = get(&quay, &url, &token, &[]).await;
    assert_eq!((whole.status().as_u16(), whole.headers()["content-length"].to_str().unwrap()), (200, "10"));
    assert_eq!(whole.headers()["x-ms-version"], "2025-11-05");
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    assert!(etag.starts_with("\"0x"), "{etag}");
    for (range, status, content_range, body) in [
        ("bytes=2-4", 206, "bytes 2-4/10", "234"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=7-99", 206, "bytes 7-9/10", "789"),
    ] {
        let part = get(&quay, &url, &token, &[("x-ms-range", range), ("if-match", &etag)]).await;
        assert_eq!(
            (part.status().as_u16(), part.headers()["content-range"].to_str().unwrap()),
            (status, content_range)
        );
        assert_eq!(part.text().await.unwrap(), body, "{range}");
    }
    let summed = [("x-ms-range-get-content-crc64", "true"), ("range", "bytes=0-")];
    let part = get(&quay, &url, &token, &summed).await;
    // As Microsoft's `@azure/storage-common` 12.4.1 sums up `0123456789`.
    assert_eq!(part.headers()["x-ms-content-crc64"], "HZz9TO6x+RU=");
    let unbounded = get(&quay, &url, &token, &summed[..1]).await;
    assert_eq!(unbounded.headers()["x-ms-error-code"], "InvalidHeaderValue");
    let beyond = get(&quay, &url, &token, &[("range", "bytes=10-")]).await;
    assert_eq!(
        (beyond.status().as_u16(), beyond.headers()["x-ms-error-code"].to_str().unwrap()),
        (416, "InvalidRange")
    );
    let changed = get(&quay, &url, &token, &[("if-match", "\"0xOTHER\"")]).await;
    assert_eq!(changed.status(), 412);
    assert_eq!(changed.headers()["x-ms-error-code"], "ConditionNotMet");
    assert_eq!(get(&quay, &url, &token, &[("if-none-match", &etag)]).await.status(), 304);
    let head = quay.client.head(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "10"));
    let missing = get(&quay, &format!("{url}x"), &token, &[]).await;
    assert_eq!(missing.headers()["x-ms-error-code"], "BlobNotFound");
    assert!(missing.text().await.unwrap().contains("<Code>BlobNotFound</Code>"));
}

#[tokio::test]
async fn lists_are_paged_and_folded_and_escaped() {
    let quay = Quay::new().await;
    let (token, url) = (quay.blob_reader().await, ten_bytes(&quay));
    let folder =
        url.split_once(seed::CONTAINER).unwrap().1.trim_start_matches('/').trim_end_matches("ten").to_owned();
    let list = |more: &str| quay.blob_url(&format!("?restype=container&comp=list&prefix={folder}{more}"));
    let page = get(&quay, &list("&maxresults=1"), &token, &[]).await.text().await.unwrap();
    let body = page.strip_prefix('\u{feff}').unwrap();
    assert!(
        body.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=")
    );
    assert!(page.contains(&format!("<Name>{folder}sub folder/&lt;ä&gt;&amp;</Name>")), "{page}");
    let marker = page.split_once("<NextMarker>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let page =
        get(&quay, &list(&format!("&maxresults=1&marker={marker}")), &token, &[]).await.text().await.unwrap();
    assert!(
        page.contains("<Content-Length>10</Content-Length>") && page.contains("<NextMarker />"),
        "{page}"
    );
    let by_folder = get(&quay, &list("&delimiter=/"), &token, &[]).await.text().await.unwrap();
    assert!(
        by_folder.contains(&format!("<BlobPrefix><Name>{folder}sub folder/</Name></BlobPrefix>")),
        "{by_folder}"
    );
    assert!(by_folder.contains(&format!("<Name>{folder}ten</Name>")));
    let odd = quay.blob_url(&format!("/{folder}sub%20folder/%3C%C3%A4%3E&"));
    assert_eq!(get(&quay, &odd, &token, &[]).await.text().await.unwrap(), "x");
}

#[tokio::test]
async fn only_data_roles_open_blobs() {
    let quay = Quay::new().await;
    let url = ten_bytes(&quay);
    // An owner of the subscription has no data role.
    let owner = get(&quay, &url, &quay.administrator("storage"), &[]).await;
    assert_eq!(
        (owner.status().as_u16(), owner.headers()["x-ms-error-code"].to_str().unwrap()),
        (403, "AuthorizationPermissionMismatch")
    );
    let bare = quay.client.get(&url).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert!(bare.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer authorization_uri="));
    let wrong = get(&quay, &url, &quay.administrator("management"), &[]).await;
    assert_eq!(wrong.status(), 401);
    assert!(wrong.text().await.unwrap().contains("Audience validation failed."));
    let token = quay.blob_reader().await;
    let elsewhere = quay.blob_url("-other?restype=container&comp=list");
    assert_eq!(get(&quay, &elsewhere, &token, &[]).await.status(), 403);
    let account = quay.blob_url("").replace(seed::STORAGE_ACCOUNT, "other");
    assert_eq!(get(&quay, &account, &token, &[]).await.status(), 404);
    quay.sandbox.world.clock.advance(std::time::Duration::from_hours(2));
    let late = get(&quay, &url, &token, &[]).await;
    assert_eq!(
        (late.status().as_u16(), late.headers()["x-ms-error-code"].to_str().unwrap()),
        (401, "InvalidAuthenticationInfo")
    );
    assert!(late.text().await.unwrap().contains("Lifetime validation failed. The token is expired."));
    let put = quay.send(Method::PUT, &url, &token, None).await;
    assert_eq!(put.0, 401);
}

#[tokio::test]
async fn a_synthetic_blob_is_the_same_in_parts_and_as_a_whole() {
    let quay = Quay::new().await;
    let token = quay.blob_reader().await;
    let world = &quay.sandbox.world;
    let size: u64 = 3 * 1024 * 1024 + 17;
    world.azure.add_synthetic_model("Large", "1", "weights.bin", size, &world.clock);
    let folder = world.azure.models().version("Large", "1").unwrap().folder.clone();
    let url = quay.blob_url(&format!("/{folder}/weights.bin"));
    let whole = get(&quay, &url, &token, &[]).await;
    assert_eq!(whole.content_length(), Some(size));
    let whole = whole.bytes().await.unwrap();
    assert_eq!(whole.len() as u64, size);
    let part = get(&quay, &url, &token, &[("range", "bytes=1000000-2000000")]).await.bytes().await.unwrap();
    assert_eq!(part, whole.slice(1_000_000..2_000_001));
    // A listing knows its size without any byte of it.
    world.azure.add_synthetic_model("Vast", "1", "weights.bin", 1 << 40, &world.clock);
    let folder = world.azure.models().version("Vast", "1").unwrap().folder.clone();
    let last = format!("bytes={}-", (1_u64 << 40) - 5);
    let end =
        get(&quay, &quay.blob_url(&format!("/{folder}/weights.bin")), &token, &[("range", &last)]).await;
    assert_eq!(end.bytes().await.unwrap().len(), 5);
}
