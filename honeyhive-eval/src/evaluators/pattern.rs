//! Whether a text matches a regular expression.

use super::built_in::fields;
use super::field::text;
use super::{BuiltIn, Field, found};
use crate::extract::OutcomeContext;
use crate::output::TaskError;
use crate::score::Score;

/// Matches the text in the outputs. Made by [`regex()`].
#[derive(Clone, Debug)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct Pattern {
    pattern: Result<::regex::Regex, String>,
    output: Field,
}

/// Whether the text in the outputs matches the regular expression, anywhere unless it says `^` and `$`. The explanation is
/// what matched. Case makes no difference after `(?i)`. Feature `regex`.
///
/// A pattern that cannot be read is an error before anything runs.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::regex;
///
/// let cites_a_source = regex(r"\[\d+\]").output_field("answer");
/// # let _ = cites_a_source;
/// ```
pub fn regex(pattern: &str) -> Pattern {
    Pattern {
        pattern: ::regex::Regex::new(pattern).map_err(|error| error.to_string()),
        output: Field::default(),
    }
}

impl Pattern {
    fields!(output);
}

impl BuiltIn for Pattern {
    fn name(&self) -> &'static str {
        "regex"
    }

    fn problem(&self) -> Option<String> {
        self.pattern.as_ref().err().cloned()
    }

    fn score(&self, context: &OutcomeContext) -> Result<Option<Score>, TaskError> {
        let pattern = self.pattern.as_ref().map_err(|error| TaskError::new("Regex", error))?;
        let text = text(&*found(context, &self.output)?, "outputs")?;
        Ok(Some(match pattern.find(&text) {
            Some(found) => Score::new(true).because(found.as_str()),
            None => Score::new(false),
        }))
    }
}
