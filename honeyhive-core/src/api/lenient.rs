//! Reading what servers answer: a field that is `null` counts as missing.

use serde::{Deserialize, Deserializer};

/// For `#[serde(deserialize_with)]`, next to `#[serde(default)]`.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
