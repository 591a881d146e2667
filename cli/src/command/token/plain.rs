//! `gangplank token plain`: the token itself, for `curl` and scripts.

use identity::Form;

use super::broker::Broker;
use super::wanted::Wanted;
use crate::args::TokenPlain;
use crate::report::{Exit, Failure};

/// Writes the token.
pub(super) fn run(broker: &Broker, flags: &TokenPlain) -> Result<Exit, Failure> {
    let wanted = match (&flags.team, &flags.azure) {
        (_, Some(scope)) => Wanted::Azure { scope: scope.clone() },
        (Some(team), None) => Wanted::Team { team: Some(team.clone()), lifetime: flags.lifetime },
        (None, None) => Wanted::Federated,
    };
    broker.hand_over(&wanted, Form::Plain)
}
