//! `gangplank pack`: makes a model version's image and pushes it, and no more.

use std::time::Duration;

use bridge::act::ship::{ShipPorts, ShipRequest, pack};
use bridge::image::PushedImage;

use super::ship::{chosen, failed, reference, require_scorer};
use super::{connect, sealed};
use crate::args::Pack;
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{Human, Progress, print};
use crate::report::{Exit, Failure, refused};

/// Packs and prints the image.
pub async fn run(context: &Context, flags: &Pack) -> Result<Exit, Failure> {
    let named = reference(&flags.model)?;
    let (service, team) = context.service(&named.name, flags.service.as_deref())?;
    require_scorer(service, flags.scorer.as_deref())?;
    let caller = connect::carrier(context, Some(&team.name), flags.scorer.as_deref(), flags.transfer)?;
    let progress = Progress::new(context.format);
    let model = chosen(named, &flags.model, service);
    let models =
        caller.models_of(&model).await.map_err(|error| refused("find the model's registry", &error))?;
    let request = ShipRequest {
        bridge: &context.bridge,
        service,
        model,
        sample: None,
        who: String::new(),
        rollout_deadline: Duration::ZERO,
        seals: sealed::seals(context, &flags.seals, service)?,
    };
    let ports = ShipPorts {
        models: &models,
        images: caller.images(),
        cluster: &(),
        time: &SystemTime,
        watch: &progress,
    };
    let pushed = Box::pin(pack(&request, ports)).await.map_err(|error| failed(&error))?;
    print(context.format, &pushed);
    Ok(Exit::Fine)
}

impl Human for PushedImage {
    fn human(&self) -> String {
        format!("{}\n", self.reference)
    }
}
