//! `gangplank scorer push`: the scorer's image in a repository of one's own.

use std::collections::BTreeMap;

use bridge::image::{Base, ImagePlan};
use bridge::port::ImageStore;

use super::connect;
use crate::args::{Scorer, ScorerVerb};
use crate::context::Context;
use crate::output::{Progress, print};
use crate::report::{Exit, Failure, refused};

/// Pushes the image and prints its name.
pub async fn run(context: &Context, flags: &Scorer) -> Result<Exit, Failure> {
    let ScorerVerb::Push { scorer } = &flags.verb;
    let caller = connect::caller(context, None, scorer.as_deref())?;
    let progress = Progress::new(context.format);
    let pushed = caller.images().push(&plan(context), caller.models(), &progress).await;
    let pushed = pushed.map_err(|error| refused("push the scorer's image", &error))?;
    print(context.format, &pushed);
    Ok(Exit::Fine)
}

/// The base alone, without a model.
fn plan(context: &Context) -> ImagePlan {
    let google = &context.bridge.google;
    let title = [
        ("org.opencontainers.image.title", "gangplank-scorer"),
        ("org.opencontainers.image.version", VERSION),
    ];
    ImagePlan {
        repository: format!("{}/{}/gangplank-scorer", google.project, google.repository),
        tag: VERSION.to_owned(),
        base: Base::Scorer,
        link: None,
        layers: Vec::new(),
        env: BTreeMap::new(),
        labels: BTreeMap::new(),
        annotations: title.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
