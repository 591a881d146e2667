//! What is put beside images.

use bridge::image::Seals;
use clap::Args;

/// What is put beside an image.
#[derive(Debug, Clone, Default, Args)]
pub struct Sealed {
    /// Put no SBOM and no provenance beside the image.
    #[arg(long)]
    pub no_provenance: bool,
}

impl Sealed {
    /// The same, as the acts take it.
    pub fn seals(&self) -> Seals {
        Seals { provenance: !self.no_provenance }
    }
}
