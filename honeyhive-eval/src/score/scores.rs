//! What one call of an evaluator came to: a score, several under names of their own, or none.

use serde_json::Value;

use super::{Score, ScoreValue};
use crate::output::TaskError;

/// What one call of an evaluator came to: a score, several under names of their own, or none.
///
/// A named score is the metric `<evaluator>_<name>`, with a column, an average and a comparison of its own.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::{Score, Scores};
///
/// let scores = Scores::new()
///     .with("fluency", 0.9)
///     .with("grounded", Score::new(false).because("the price is invented"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    pub(crate) main: Option<Score>,
    pub(crate) named: Vec<(String, Score)>,
}

impl Scores {
    /// No score.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a score under a name of its own; one that is there already is replaced.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, score: impl Into<Score>) -> Self {
        let (name, score) = (name.into(), score.into());
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = score,
            None => self.named.push((name, score)),
        }
        self
    }

    /// The score that goes by the evaluator's name.
    #[must_use]
    pub fn main(&self) -> Option<&Score> {
        self.main.as_ref()
    }

    /// The scores under names of their own.
    #[must_use]
    pub fn named(&self) -> &[(String, Score)] {
        &self.named
    }

    /// Every score, with `None` for the one that goes by the evaluator's name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Option<&str>, &Score)> {
        let named = self.named.iter().map(|(name, score)| (Some(name.as_str()), score));
        self.main.iter().map(|score| (None, score)).chain(named)
    }

    /// Changes every score.
    pub(crate) fn map(
        self,
        mut change: impl FnMut(Score) -> Result<Option<Score>, TaskError>,
    ) -> Result<Self, TaskError> {
        let mut changed = Self {
            main: self.main.map(&mut change).transpose()?.flatten(),
            named: Vec::with_capacity(self.named.len()),
        };
        for (name, score) in self.named {
            changed.named.extend(change(score)?.map(|score| (name, score)));
        }
        Ok(changed)
    }

    /// The scores, if each can be stored and compared.
    pub(crate) fn checked(self) -> Result<Self, TaskError> {
        for (name, score) in self.all() {
            let what = name.map_or_else(|| "the score".to_owned(), |name| format!("the score `{name}`"));
            if let Some(problem) = name.and_then(problem_of_name) {
                return Err(unusable(format!("{what} has a name that {problem}")));
            }
            match score.value() {
                ScoreValue::Number(number) if !number.is_finite() => {
                    return Err(unusable(format!("{what} is {number}, not a finite number")));
                }
                _ => {}
            }
            for (key, extra) in score.extras() {
                if let Some(problem) = problem_of_name(key) {
                    return Err(unusable(format!("{what} has `{key}` beside it, a name that {problem}")));
                }
                if matches!(extra, Value::Array(_) | Value::Object(_)) {
                    return Err(unusable(format!(
                        "{what} has `{key}` beside it, which is {}: a metric is a flag, a number or a text",
                        kind_of(extra)
                    )));
                }
            }
        }
        Ok(self)
    }
}

impl From<Score> for Scores {
    fn from(score: Score) -> Self {
        Some(score).into()
    }
}

impl From<Option<Score>> for Scores {
    fn from(main: Option<Score>) -> Self {
        Self {
            main,
            named: Vec::new(),
        }
    }
}

/// What an evaluator returned is no score.
pub(crate) fn unusable(message: impl Into<String>) -> TaskError {
    TaskError::new("Score", message)
}

/// Why a name cannot be part of a metric's.
pub(crate) fn problem_of_name(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("is blank")
    } else if name.trim() != name {
        Some("has spaces around it")
    } else if name.contains('.') {
        Some("has a dot, which would nest it")
    } else {
        None
    }
}

pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
