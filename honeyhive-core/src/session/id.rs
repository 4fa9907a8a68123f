//! Ids of sessions.

use std::fmt;
use std::str::FromStr;

use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Id of a session: a UUID, shown in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Uuid);

impl SessionId {
    /// A fresh random id (UUID version 4).
    #[must_use]
    pub fn random() -> Self {
        // From the thread's generator: no system call per id.
        let bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The id a key of your own stands for, such as `user-42` or the id of a ticket: a UUID version 5 in the URL
    /// namespace, the same in every program and language.
    ///
    /// # Examples
    ///
    /// ```
    /// use honeyhive_core::SessionId;
    ///
    /// let id = SessionId::from_key("user-42");
    /// assert_eq!(id.to_string(), "4243fa49-370d-5428-b122-218655763d34");
    /// ```
    #[must_use]
    pub fn from_key(key: impl AsRef<str>) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, key.as_ref().as_bytes()))
    }

    /// Whether a session of this id is among the share that is recorded. All programs agree on it.
    pub(crate) fn is_sampled(self, rate: f64) -> bool {
        let (high, low) = self.0.as_u64_pair();
        // Ids may be made by hand and follow a pattern; their bits are mixed before they decide.
        let mut mixed = high ^ low.rotate_left(32);
        for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
            mixed = (mixed ^ (mixed >> 33)).wrapping_mul(factor);
        }
        let share = f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        rate >= 1.0 || share < rate
    }
}

impl From<Uuid> for SessionId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

/// A text is no session id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no session id: use a UUID, or SessionId::from_key to derive one from a key of your own")]
#[non_exhaustive]
pub struct InvalidSessionId {
    /// What was found instead.
    pub found: String,
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidSessionId {
            found: text.chars().take(64).collect(),
        })
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_share_is_the_one_asked_for_also_of_ids_made_by_hand() {
        let by_hand = |n: u128| SessionId(Uuid::from_u128(n));
        let derived = |n: u128| SessionId::from_key(n.to_string());
        for kept in [
            (0..10_000).filter(|&n| by_hand(n).is_sampled(0.25)).count(),
            (0..10_000).filter(|&n| derived(n).is_sampled(0.25)).count(),
        ] {
            assert!((2_300..2_700).contains(&kept), "{kept} of 10,000");
        }
        assert!((0..1_000).all(|_| SessionId::random().is_sampled(1.0)));
        assert!(!(0..1_000).any(|_| SessionId::random().is_sampled(0.0)));
    }
}
