//! Whether a number is close enough to the one wanted.

use serde_json::Value;

use super::built_in::fields;
use super::{BuiltIn, Field, found, wanted};
use crate::extract::OutcomeContext;
use crate::output::TaskError;
use crate::score::Score;

/// Compares the number in the outputs with the one in the ground truth. Made by [`numeric`].
#[derive(Clone, Debug)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct Closeness {
    output: Field,
    truth: Field,
    constant: Option<f64>,
    absolute: f64,
    relative: f64,
}

/// Whether a number is that of the ground truth, within 1e-9 of its size unless another tolerance is given. A text that is
/// a number counts as one. How far apart they are is `<name>_error`.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::numeric;
///
/// let total_to_the_cent = numeric().field("invoice.total").tolerance(0.005);
/// let about_a_tenth = numeric().against(0.1).relative(0.05);
/// # let _ = (total_to_the_cent, about_a_tenth);
/// ```
pub fn numeric() -> Closeness {
    Closeness {
        output: Field::default(),
        truth: Field::default(),
        constant: None,
        absolute: 0.0,
        relative: 1e-9,
    }
}

impl Closeness {
    fields!(output, truth);

    /// Compares with this instead of the ground truth.
    pub fn against(mut self, number: f64) -> Self {
        self.constant = Some(number);
        self
    }

    /// How far apart they may be. With a [`relative`](Self::relative) tolerance too, one of the two must hold.
    pub fn tolerance(mut self, absolute: f64) -> Self {
        self.absolute = absolute;
        self
    }

    /// How far apart they may be, as a share of the number wanted: 0.01 is one percent. Default: 1e-9.
    pub fn relative(mut self, share: f64) -> Self {
        self.relative = share;
        self
    }
}

impl BuiltIn for Closeness {
    fn name(&self) -> &'static str {
        "numeric"
    }

    fn problem(&self) -> Option<String> {
        let is_usable = |tolerance: f64| tolerance.is_finite() && tolerance >= 0.0;
        (!is_usable(self.absolute) || !is_usable(self.relative))
            .then(|| "its tolerance is negative or no number".to_owned())
    }

    fn score(&self, context: &OutcomeContext) -> Result<Option<Score>, TaskError> {
        let wanted = match self.constant {
            Some(constant) => constant,
            None => match wanted(context, &self.truth)? {
                Some(truth) => number(&truth, "ground truth")?,
                None => return Ok(None),
            },
        };
        let found = number(&*found(context, &self.output)?, "outputs")?;
        let error = (found - wanted).abs();
        let passed = error <= self.absolute.max(self.relative * wanted.abs());
        let score = Score::new(passed).with("error", error);
        Ok(Some(if passed {
            score
        } else {
            score.because(format!("{found} is {error} away from {wanted}"))
        }))
    }
}

fn number(value: &Value, of: &str) -> Result<f64, TaskError> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| TaskError::new("Field", format!("the {of} hold no number, but {value}")))
}
