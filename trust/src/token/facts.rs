//! What follows from a token's claims: for whom it stands, how long, and whether now is within its time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Claims;

/// On whose behalf an Entra access token speaks.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// An application's own: `idtyp` is `app`; or no `scp`, and `sub` is the object itself.
    AppOnly,
    /// An application's for a person: it has `scp`, or `idtyp` is `user`.
    Delegated,
}

/// Whether a moment is within a token's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// It is.
    Within {
        /// When the token begins.
        from: Timestamp,
        /// When it ends.
        until: Timestamp,
    },
    /// It ended.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// It has not begun: issued in the future, or `nbf` is.
    NotYet {
        /// When it will.
        from: Timestamp,
    },
    /// `iat` or `exp` is absent.
    Unknown,
}

impl Claims {
    /// On whose behalf the token speaks, if that shows.
    pub fn standing(&self) -> Option<Standing> {
        match self.text("idtyp") {
            Some("app") => return Some(Standing::AppOnly),
            Some("user") => return Some(Standing::Delegated),
            Some(_) | None => {}
        }
        if self.text("scp").is_some() {
            return Some(Standing::Delegated);
        }
        let alone = self.object_id().is_some() && self.object_id() == self.subject();
        alone.then_some(Standing::AppOnly)
    }

    /// How long the token lives in all, from `iat` to `exp`.
    pub fn lifetime(&self) -> Option<SignedDuration> {
        Some(self.expires_at()?.duration_since(self.issued_at()?))
    }

    /// Whether `now` is within the token's time, where clocks may differ by `skew` seconds either way.
    pub fn validity(&self, now: Timestamp, skew: i64) -> Validity {
        let skew = SignedDuration::from_secs(skew);
        let (Some(issued), Some(until)) = (self.issued_at(), self.expires_at()) else {
            return Validity::Unknown;
        };
        if now.duration_since(until) > skew {
            return Validity::Expired { at: until };
        }
        let from = self.not_before().unwrap_or(issued).max(issued);
        if from.duration_since(now) > skew {
            return Validity::NotYet { from };
        }
        Validity::Within { from, until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn claims(value: Value) -> Claims {
        Claims::from_value(value).unwrap()
    }

    #[test]
    fn a_token_says_for_whom_it_stands() {
        let table = [
            (json!({"idtyp": "app", "scp": "x"}), Some(Standing::AppOnly)),
            (json!({"idtyp": "user"}), Some(Standing::Delegated)),
            (json!({"scp": "access", "oid": "o", "sub": "pairwise"}), Some(Standing::Delegated)),
            (json!({"oid": "o", "sub": "o", "roles": ["R"]}), Some(Standing::AppOnly)),
            (json!({"oid": "o", "sub": "s"}), None),
            (json!({"sub": "system:serviceaccount:a:b"}), None),
        ];
        for (value, expected) in table {
            assert_eq!(claims(value.clone()).standing(), expected, "{value}");
        }
    }

    #[test]
    fn time_has_two_ends_and_some_slack() {
        let now = Timestamp::from_second(1000).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let table = [
            (json!({"iat": 900, "exp": 1100}), Validity::Within { from: at(900), until: at(1100) }),
            (json!({"iat": 1060, "exp": 1100}), Validity::Within { from: at(1060), until: at(1100) }),
            (json!({"iat": 1061, "exp": 1100}), Validity::NotYet { from: at(1061) }),
            (json!({"iat": 900, "nbf": 1061, "exp": 1100}), Validity::NotYet { from: at(1061) }),
            (json!({"iat": 900, "exp": 940}), Validity::Within { from: at(900), until: at(940) }),
            (json!({"iat": 900, "exp": 939}), Validity::Expired { at: at(939) }),
            (json!({"exp": 1100}), Validity::Unknown),
            (json!({"iat": 900}), Validity::Unknown),
        ];
        for (value, expected) in table {
            assert_eq!(claims(value.clone()).validity(now, 60), expected, "{value}");
        }
        assert_eq!(claims(json!({"iat": 900, "exp": 1100})).lifetime(), Some(SignedDuration::from_secs(200)));
        assert_eq!(claims(json!({"iat": 900})).lifetime(), None);
    }
}
