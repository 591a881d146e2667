//! Plans in words: one line a change.

use std::fmt;

use super::{Action, Change, Difference, Plan};
use crate::resource::Resource;

impl Plan {
    /// Whether both clouds are as declared: nothing to do and nothing in the way.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.obstacles.is_empty()
    }
}

impl Change {
    /// What this change does, in one line: `update google/provider/gangplank/entra: audiences, condition`.
    pub fn summary(&self) -> String {
        let verb = self.action.verb();
        match &self.action {
            Action::Update { differences, .. } => {
                let mut fields: Vec<&str> = differences.iter().map(|it| it.field.as_str()).collect();
                fields.dedup();
                format!("{verb} {}: {}", self.key, fields.join(", "))
            }
            _ => format!("{verb} {}", self.key),
        }
    }
}

impl Action {
    /// `create`, `undelete`, `update`, `adopt` or `delete`.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Undelete { .. } => "undelete",
            Self::Update { .. } => "update",
            Self::Adopt { .. } => "adopt",
            Self::Delete { .. } => "delete",
        }
    }

    /// The declared fields that it changes, where it says.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Self::Update { differences, .. } | Self::Adopt { differences, .. } => differences,
            Self::Create { .. } | Self::Undelete { .. } | Self::Delete { .. } => &[],
        }
    }

    /// What it is done to: as it shall be, or, for a deletion, as it is.
    pub fn resource(&self) -> &Resource {
        match self {
            Self::Create { wanted }
            | Self::Undelete { wanted }
            | Self::Update { wanted, .. }
            | Self::Adopt { wanted, .. } => wanted,
            Self::Delete { found } => found,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.wanted, &self.found) {
            (Some(wanted), Some(found)) => write!(f, "{}: `{found}` should be `{wanted}`", self.field),
            (Some(wanted), None) => write!(f, "{}: `{wanted}` is missing", self.field),
            (None, Some(found)) => write!(f, "{}: `{found}` should not be there", self.field),
            (None, None) => write!(f, "{} differs", self.field),
        }
    }
}
