//! Any bytes as an image's manifest, whatever the answer's header says of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::copy::Manifest;

const TYPES: [&str; 3] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "",
];

fuzz_target!(|bytes: &[u8]| {
    for media_type in TYPES {
        let Ok(manifest) = Manifest::read(media_type, bytes) else { continue };
        let blobs = manifest.blobs();
        if let Manifest::Image(image) = &manifest {
            assert!(!blobs.is_empty() && blobs.len() <= image.layers().len() + 1);
            assert!(manifest.children().is_empty());
        } else {
            assert!(blobs.is_empty());
        }
        assert!(blobs.iter().all(|blob| blob.size() <= manifest.blob_bytes()));
    }
});
