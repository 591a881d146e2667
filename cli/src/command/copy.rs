//! `gangplank copy`: an image from registry to registry, without a local copy.

use bridge::image::CopiedImage;
use bridge::spec::Bridge;
use clouds::{CopyRequest, Images};
use oci::copy::{Options, Platforms};
use oci::reference::{Reference, Version};

use super::connect;
use crate::args::Copy;
use crate::context::Context;
use crate::output::{Human, Progress, print};
use crate::report::{Exit, Failure, refused};

/// Copies and prints the copy's name.
pub async fn run(context: &Context, flags: &Copy) -> Result<Exit, Failure> {
    let from = named(&flags.from)?;
    let caller = connect::carrier(context, None, None, flags.transfer)?;
    let to = match &flags.to {
        Some(to) => named(to)?.to_string(),
        None => destination(&context.bridge, caller.images(), &from)?,
    };
    let platforms = flags.platform.clone().map_or(Platforms::All, Platforms::One);
    let (referrers, window, replace) = (!flags.no_referrers, flags.window, flags.replace);
    let options = Options { platforms, referrers, window, replace };
    let request = CopyRequest { from: from.to_string(), to, options };
    let progress = Progress::new(context.format);
    let copied = caller.images().copy_image(&request, &progress).await;
    let copied = copied.map_err(|error| refused("copy the image", &error))?;
    print(context.format, &copied);
    Ok(Exit::Fine)
}

fn named(text: &str) -> Result<Reference, Failure> {
    Reference::parse(text).map_err(|error| Failure::usage("that names no image").because(&error))
}

/// The image's own name and tag in the bridge's repository.
fn destination(bridge: &Bridge, images: &Images, from: &Reference) -> Result<String, Failure> {
    let Version::Tag(tag) = &from.version else {
        return Err(Failure::usage(format!("`{from}` has no tag that its copy could have"))
            .hint("name the copy: gangplank copy FROM TO"));
    };
    let name = from.repository.rsplit('/').next().unwrap_or(&from.repository);
    let project = bridge.google.project.replace(':', "/");
    Ok(format!("{}/{project}/{}/{name}:{tag}", images.host(), bridge.google.repository))
}

impl Human for CopiedImage {
    fn human(&self) -> String {
        format!("{}\n", self.reference)
    }
}
