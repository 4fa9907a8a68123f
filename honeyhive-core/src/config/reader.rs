//! Looking a setting up: the builder's value, else its variable, else the variable's older names.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::{ConfigError, showable};

/// Reads an environment variable; a map in tests.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A text together with the setting it came from, for error messages.
pub(super) struct Setting {
    pub(super) origin: &'static str,
    pub(super) text: String,
}

/// Names of a setting: the builder's method and the environment variable.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) method: &'static str,
    pub(super) variable: &'static str,
}

pub(super) const fn names(method: &'static str, variable: &'static str) -> Names {
    Names { method, variable }
}

pub(super) struct Reader<'a> {
    environment: Environment<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: Environment<'a>) -> Self {
        Self { environment }
    }

    /// A text. Blank counts as unset.
    pub(super) fn text(&self, given: Option<String>, names: Names) -> Option<Setting> {
        setting(given, names.method).or_else(|| self.variable(names.variable))
    }

    /// As [`text`](Self::text), with the name HoneyHive's other tools have for the variable, and those it had before;
    /// using one of these warns once.
    pub(super) fn renamed(
        &self,
        given: Option<String>,
        names: Names,
        elsewhere: &'static str,
        older: &[&'static str],
    ) -> Option<Setting> {
        let present = self.text(given, names).or_else(|| self.variable(elsewhere));
        present.or_else(|| {
            older.iter().find_map(|old| {
                let found = self.variable(old)?;
                warn_once(old, names.variable);
                Some(found)
            })
        })
    }

    pub(super) fn variable(&self, name: &'static str) -> Option<Setting> {
        setting((self.environment)(name), name)
    }

    pub(super) fn switch(&self, given: Option<bool>, variable: &'static str) -> Result<Option<bool>, ConfigError> {
        if given.is_some() {
            return Ok(given);
        }
        let Some(setting) = self.variable(variable) else {
            return Ok(None);
        };
        match setting.text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Some(true)),
            "false" | "0" | "no" | "off" => Ok(Some(false)),
            _ => Err(setting.invalid("is no switch; use true or false")),
        }
    }

    /// A number within a range.
    pub(super) fn number<N>(
        &self,
        given: Option<N>,
        names: Names,
        range: RangeInclusive<N>,
    ) -> Result<Option<N>, ConfigError>
    where
        N: Copy + PartialOrd + Display + std::str::FromStr,
    {
        self.within(given, names, &range, "")
    }

    /// As [`number`](Self::number); `unit` says of what, for the error.
    fn within<N>(
        &self,
        given: Option<N>,
        names: Names,
        range: &RangeInclusive<N>,
        unit: &str,
    ) -> Result<Option<N>, ConfigError>
    where
        N: Copy + PartialOrd + Display + std::str::FromStr,
    {
        let rule = || format!("is no number {unit}from {} to {}", range.start(), range.end());
        let (origin, text, number) = match given {
            Some(number) => (names.method, number.to_string(), Some(number)),
            None => match self.variable(names.variable) {
                Some(setting) => (setting.origin, setting.text.clone(), setting.text.parse().ok()),
                None => return Ok(None),
            },
        };
        match number {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Setting { origin, text }.invalid(&rule())),
        }
    }

    /// A time in seconds, fractions allowed.
    pub(super) fn seconds(
        &self,
        given: Option<Duration>,
        names: Names,
        range: RangeInclusive<f64>,
    ) -> Result<Option<Duration>, ConfigError> {
        let seconds = self.within(given.map(|time| time.as_secs_f64()), names, &range, "of seconds ")?;
        Ok(given.or_else(|| seconds.map(Duration::from_secs_f64)))
    }

    /// A variable that holds a JSON object.
    pub(super) fn object(&self, variable: &'static str) -> Result<Option<Map<String, Value>>, ConfigError> {
        let Some(setting) = self.variable(variable) else {
            return Ok(None);
        };
        match serde_json::from_str(&setting.text) {
            Ok(Value::Object(object)) => Ok(Some(object)),
            // Headers and metadata may hold secrets: the value is not repeated.
            _ => Err(ConfigError::InvalidValue {
                setting: variable,
                value: "(not shown: it may hold a secret)".to_owned(),
                rule: "is no JSON object".to_owned(),
            }),
        }
    }
}

impl Setting {
    pub(super) fn invalid(&self, rule: &str) -> ConfigError {
        ConfigError::InvalidValue {
            setting: self.origin,
            value: showable(&self.text),
            rule: rule.to_owned(),
        }
    }
}

/// Trims; blank counts as unset.
fn setting(value: Option<String>, origin: &'static str) -> Option<Setting> {
    let value = value?;
    let text = value.trim();
    // No copy without need: it may be a key, which is wiped from memory where it ends up.
    let text = if text.len() == value.len() {
        value
    } else {
        text.to_owned()
    };
    (!text.is_empty()).then_some(Setting { origin, text })
}

fn warn_once(old: &'static str, new: &'static str) {
    static WARNED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    if WARNED.lock().unwrap_or_else(PoisonError::into_inner).insert(old) {
        tracing::warn!("{old} is deprecated; set {new} instead");
    }
}
