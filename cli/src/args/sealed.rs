//! What is put beside images.

use clap::Args;

/// What is put beside an image.
#[derive(Debug, Clone, Default, Args)]
pub struct Sealed {
    /// Put no SBOM and no provenance beside the image.
    #[arg(long)]
    pub no_provenance: bool,
}
