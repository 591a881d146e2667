//! Foreign layers: layers that a manifest names by address and that no registry holds, such as Windows' base layers. They
//! stay where they are; whoever runs the image fetches them there.

use oci_spec::image::Descriptor;

/// Whether a layer is fetched from elsewhere by its own address.
pub(super) fn is_foreign(descriptor: &Descriptor) -> bool {
    let media_type = descriptor.media_type().to_string();
    let named_so = media_type.contains("nondistributable") || media_type.contains(".foreign.");
    named_so && descriptor.urls().as_ref().is_some_and(|urls| !urls.is_empty())
}
