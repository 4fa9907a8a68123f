//! Whether two JSON values are equal, and where they first differ.

use std::borrow::Cow;

use serde_json::Value;

use super::built_in::fields;
use super::{BuiltIn, Field, found, wanted};
use crate::extract::OutcomeContext;
use crate::output::TaskError;
use crate::score::Score;

/// Compares JSON in the outputs with that in the ground truth. Made by [`json_equal`].
#[derive(Clone, Debug)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct JsonEquality {
    output: Field,
    truth: Field,
    constant: Option<Value>,
    ignored: Vec<String>,
    partial: bool,
}

/// Whether the outputs are the JSON of the ground truth: in any order of members, with 1 equal to 1.0. A text that should be
/// JSON is read as it, also inside of a Markdown code block. The explanation names the first difference.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::json_equal;
///
/// let same_order = json_equal().ignoring("id").ignoring("items.created_at");
/// let has_what_matters = json_equal().partial();
/// # let _ = (same_order, has_what_matters);
/// ```
pub fn json_equal() -> JsonEquality {
    JsonEquality {
        output: Field::whole(),
        truth: Field::whole(),
        constant: None,
        ignored: Vec::new(),
        partial: false,
    }
}

impl JsonEquality {
    fields!(output, truth);

    /// Compares with this instead of the ground truth.
    pub fn against(mut self, value: Value) -> Self {
        self.constant = Some(value);
        self
    }

    /// Leaves this member out, by its path; positions in lists are not part of one.
    pub fn ignoring(mut self, path: impl Into<String>) -> Self {
        self.ignored.push(path.into());
        self
    }

    /// Lets objects in the outputs have members that those wanted do not have.
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Where the two first differ, and how.
    fn difference(&self, found: &Value, wanted: &Value, path: &str, names: &str) -> Option<String> {
        let at = |what: String| {
            Some(if path.is_empty() {
                what
            } else {
                format!("`{path}`: {what}")
            })
        };
        match (found, wanted) {
            (Value::Object(found), Value::Object(wanted)) => {
                let join = |to: &str, name: &str| {
                    if to.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{to}.{name}")
                    }
                };
                let is_ignored = |name: &str| self.ignored.contains(&join(names, name));
                for (name, wanted) in wanted.iter().filter(|(name, _)| !is_ignored(name)) {
                    let Some(found) = found.get(name) else {
                        return at(format!("`{name}` is missing"));
                    };
                    let difference = self.difference(found, wanted, &join(path, name), &join(names, name));
                    if difference.is_some() {
                        return difference;
                    }
                }
                let extra = found
                    .keys()
                    .find(|name| !wanted.contains_key(*name) && !is_ignored(name));
                extra
                    .filter(|_| !self.partial)
                    .and_then(|name| at(format!("`{name}` is not wanted")))
            }
            (Value::Array(found), Value::Array(wanted)) if found.len() == wanted.len() => {
                let pairs = found.iter().zip(wanted).enumerate();
                pairs
                    .map(|(index, (found, wanted))| self.difference(found, wanted, &format!("{path}[{index}]"), names))
                    .find_map(|difference| difference)
            }
            (Value::Array(found), Value::Array(wanted)) => {
                at(format!("a list of {}, not of {}", found.len(), wanted.len()))
            }
            (Value::Number(found), Value::Number(wanted)) if same_number(found, wanted) => None,
            (found, wanted) if found == wanted => None,
            (found, wanted) => at(format!("{}, not {}", brief(found), brief(wanted))),
        }
    }
}

impl BuiltIn for JsonEquality {
    fn name(&self) -> &'static str {
        "json_equal"
    }

    fn score(&self, context: &OutcomeContext) -> Result<Option<Score>, TaskError> {
        let wanted = match &self.constant {
            Some(constant) => Cow::Borrowed(constant),
            None => match wanted(context, &self.truth)? {
                Some(truth) => truth,
                None => return Ok(None),
            },
        };
        let found = found(context, &self.output)?;
        let found = if wanted.is_string() { found } else { parsed(found) };
        let difference = self.difference(&found, &wanted, "", "");
        let score = Score::new(difference.is_none());
        Ok(Some(match difference {
            Some(difference) => score.because(difference),
            None => score,
        }))
    }
}

/// A text that is JSON, bare or in a code block, as that JSON.
pub(super) fn parsed(value: Cow<'_, Value>) -> Cow<'_, Value> {
    let Value::String(text) = &*value else { return value };
    let text = text.trim();
    let block = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    let bare = block.map_or(text, |block| block.trim_start_matches(char::is_alphabetic));
    match serde_json::from_str(bare) {
        Ok(parsed) => Cow::Owned(parsed),
        Err(_) => value,
    }
}

fn same_number(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    if one.is_f64() || other.is_f64() {
        return one.as_f64() == other.as_f64();
    }
    one == other
}

fn brief(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    text.chars().take(MOST).chain(['…']).collect()
}
