//! Where in outputs or ground truth a value is found.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::output::TaskError;

/// Where in outputs or ground truth a value is found: a path such as `answer.items.0.city`, a JSON pointer such as
/// `/answer/city`, or a function. Without one, a value that is an object with a single member stands for that member.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::{Field, exact_match};
///
/// let by_path = exact_match().field("answer.city");
/// let by_function = exact_match().output_field(Field::with(|outputs| outputs["cities"].as_array()?.last().cloned()));
/// # let _ = (by_path, by_function);
/// ```
#[derive(Clone, Default)]
pub struct Field(Place);

type Find = Arc<dyn Fn(&Value) -> Option<Value> + Send + Sync>;

#[derive(Clone, Default)]
enum Place {
    /// The only member of an object, or the value itself.
    #[default]
    Lone,
    Whole,
    /// The steps, and how they were written.
    Path(Vec<String>, String),
    Function(Find),
}

impl Field {
    /// The value itself, whatever it is.
    #[must_use]
    pub fn whole() -> Self {
        Self(Place::Whole)
    }

    /// What a function finds; `None` fails the evaluator on that row.
    pub fn with(find: impl Fn(&Value) -> Option<Value> + Send + Sync + 'static) -> Self {
        Self(Place::Function(Arc::new(find)))
    }

    /// What is there. `of` names the whole in errors.
    pub(crate) fn of<'a>(&self, value: &'a Value, of: &str) -> Result<Cow<'a, Value>, TaskError> {
        match &self.0 {
            Place::Whole => Ok(Cow::Borrowed(value)),
            Place::Lone => Ok(Cow::Borrowed(match value {
                Value::Object(members) if members.len() == 1 => members.values().next().unwrap_or(value),
                _ => value,
            })),
            Place::Path(steps, written) => {
                let found = steps.iter().try_fold(value, |value, step| match value {
                    Value::Array(list) => list.get(step.parse::<usize>().ok()?),
                    other => other.get(step),
                });
                found
                    .map(Cow::Borrowed)
                    .ok_or_else(|| missing(format!("the {of} have no `{written}`: {}", members(value))))
            }
            Place::Function(find) => find(value)
                .map(Cow::Owned)
                .ok_or_else(|| missing(format!("the function finds nothing in the {of}"))),
        }
    }
}

/// The value as a text: a scalar's.
pub(crate) fn text(value: &Value, of: &str) -> Result<String, TaskError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        other => Err(missing(format!(
            "the {of} are no text: {}; say where the text is by `field(\"…\")`",
            members(other)
        ))),
    }
}

fn missing(message: String) -> TaskError {
    TaskError::new("Field", message)
}

fn members(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let names: Vec<_> = members.keys().map(|name| format!("`{name}`")).collect();
            format!("an object with {}", names.join(", "))
        }
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => "a single value".to_owned(),
    }
}

impl From<&str> for Field {
    fn from(path: &str) -> Self {
        let steps = match path.strip_prefix('/') {
            Some(pointer) => pointer
                .split('/')
                .map(|step| step.replace("~1", "/").replace("~0", "~"))
                .collect(),
            None => path.split('.').map(str::to_owned).collect(),
        };
        Self(Place::Path(steps, path.to_owned()))
    }
}

impl From<String> for Field {
    fn from(path: String) -> Self {
        path.as_str().into()
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Lone => f.write_str("Field(lone)"),
            Place::Whole => f.write_str("Field(whole)"),
            Place::Path(_, written) => write!(f, "Field({written:?})"),
            Place::Function(_) => f.write_str("Field(function)"),
        }
    }
}
