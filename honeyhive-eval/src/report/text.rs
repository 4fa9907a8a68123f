//! Values and numbers as short text, the same in every report.

use serde_json::Value;

use crate::output::TaskError;
use crate::result::{ExperimentResult, Outcome};
use crate::score::{Score, ScoreValue};

/// A number with the digits that say something: whole ones from a thousand on, else four significant ones; scientific
/// where it would not fit a table.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if size >= 1e12 => return format!("{value:.3e}"),
        _ if size >= 1000.0 => 0,
        _ if size >= 100.0 => 1,
        _ if size >= 10.0 => 2,
        _ if size >= 1.0 => 3,
        _ if size >= 0.1 || size == 0.0 => 4,
        _ => return small(value),
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A number below a tenth, to three significant digits; scientific where zeros would fill the line.
fn small(value: f64) -> String {
    if value.abs() < 1e-6 {
        return format!("{value:.2e}");
    }
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    rounded.to_string()
}

/// A difference, with its sign.
pub(crate) fn signed(value: f64) -> String {
    match value {
        _ if value > 0.0 => format!("+{}", number(value)),
        _ if value < 0.0 => format!("−{}", number(-value)),
        _ => "0".to_owned(),
    }
}

/// A share as percents.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A value of a metric: a rate as percents, anything else as a number.
pub(crate) fn value_of(is_rate: bool, value: f64) -> String {
    if is_rate { percent(value) } else { number(value) }
}

/// A difference of a metric: of rates in percentage points.
pub(crate) fn delta_of(is_rate: bool, delta: f64) -> String {
    match is_rate {
        true if delta.abs() < 5e-4 => "0 pp".to_owned(),
        true => format!("{}{:.1} pp", if delta > 0.0 { '+' } else { '−' }, delta.abs() * 100.0),
        false => signed(delta),
    }
}

/// The value of one row: a flag of a rate, else a number.
pub(crate) fn row_value(is_rate: bool, value: f64) -> String {
    match (is_rate, value > 0.0) {
        (true, true) => "✓".to_owned(),
        (true, false) => "✗".to_owned(),
        (false, _) => number(value),
    }
}

/// A probability: never 0, since nothing is impossible.
pub(crate) fn p_value(probability: f64) -> String {
    match probability {
        _ if probability < 0.0001 => "< 0.0001".to_owned(),
        _ if probability < 0.1 => format!("{probability:.4}"),
        _ => format!("{probability:.2}"),
    }
}

/// As in `p = 0.03`.
pub(crate) fn p_is(probability: f64) -> String {
    let value = p_value(probability);
    if value.starts_with('<') {
        format!("p {value}")
    } else {
        format!("p = {value}")
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// How many rows ran, succeeded and failed, and how many did not run if some did not.
pub(super) fn counts(run: &ExperimentResult) -> Vec<String> {
    let mut counts = vec![
        plural(run.rows.len(), "row"),
        format!("{} succeeded", run.succeeded()),
        format!("{} failed", run.failed()),
    ];
    if run.not_run > 0 {
        counts.push(format!("{} not run", run.not_run));
    }
    counts
}

/// The score of an evaluator on one row.
pub(super) fn score(outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Ok(Some(score))) => score_value(score.value()),
        Some(Ok(None)) | None => "–".to_owned(),
        Some(Err(_)) => "error".to_owned(),
    }
}

fn score_value(value: &ScoreValue) -> String {
    match value {
        ScoreValue::Number(value) => number(*value),
        other => other.to_string(),
    }
}

/// Why a score is what it is: the evaluator's reason, or its error.
pub(super) fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Ok(score) => score.as_ref().and_then(Score::explanation).map(str::to_owned),
        Err(error) => Some(error.to_string()),
    }
}

/// A value on one line: a lone member of an object stands for it, text goes without quotes.
pub(super) fn brief(value: &Value, chars: usize) -> String {
    match value {
        Value::Object(members) if members.len() == 1 => members.values().map(|value| brief(value, chars)).collect(),
        Value::String(text) => cut(text, chars),
        other => cut(&other.to_string(), chars),
    }
}

/// The output of a row on one line, or why there is none.
pub(super) fn brief_output(output: &Result<Value, TaskError>, chars: usize) -> String {
    match output {
        Ok(output) => brief(output, chars),
        Err(error) => cut(&format!("✗ {error}"), chars),
    }
}

/// A text on one line, cut to this many characters, without characters that would steer a terminal.
pub(super) fn cut(text: &str, chars: usize) -> String {
    // What is cut away need not be joined: a text may be megabytes.
    let line: String = text.split_whitespace().take(chars + 1).collect::<Vec<_>>().join(" ");
    let is_long = line.chars().nth(chars).is_some();
    let kept = line.chars().take(if is_long { chars - 1 } else { chars });
    let visible = kept.map(|character| if character.is_control() { '\u{fffd}' } else { character });
    visible.chain(is_long.then_some('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_the_digits_that_say_something() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (1.234_56, "1.235"),
            (0.8, "0.8"),
            (0.123_456, "0.1235"),
            (0.012_345, "0.0123"),
            (0.000_012_34, "0.0000123"),
            (1.234e-9, "1.23e-9"),
            (12.3456, "12.35"),
            (123.456, "123.5"),
            (1234.56, "1235"),
            (f64::MAX, "1.798e308"),
            (1000.0, "1000"),
            (-2.5, "-2.5"),
            (100.0, "100"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(signed(0.25), "+0.25");
        assert_eq!(signed(-0.25), "−0.25");
        assert_eq!(delta_of(true, -0.125), "−12.5 pp");
        assert_eq!(p_value(0.0), "< 0.0001");
        assert_eq!(plural(1, "row"), "1 row");
    }

    #[test]
    fn a_long_text_is_cut_to_one_line() {
        assert_eq!(cut("a\n b\t c", 10), "a b c");
        assert_eq!(cut("abcdefgh", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("\u{1b}[31mred", 40), "\u{fffd}[31mred");
        assert_eq!(brief(&serde_json::json!({"q": {"text": "hi"}}), 9), "hi");
    }
}
