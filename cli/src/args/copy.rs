//! Flags of `copy`.

use clap::Args;
use oci::copy::Platform;

use super::Transfer;

/// Flags of `copy`.
#[derive(Debug, Clone, Args)]
pub struct Copy {
    /// The image: HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:…, after https:// if HOST is on loopback and speaks TLS.
    pub from: String,
    /// Its name afterwards; by default in the bridge's repository, under the last part of its name and its tag.
    pub to: Option<String>,
    /// Only the image for this platform, out of an index of several.
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    pub platform: Option<Platform>,
    /// Leave signatures, SBOMs and attestations behind.
    #[arg(long)]
    pub no_referrers: bool,
    /// Take the tag from the image that has it now.
    #[arg(long)]
    pub replace: bool,
    /// Blobs under way at the same time; each takes up to 2 MiB of memory.
    #[arg(long, value_name = "N", default_value_t = oci::copy::WINDOW, value_parser = window)]
    pub window: usize,
    /// How long the bytes may take.
    #[command(flatten)]
    pub transfer: Transfer,
}

/// One blob at least, and no more than memory for a few windows each.
fn window(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number @ 1..=64) => Ok(number),
        _ => Err("expected a number from 1 to 64".to_owned()),
    }
}
