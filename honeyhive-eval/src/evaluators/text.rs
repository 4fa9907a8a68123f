//! Comparisons of two texts: equality, containment, tokens, edit distances.

use std::collections::HashMap;

use super::built_in::fields;
use super::field::text;
use super::{BuiltIn, Field, found, wanted};
use crate::extract::OutcomeContext;
use crate::output::TaskError;
use crate::score::Score;

/// Compares the text in the outputs with the one in the ground truth. Made by [`exact_match`], [`contains`], [`f1`],
/// [`levenshtein`], [`damerau_levenshtein`], [`jaro_winkler`] and [`sorensen_dice`].
#[derive(Clone, Debug)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct TextComparison {
    name: &'static str,
    measure: fn(&str, &str) -> Score,
    output: Field,
    truth: Field,
    constant: Option<String>,
    trim: bool,
    ignore_case: bool,
    at_least: Option<f64>,
}

impl TextComparison {
    fields!(output, truth);

    fn new(name: &'static str, measure: fn(&str, &str) -> Score) -> Self {
        Self {
            name,
            measure,
            output: Field::default(),
            truth: Field::default(),
            constant: None,
            trim: false,
            ignore_case: false,
            at_least: None,
        }
    }

    /// Compares with this instead of the ground truth.
    pub fn against(mut self, text: impl Into<String>) -> Self {
        self.constant = Some(text.into());
        self
    }

    /// Leaves out white space around both texts.
    pub fn trim(mut self) -> Self {
        self.trim = true;
        self
    }

    /// Makes no difference between upper and lower case.
    pub fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// Turns the measure into a flag: whether it is at least this. The measure is its explanation.
    pub fn at_least(mut self, least: f64) -> Self {
        self.at_least = Some(least);
        self
    }

    fn prepared(&self, text: String) -> String {
        let text = if self.trim { text.trim().to_owned() } else { text };
        if self.ignore_case { text.to_lowercase() } else { text }
    }
}

impl BuiltIn for TextComparison {
    fn name(&self) -> &'static str {
        self.name
    }

    fn score(&self, context: &OutcomeContext) -> Result<Option<Score>, TaskError> {
        let wanted = match &self.constant {
            Some(constant) => constant.clone(),
            None => match wanted(context, &self.truth)? {
                Some(truth) => text(&truth, "ground truth")?,
                None => return Ok(None),
            },
        };
        let found = text(&*found(context, &self.output)?, "outputs")?;
        let score = (self.measure)(&self.prepared(found), &self.prepared(wanted));
        Ok(Some(match (self.at_least, score.value().as_number()) {
            (Some(least), Some(measure)) => {
                let passed = Score::new(measure >= least).because(format!("{} is {measure:.4}", self.name));
                Score {
                    extras: score.extras,
                    ..passed
                }
            }
            _ => score,
        }))
    }
}

/// Whether the text is that of the ground truth.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::exact_match;
/// use honeyhive_eval::prelude::*;
///
/// let experiment = evaluate(|_: Datapoint| " PARIS").evaluator("exact", exact_match().trim().ignore_case());
/// # let _ = experiment;
/// ```
pub fn exact_match() -> TextComparison {
    TextComparison::new("exact_match", |found, wanted| Score::new(found == wanted))
}

/// Whether the text contains that of the ground truth.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::contains;
///
/// let mentions_the_truth = contains().ignore_case();
/// let is_polite = contains().against("please").ignore_case();
/// # let _ = (mentions_the_truth, is_polite);
/// ```
pub fn contains() -> TextComparison {
    TextComparison::new("contains", |found, wanted| Score::new(found.contains(wanted)))
}

/// F1 of the words, as reading comprehension is scored: the harmonic mean of how many of the words found are wanted and
/// how many of the wanted are found, counting repeated ones. Words are runs of letters and digits in lower case.
/// `<name>_precision` and `<name>_recall` come with it.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::f1;
///
/// let is_about_right = f1().field("answer").at_least(0.6);
/// # let _ = is_about_right;
/// ```
pub fn f1() -> TextComparison {
    TextComparison::new("f1", |found, wanted| {
        let (precision, recall) = overlap(&words(found), &words(wanted));
        let f1 = if precision + recall > 0.0 {
            2.0 * precision * recall / (precision + recall)
        } else {
            0.0
        };
        Score::new(f1).with("precision", precision).with("recall", recall)
    })
}

/// How similar the texts are by the insertions, deletions and substitutions between them: 1 for equal, 0 for nothing in common.
///
/// # Examples
///
/// ```
/// let close = honeyhive_eval::evaluators::levenshtein().at_least(0.9);
/// # let _ = close;
/// ```
pub fn levenshtein() -> TextComparison {
    TextComparison::new("levenshtein", |found, wanted| {
        Score::new(strsim::normalized_levenshtein(found, wanted))
    })
}

/// As [`levenshtein`], with two neighbours swapped as one edit: for typing mistakes.
///
/// # Examples
///
/// ```
/// let close = honeyhive_eval::evaluators::damerau_levenshtein().at_least(0.9);
/// # let _ = close;
/// ```
pub fn damerau_levenshtein() -> TextComparison {
    TextComparison::new("damerau_levenshtein", |found, wanted| {
        Score::new(strsim::normalized_damerau_levenshtein(found, wanted))
    })
}

/// Similarity that favours a common beginning, from 0 to 1: for names.
///
/// # Examples
///
/// ```
/// let same_name = honeyhive_eval::evaluators::jaro_winkler().field("customer.name").at_least(0.9);
/// # let _ = same_name;
/// ```
pub fn jaro_winkler() -> TextComparison {
    TextComparison::new("jaro_winkler", |found, wanted| {
        Score::new(strsim::jaro_winkler(found, wanted))
    })
}

/// Share of the pairs of letters that the texts have in common, from 0 to 1: for texts in another order.
///
/// # Examples
///
/// ```
/// let similar = honeyhive_eval::evaluators::sorensen_dice();
/// # let _ = similar;
/// ```
pub fn sorensen_dice() -> TextComparison {
    TextComparison::new("sorensen_dice", |found, wanted| {
        Score::new(strsim::sorensen_dice(found, wanted))
    })
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Precision and recall. Of nothing wanted, nothing found is right.
#[allow(clippy::cast_precision_loss, reason = "no text has 2^53 words")]
fn overlap(found: &[String], wanted: &[String]) -> (f64, f64) {
    if found.is_empty() || wanted.is_empty() {
        let both = f64::from(u8::from(found.is_empty() && wanted.is_empty()));
        return (both, both);
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in wanted {
        *left.entry(word).or_default() += 1;
    }
    let mut common = 0_usize;
    for word in found {
        if let Some(count) = left.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    (common as f64 / found.len() as f64, common as f64 / wanted.len() as f64)
}
