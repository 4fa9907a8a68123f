//! Prompts with places for values: `{{inputs.question}}`.

use serde_json::Value;

use crate::evaluators::Field;
use crate::extract::OutcomeContext;
use crate::output::TaskError;

const ROOTS: &str = "inputs, outputs, ground_truth, metadata";

/// A prompt that has been read.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Value { root: Root, field: Field, written: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    Inputs,
    Outputs,
    GroundTruth,
    Metadata,
    /// A value the evaluator has, by position.
    Own(usize),
}

impl Root {
    fn name(&self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::GroundTruth => "ground truth",
            Self::Metadata => "metadata",
            Self::Own(_) => "answers",
        }
    }
}

impl Template {
    pub(super) fn parse(template: &str) -> Result<Self, String> {
        Self::parse_with(template, &[])
    }

    /// A template that may also name values the evaluator has.
    pub(super) fn parse_with(template: &str, own: &[&str]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            pieces.push(Piece::Text(before.to_owned()));
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| "its prompt has `{{` without `}}`".to_owned())?;
            pieces.push(place(name.trim(), own)?);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Whether it names a value the evaluator has.
    pub(super) fn has_own(&self, index: usize) -> bool {
        let is_it = |piece: &Piece| matches!(piece, Piece::Value { root: Root::Own(own), .. } if *own == index);
        self.0.iter().any(is_it)
    }

    /// The prompt of one row. What a value contains is text, whatever it looks like.
    pub(super) fn render(&self, context: &OutcomeContext, own: &[String]) -> Result<String, TaskError> {
        let datapoint = &context.task.datapoint;
        let mut prompt = String::new();
        for piece in &self.0 {
            let (root, field, written) = match piece {
                Piece::Text(text) => {
                    prompt.push_str(text);
                    continue;
                }
                Piece::Value { root, field, written } => (root, field, written),
            };
            let metadata;
            let value = match root {
                Root::Inputs => &datapoint.inputs,
                Root::Outputs => &*context.output,
                Root::GroundTruth => datapoint.ground_truth.as_ref().ok_or_else(|| {
                    TaskError::new(
                        "Prompt",
                        format!("the prompt asks for `{{{{{written}}}}}`, and the datapoint has no `ground_truth`"),
                    )
                })?,
                Root::Metadata => {
                    metadata = Value::Object(datapoint.metadata.clone());
                    &metadata
                }
                Root::Own(index) => {
                    prompt.push_str(own.get(*index).map_or("", String::as_str));
                    continue;
                }
            };
            match &*field.of(value, root.name())? {
                Value::String(text) => prompt.push_str(text),
                other => prompt.push_str(&other.to_string()),
            }
        }
        Ok(prompt)
    }
}

fn place(name: &str, own: &[&str]) -> Result<Piece, String> {
    let known = name
        .strip_prefix("feedback.")
        .filter(|rest| rest.starts_with("ground_truth"));
    let (root, path) = match known.unwrap_or(name).split_once('.') {
        Some((root, path)) => (root, Some(path)),
        None => (known.unwrap_or(name), None),
    };
    let root = match root {
        "inputs" => Root::Inputs,
        "outputs" => Root::Outputs,
        "ground_truth" => Root::GroundTruth,
        "metadata" => Root::Metadata,
        other => match own.iter().position(|own| *own == other) {
            Some(index) if path.is_none() => Root::Own(index),
            _ => {
                let more: String = own.iter().map(|name| format!(", {name}")).collect();
                return Err(format!(
                    "its prompt has `{{{{{name}}}}}`, which is none of {ROOTS}{more}"
                ));
            }
        },
    };
    let field = match path {
        Some(path) => Field::from(path),
        // Outputs that are one text in an object read better without it.
        None if root == Root::Outputs || root == Root::GroundTruth => Field::default(),
        None => Field::whole(),
    };
    Ok(Piece::Value {
        root,
        field,
        written: name.to_owned(),
    })
}
