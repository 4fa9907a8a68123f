//! Whatever an evaluator may return, as scores.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;

use serde::Serialize;
use serde_json::{Map, Value};

use super::scores::{kind_of, unusable};
use super::{Score, ScoreValue, Scores};
use crate::output::{Json, TaskError};

/// Something an evaluator can return.
///
/// | Returned | Comes to |
/// |---|---|
/// | a bool, a number, a text | the score |
/// | [`Score`], `(value, "why")`, `(value, "why", extras)` | the score with its explanation, and extras as metrics `<evaluator>_<key>` |
/// | a map with `score` | likewise: `explanation` explains it, every other entry is an extra |
/// | a map without, [`Scores`] | scores of their own, `<evaluator>_<key>` |
/// | [`serde_json::Value`], `Json(…)` around a type of your own | as the JSON says |
/// | a list of one | its element |
/// | `Option`, `null` | `None` is no score |
/// | `Result` with any error | an error is the evaluator's failure on that row |
///
/// Anything else a value can turn out to be — a longer list, an object within, a number that is not finite — is a failure
/// of the evaluator on that row too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the score of an evaluator",
    note = "return a bool, a number, a text, `Score`, `(score, \"why\")`, a map with `score`, `Scores`, or `Option` or `Result` of these; wrap a type of your own in `Json(…)`"
)]
pub trait IntoScore {
    /// The scores; none for an evaluator that has nothing to say here.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when the evaluator failed, or returned what is no score.
    fn into_score(self) -> Result<Scores, TaskError>;
}

impl IntoScore for Score {
    fn into_score(self) -> Result<Scores, TaskError> {
        Ok(self.into())
    }
}

impl IntoScore for Scores {
    fn into_score(self) -> Result<Scores, TaskError> {
        Ok(self)
    }
}

impl<T: IntoScore> IntoScore for Option<T> {
    fn into_score(self) -> Result<Scores, TaskError> {
        self.map_or(Ok(Scores::new()), T::into_score)
    }
}

impl<T: IntoScore, E: Into<Box<dyn Error + Send + Sync>>> IntoScore for Result<T, E> {
    fn into_score(self) -> Result<Scores, TaskError> {
        self.map_err(TaskError::of)?.into_score()
    }
}

impl<V: Into<ScoreValue>, E: Into<String>> IntoScore for (V, E) {
    fn into_score(self) -> Result<Scores, TaskError> {
        Ok(Score::new(self.0).because(self.1).into())
    }
}

impl<V: Into<ScoreValue>, E: Into<String>> IntoScore for (V, E, Map<String, Value>) {
    fn into_score(self) -> Result<Scores, TaskError> {
        let mut score = Score::new(self.0).because(self.1);
        score.extras = self.2;
        Ok(score.into())
    }
}

impl IntoScore for Value {
    fn into_score(self) -> Result<Scores, TaskError> {
        match self {
            Self::Null => Ok(Scores::new()),
            Self::Bool(flag) => flag.into_score(),
            Self::String(label) => label.into_score(),
            Self::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(count), _) => count.into_score(),
                (None, Some(number)) => number.into_score(),
                (None, None) => Err(unusable(format!("{number} is too large for a number"))),
            },
            Self::Array(list) => list.into_score(),
            Self::Object(members) => members.into_score(),
        }
    }
}

/// As the JSON it serialises to.
impl<T: Serialize> IntoScore for Json<T> {
    fn into_score(self) -> Result<Scores, TaskError> {
        serde_json::to_value(self.0)
            .map_err(|error| TaskError::new("Unserialisable", error.to_string()))?
            .into_score()
    }
}

impl<T: IntoScore> IntoScore for Vec<T> {
    fn into_score(self) -> Result<Scores, TaskError> {
        let length = self.len();
        let mut elements = self.into_iter();
        match (elements.next(), length) {
            (Some(only), 1) => only.into_score(),
            _ => Err(unusable(format!(
                "a list of {length} is no score: return one, or a map with a name for each"
            ))),
        }
    }
}

impl IntoScore for Map<String, Value> {
    fn into_score(self) -> Result<Scores, TaskError> {
        of_entries(self.into_iter().map(|(key, value)| match value {
            Value::Array(_) | Value::Object(_) => {
                let problem = unusable(format!(
                    "`{key}` is {}: a metric is a flag, a number or a text",
                    kind_of(&value)
                ));
                (key, Err(problem))
            }
            scalar => (key, scalar.into_score()),
        }))
    }
}

macro_rules! maps {
    ($($map:ident)*) => {$(
        #[allow(clippy::implicit_hasher, reason = "a score is made by the evaluator itself")]
        impl<T: IntoScore> IntoScore for $map<String, T> {
            fn into_score(self) -> Result<Scores, TaskError> {
                let mut entries: Vec<_> = self.into_iter().map(|(key, value)| (key, value.into_score())).collect();
                entries.sort_by(|(left, _), (right, _)| left.cmp(right));
                of_entries(entries)
            }
        }
    )*};
}

maps!(BTreeMap HashMap);

/// The scores in a map: one with everything beside it, or each entry for itself.
fn of_entries(entries: impl IntoIterator<Item = (String, Result<Scores, TaskError>)>) -> Result<Scores, TaskError> {
    let mut is_empty = true;
    let mut main = None;
    let mut explanation = None;
    let mut others = Vec::new();
    for (key, scores) in entries {
        is_empty = false;
        let Scores { main: score, named } = scores?;
        if !named.is_empty() {
            return Err(unusable(format!("`{key}` is a map: scores have one level of names")));
        }
        let Some(score) = score else { continue };
        match key.as_str() {
            "score" => main = Some(score),
            "explanation" => explanation = Some(score),
            _ => others.push((key, score)),
        }
    }
    if is_empty {
        return Err(unusable("an empty map is no score: return `None` for none"));
    }
    let Some(mut score) = main else {
        others.extend(explanation.map(|explanation| ("explanation".to_owned(), explanation)));
        return Ok(Scores {
            main: None,
            named: others,
        });
    };
    if let Some(explanation) = explanation {
        score.explanation = Some(explanation.value.text());
    }
    for (key, other) in others {
        // JSON has no such number: it would be lost.
        if let ScoreValue::Number(number) = other.value
            && !number.is_finite()
        {
            return Err(unusable(format!("`{key}` is {number}, not a finite number")));
        }
        if let Some(explanation) = other.explanation {
            score.extras.insert(format!("{key}_explanation"), explanation.into());
        }
        score.extras.insert(key, other.value.into());
    }
    Ok(score.into())
}
