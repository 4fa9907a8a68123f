//! Which spans are kept, by the beginning of a name.

use serde::Deserialize;

use super::ConfigError;
use super::reader::Reader;

/// What is kept: what begins with an included prefix, if there are any, and with no excluded one.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameFilter {
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// By the span's name.
    pub(crate) spans: NameFilter,
    /// By the instrumentation scope, for spans of other libraries.
    pub(crate) scopes: NameFilter,
}

impl NameFilter {
    /// Whether everything is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Blank counts as not given: an empty prefix begins every name.
    fn without_blanks(mut self) -> Self {
        for prefixes in [&mut self.include, &mut self.exclude] {
            prefixes.retain(|prefix| !prefix.trim().is_empty());
        }
        self
    }

    pub(crate) fn keeps(&self, name: &str) -> bool {
        let among = |prefixes: &[String]| prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
        (self.include.is_empty() || among(&self.include)) && !among(&self.exclude)
    }
}

/// The JSON of the variables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    include: Vec<Rule>,
    #[serde(default)]
    exclude: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Rule {
    Prefix { value: String },
}

/// What the builder says, else the variable.
pub(super) fn resolve(
    given: NameFilter,
    variable: &'static str,
    reader: &Reader<'_>,
) -> Result<NameFilter, ConfigError> {
    let given = given.without_blanks();
    if !given.is_empty() {
        return Ok(given);
    }
    let Some(setting) = reader.variable(variable) else {
        return Ok(NameFilter::default());
    };
    let written: Written = serde_json::from_str(&setting.text).map_err(|error| {
        setting.invalid(&format!(
            "is no filter such as {{\"include\": [{{\"type\": \"prefix\", \"value\": \"chat\"}}]}}: {error}"
        ))
    })?;
    let prefixes = |rules: Vec<Rule>| rules.into_iter().map(|Rule::Prefix { value }| value).collect();
    let written = NameFilter {
        include: prefixes(written.include),
        exclude: prefixes(written.exclude),
    };
    Ok(written.without_blanks())
}
