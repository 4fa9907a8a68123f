//! Whether outputs are valid under a JSON schema.

use std::sync::Arc;

use serde_json::Value;

use super::built_in::fields;
use super::json::parsed;
use super::{BuiltIn, Field, found};
use crate::extract::OutcomeContext;
use crate::output::TaskError;
use crate::score::Score;

/// Problems named in an explanation.
const SHOWN: usize = 3;

/// Validates JSON in the outputs. Made by [`json_schema`].
#[derive(Clone, Debug)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct JsonSchema {
    validator: Result<Arc<jsonschema::Validator>, String>,
    output: Field,
}

/// Whether the outputs are valid under a JSON schema, of the draft it names by `$schema`, else 2020-12. A text is read as
/// JSON, also inside of a Markdown code block. The explanation names the first problems. References to other documents are
/// not fetched. Feature `json-schema`.
///
/// A schema that is none is an error before anything runs.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::json_schema;
/// use serde_json::json;
///
/// let is_an_order = json_schema(&json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}));
/// # let _ = is_an_order;
/// ```
pub fn json_schema(schema: &Value) -> JsonSchema {
    JsonSchema {
        validator: jsonschema::validator_for(schema)
            .map(Arc::new)
            .map_err(|error| format!("its schema is none: {error}")),
        output: Field::whole(),
    }
}

impl JsonSchema {
    fields!(output);
}

impl BuiltIn for JsonSchema {
    fn name(&self) -> &'static str {
        "json_schema"
    }

    fn problem(&self) -> Option<String> {
        self.validator.as_ref().err().cloned()
    }

    fn score(&self, context: &OutcomeContext) -> Result<Option<Score>, TaskError> {
        let validator = self
            .validator
            .as_ref()
            .map_err(|error| TaskError::new("Schema", error))?;
        let found = found(context, &self.output)?;
        // A schema may ask for a text; what is valid as it stands needs no reading.
        if validator.is_valid(&found) {
            return Ok(Some(Score::new(true)));
        }
        let found = parsed(found);
        let problems: Vec<String> = validator
            .iter_errors(&found)
            .map(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                path => format!("{path}: {error}"),
            })
            .take(SHOWN + 1)
            .collect();
        let score = Score::new(problems.is_empty());
        let more = if problems.len() > SHOWN { "; …" } else { "" };
        Ok(Some(match problems.get(..problems.len().min(SHOWN)) {
            Some([]) | None => score,
            Some(shown) => score.because(shown.join("; ") + more),
        }))
    }
}
