//! Why a shipment did not arrive.

use std::time::Duration;

use crate::image::ImageError;
use crate::image::choice::Unserved;
use crate::manifest::{Leak, RenderError};
use crate::port::{ObjectKey, PortError, Refused};
use crate::resolve::ResolveError;
use crate::shipment::UnreadableRecord;

/// Why a shipment did not arrive. Whatever it says, the version that served before still does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShipError {
    /// The service names a team that the bridge does not declare.
    #[error("service `{service}` belongs to team `{team}`, which the bridge does not declare")]
    NoTeam {
        /// The service.
        service: String,
        /// The team.
        team: String,
    },
    /// The reference names no version that the team may serve.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No image can be made of the version.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Nothing of ours serves the version, and nothing else is declared.
    #[error("model `{model}` version `{version}` has no runtime: {source}")]
    Unserved {
        /// The model.
        model: String,
        /// The version.
        version: String,
        /// What was found, and what can be declared.
        source: Unserved,
    },
    /// The base is not signed as the service demands.
    #[error("service `{service}` demands a base that is signed with `{key}`: {reason}")]
    Unsigned {
        /// The service.
        service: String,
        /// The key's file, as the bridge file names it.
        key: String,
        /// What was looked for, where, and what was found.
        reason: String,
    },
    /// The tag is taken by an image of something else.
    #[error(
        "tag `{tag}` of `{repository}` holds an image of {holder}, and pushing would take the tag from it; give the model \
         a repository of its own, or delete that tag"
    )]
    TagTaken {
        /// Repository path.
        repository: String,
        /// The tag.
        tag: String,
        /// The asset id of what is there, or words for an image that is not ours.
        holder: String,
    },
    /// The objects cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// An object of somebody else has the name that one of ours needs.
    #[error(
        "{} is there and does not belong to bridge `{bridge}`; rename the service, or delete that object",
        described(key)
    )]
    Foreign {
        /// The object in the way.
        key: ObjectKey,
        /// Our bridge.
        bridge: String,
    },
    /// The new pods did not become ready. The old ones still serve.
    #[error(
        "service `{service}`: the new version is not up after {}: {reason}; the version before it still serves",
        spoken(*after)
    )]
    RollOut {
        /// The service.
        service: String,
        /// How long it was waited for.
        after: Duration,
        /// Why, in Kubernetes' words.
        reason: String,
    },
    /// Somebody deployed something else meanwhile.
    #[error("service `{service}` was given another image meanwhile, `{image}`; ship again to take it over")]
    Superseded {
        /// The service.
        service: String,
        /// The image it has now.
        image: String,
    },
    /// The service is up and does not answer the sample.
    #[error("service `{service}` is up but answered {status} to {request}: {answer}")]
    Score {
        /// The service.
        service: String,
        /// The HTTP status.
        status: u16,
        /// What was asked.
        request: String,
        /// The first line of the answer.
        answer: String,
    },
    /// The record is there and cannot be read.
    #[error(transparent)]
    Record(#[from] UnreadableRecord),
    /// A service of the world failed or refused.
    #[error("{step}: {source}")]
    Port {
        /// The step it happened in.
        step: &'static str,
        /// What it said.
        source: PortError,
    },
}

impl From<Leak> for ShipError {
    fn from(leak: Leak) -> Self {
        Self::Render(RenderError::Leak(leak))
    }
}

impl ShipError {
    /// Whether shipping again may succeed without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            // A conflict is a file or an object that changed under us: the next run reads it anew.
            Self::Port { source, .. } | Self::Resolve(ResolveError::Source(source)) => {
                source.is_transient() || source.kind == Refused::Conflict
            }
            Self::Superseded { .. } => true,
            _ => false,
        }
    }

    pub(super) fn at(step: &'static str) -> impl Fn(PortError) -> Self {
        move |source| Self::Port { step, source }
    }
}

fn described(key: &ObjectKey) -> String {
    match &key.namespace {
        Some(namespace) => format!("{} `{}` in namespace `{namespace}`", key.kind.kind, key.name),
        None => format!("{} `{}`", key.kind.kind, key.name),
    }
}

fn spoken(length: Duration) -> String {
    let seconds = length.as_secs();
    if seconds >= 60 { format!("{} min {} s", seconds / 60, seconds % 60) } else { format!("{seconds} s") }
}
