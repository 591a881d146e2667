//! Any bytes as an index of images: its platforms are read as they are written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::Digest;
use oci::copy::{Manifest, Platform};

const TYPES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

fuzz_target!(|bytes: &[u8]| {
    for media_type in TYPES {
        let Ok(manifest) = Manifest::read(media_type, bytes) else { continue };
        for child in manifest.children() {
            if let Ok(digest) = Digest::parse(child.digest().as_ref()) {
                assert_eq!(digest.as_str(), child.digest().as_ref());
            }
            let Some(platform) = child.platform() else { continue };
            let written = format!("{}/{}", platform.os(), platform.architecture());
            if let Ok(read) = written.parse::<Platform>() {
                assert_eq!(read.to_string(), written);
            }
        }
    }
});
