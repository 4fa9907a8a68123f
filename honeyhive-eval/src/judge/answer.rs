//! What a model's answer says: the choice in double brackets, and the reasons before it.

use serde_json::Value;

/// Members of a JSON answer that may hold the choice, and the reasons.
const CHOICE_KEYS: [&str; 5] = ["choice", "verdict", "rating", "score", "answer"];
const REASON_KEYS: [&str; 4] = ["reason", "reasons", "reasoning", "explanation"];

/// What can be chosen, and the score of each.
#[derive(Clone, Debug)]
pub(super) struct Choices(Vec<(String, f64)>);

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) choice: String,
    pub(super) score: f64,
    pub(super) reason: Option<String>,
}

impl Choices {
    pub(super) fn new(choices: impl IntoIterator<Item = (String, f64)>) -> Self {
        Self(choices.into_iter().collect())
    }

    /// Why nothing can be chosen from these.
    pub(super) fn problem(&self) -> Option<String> {
        if self.0.len() < 2 {
            return Some("there are fewer than two choices".to_owned());
        }
        for (index, (name, score)) in self.0.iter().enumerate() {
            if name.trim().is_empty() || name.contains(['[', ']', '\n']) {
                return Some(format!(
                    "the choice {name:?} is blank or has brackets or line breaks in it"
                ));
            }
            if !score.is_finite() {
                return Some(format!("the score of {name:?} is {score}, not a finite number"));
            }
            if self.0.iter().take(index).any(|(other, _)| same(other, name)) {
                return Some(format!("the choice {name:?} is given twice"));
            }
        }
        None
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    /// How to answer.
    pub(super) fn instructions(&self) -> String {
        format!(
            "First give your reasons in a few sentences. Then write your choice in double brackets on a line of its own, \
             as in [[{}]], and nothing after it. Choose one of: {}.",
            self.0.first().map_or("", |(name, _)| name),
            self.names()
        )
    }

    /// The choice in an answer, or what is wrong with the answer.
    pub(super) fn read(&self, answer: &str) -> Result<Verdict, String> {
        let answer = answer.trim();
        if let Some((before, chosen)) = last_bracketed(answer) {
            return match self.of(chosen) {
                Some((choice, score)) => Ok(Verdict {
                    choice,
                    score,
                    reason: reason(before),
                }),
                None => Err(format!("[[{chosen}]] is none of the choices {}", self.names())),
            };
        }
        self.of(answer.trim_matches(['*', '"', '\'', '.']))
            .map(|(choice, score)| Verdict {
                choice,
                score,
                reason: None,
            })
            .or_else(|| self.in_json(answer))
            .ok_or_else(|| format!("it has no choice in double brackets, one of {}", self.names()))
    }

    fn of(&self, chosen: &str) -> Option<(String, f64)> {
        self.0.iter().find(|(name, _)| same(name, chosen)).cloned()
    }

    /// Models asked for JSON elsewhere in their instructions answer in it.
    fn in_json(&self, answer: &str) -> Option<Verdict> {
        let object = answer.get(answer.find('{')?..=answer.rfind('}')?)?;
        let members: serde_json::Map<String, Value> = serde_json::from_str(object).ok()?;
        let text = |keys: &[&str]| {
            let value = keys.iter().find_map(|key| members.get(*key))?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let (choice, score) = self.of(&text(&CHOICE_KEYS)?)?;
        Some(Verdict {
            choice,
            score,
            reason: text(&REASON_KEYS).and_then(|text| reason(&text)),
        })
    }
}

/// Text before the last `[[…]]`, and what is inside.
fn last_bracketed(answer: &str) -> Option<(&str, &str)> {
    let start = answer.rfind("[[")?;
    let (before, rest) = (answer.get(..start)?, answer.get(start + 2..)?);
    let inside = rest.get(..rest.find("]]")?)?;
    Some((before, inside.trim()))
}

fn reason(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches(['*', '#']).trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether two choices are one: numbers by their value, words in any case.
fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    match (one.parse::<f64>(), other.parse::<f64>()) {
        #[allow(clippy::float_cmp, reason = "two readings of one number")]
        (Ok(one), Ok(other)) => one == other,
        _ => one.to_lowercase() == other.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices() -> Choices {
        Choices::new([("Yes".to_owned(), 1.0), ("no".to_owned(), 0.0)])
    }

    fn verdict(choice: &str, score: f64, reason: Option<&str>) -> Result<Verdict, String> {
        Ok(Verdict {
            choice: choice.into(),
            score,
            reason: reason.map(str::to_owned),
        })
    }

    #[test]
    fn the_last_choice_counts_and_what_stands_before_it_is_the_reason() {
        let answer = "It could be [[no]] at first sight.\nBut the date is right.\n\n[[ YES ]]";
        let reason = "It could be [[no]] at first sight.\nBut the date is right.";
        assert_eq!(choices().read(answer), verdict("Yes", 1.0, Some(reason)));
        assert_eq!(choices().read("[[no]]"), verdict("no", 0.0, None));
    }

    #[test]
    fn a_bare_choice_and_json_are_read_too() {
        assert_eq!(choices().read(" **Yes.** "), verdict("Yes", 1.0, None));
        let json = "```json\n{\"reason\": \"wrong year\", \"choice\": \"No\"}\n```";
        assert_eq!(choices().read(json), verdict("no", 0.0, Some("wrong year")));
    }

    #[test]
    fn anything_else_is_refused_with_what_was_wrong() {
        let wrong = choices().read("maybe").unwrap_err();
        assert_eq!(wrong, "it has no choice in double brackets, one of Yes, no");
        let wrong = choices().read("I say [[maybe]]").unwrap_err();
        assert_eq!(wrong, "[[maybe]] is none of the choices Yes, no");
        // A choice that is only mentioned is none.
        assert!(choices().read("yes and no").is_err());
        assert!(choices().read("[[yes").is_err());
    }

    #[test]
    fn ratings_are_compared_as_numbers() {
        let ratings = Choices::new((1..=5).map(|number: i32| (number.to_string(), f64::from(number))));
        assert_eq!(ratings.read("Good.\n[[4.0]]"), verdict("4", 4.0, Some("Good.")));
        assert!(ratings.read("[[4.5]]").is_err());
    }

    #[test]
    fn choices_that_cannot_be_told_apart_are_a_problem() {
        let problem = |names: &[&str]| Choices::new(names.iter().map(|name| ((*name).to_owned(), 0.0))).problem();
        assert_eq!(problem(&["yes", "no"]), None);
        assert!(problem(&["yes"]).is_some());
        assert!(problem(&["yes", "YES "]).is_some());
        assert!(problem(&["yes", "n[o]"]).is_some());
        assert!(problem(&["1", "1.0"]).is_some());
    }
}
