//! Listings: which blobs are files, and which are refused.

use super::store::Store;
use super::*;

#[test]
fn files_are_named_below_their_version() {
    for (place, name, expected) in [
        ("m/1", "m/1/model.onnx", Some("model.onnx")),
        ("m/1", "m/1/a/b", Some("a/b")),
        ("m/1", "m/10/model.onnx", None),
        ("m/1", "m/1/", None),
        ("m/1", "m/1/folder/", None),
        ("m/1/model.onnx", "m/1/model.onnx", Some("model.onnx")),
        ("m/1/model.onnx", "m/1/model.onnx.bak", None),
    ] {
        assert_eq!(relative(place, name).as_deref(), expected, "{name} below {place}");
    }
}

#[test]
fn folders_are_no_files() {
    let container = Url::parse("https://quay.blob.core.windows.net/models").unwrap();
    let listed = [("m/1", 0), ("m/1/a", 0), ("m/1/a/weights", 7), ("m/1/a.txt", 3), ("m/1/empty", 0)];
    let blobs = listed.map(|(name, size)| {
        let url = blob_url(&container, name).unwrap().into();
        let path = relative("m/1", name).unwrap();
        (name.to_owned(), ModelFile { path, size, etag: "\"0x8D\"".to_owned(), url })
    });
    let files: Vec<String> = without_folders(blobs.into()).into_iter().map(|file| file.path).collect();
    assert_eq!(files, ["a/weights", "a.txt", "empty"]);
}

#[test]
fn links_and_devices_are_named() {
    let kind = |marks: &[(&str, &str)]| {
        let marks = marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        kind(Some(&marks.collect()))
    };
    assert_eq!(kind(&[]), Kind::File);
    assert_eq!(kind(&[("is_symlink", "false"), ("modtime", "true")]), Kind::File);
    assert_eq!(kind(&[("Hdi_IsFolder", "True")]), Kind::Folder);
    assert_eq!(kind(&[("is_symlink", "true")]), Kind::Special("a symbolic link"));
    let refused = special("m/1", Some("m/1/sub/w.bin"), "a symbolic link").unwrap_err();
    assert!(refused.message.starts_with("`sub/w.bin` is a symbolic link"), "{refused}");
    assert!(special("m/1", Some("m/10/w.bin"), "a device").is_ok(), "another version's");
}

#[test]
fn etags_are_quoted_once() {
    assert_eq!(quoted("0x8D"), "\"0x8D\"");
    assert_eq!(quoted("\"0x8D\""), "\"0x8D\"");
}

/// A blob as a listing has it.
fn blob(name: &str, size: u64, metadata: &str) -> String {
    format!(
        "<Blob><Name>{name}</Name><Properties><Etag>0x8D</Etag><Content-Length>{size}</Content-Length>\
         <BlobType>BlockBlob</BlobType></Properties><Metadata>{metadata}</Metadata></Blob>"
    )
}

async fn listed(pages: &[&str]) -> PortResult<Vec<(String, u64)>> {
    let store = Store::start().await;
    store.list(pages);
    let place = Place { account: "account".into(), container: "container".into(), path: "m/1".into() };
    let files = store.blobs().files(&place).await?;
    Ok(files.into_iter().map(|file| (file.path, file.size)).collect())
}

#[tokio::test]
async fn a_listing_in_whatever_order_and_pages_is_one_list() {
    let one = [blob("m/1/z", 1, ""), blob("m/1/a b/\u{6570}", 0, "")].concat();
    let two = [blob("m/1/deep/er/x", 9 << 30, "<modtime>7</modtime>"), blob("m/10/other", 5, "")].concat();
    let expected = [("a b/\u{6570}", 0), ("deep/er/x", 9 << 30), ("z", 1)];
    let expected: Vec<_> = expected.into_iter().map(|(path, size)| (path.to_owned(), size)).collect();
    for pages in [[one.as_str(), two.as_str()], [two.as_str(), one.as_str()]] {
        assert_eq!(listed(&pages).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn what_is_no_file_is_refused_by_its_name() {
    for (metadata, what) in [
        ("<is_symlink>true</is_symlink>", "a symbolic link"),
        ("<Is_Symlink>True</Is_Symlink>", "a symbolic link"),
        ("<is_char_dev>true</is_char_dev>", "a device"),
        ("<is_fifo>true</is_fifo>", "a named pipe"),
    ] {
        let page = [blob("m/1/fine", 1, ""), blob("m/1/sub/odd", 9, metadata)].concat();
        let refused = listed(&[&page]).await.unwrap_err();
        assert_eq!(refused.kind, Refused::Invalid);
        assert!(refused.message.starts_with(&format!("`sub/odd` is {what}, expected a file")), "{refused}");
    }
    let page = [blob("m/1/sub", 0, "<hdi_isfolder>true</hdi_isfolder>"), blob("m/1/sub/x", 1, "")].concat();
    assert_eq!(listed(&[&page]).await.unwrap(), [("sub/x".to_owned(), 1)]);
}
