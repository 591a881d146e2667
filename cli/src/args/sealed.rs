//! What is put beside images.

use bridge::signing_key::SigningKey;
use clap::Args;

/// What is put beside an image.
#[derive(Debug, Clone, Default, Args)]
pub struct Sealed {
    /// Put no SBOM and no provenance beside the image.
    #[arg(long)]
    pub no_provenance: bool,
    /// Sign the image, its SBOM and its provenance with this version of a key in Cloud KMS; by default `google.signingKey` of
    /// the bridge file.
    #[arg(long, value_name = "gcpkms://…/cryptoKeyVersions/V")]
    pub sign: Option<SigningKey>,
}
