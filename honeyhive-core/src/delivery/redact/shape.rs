//! What the place of a value says about it where its own name does not: `{"name": "Authorization", "value": …}`, the
//! pair `["Authorization", …]`, the properties of a JSON schema, the tokens of log probabilities.

use super::names_secret;

/// The longest text looked at as the name of what stands beside it.
const LONGEST: usize = 64;

/// Whether a text, not a key, is the name of a secret. A sentence about passwords is none.
pub(super) fn labels_secret(text: &str) -> bool {
    text.len() <= LONGEST
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && names_secret(text)
}

/// Whether the second text of a list whose first names a secret is a name as well: a list of names is no pair of a name
/// and its value. A digit makes it a value, for `HUNTER2Jwt` ends like a name.
pub(super) fn lists_secret(text: &str) -> bool {
    labels_secret(text) && !text.bytes().any(|byte| byte.is_ascii_digit())
}

/// A member that says what the member `is_labelled` is.
pub(super) fn is_label(key: &str) -> bool {
    ["name", "key", "header"]
        .iter()
        .any(|label| key.eq_ignore_ascii_case(label))
}

pub(super) fn is_labelled(key: &str) -> bool {
    ["value", "values"].iter().any(|value| key.eq_ignore_ascii_case(value))
}

/// Whether the texts of a list under this key are names, so that two of them are no pair of a name and a value.
pub(super) fn lists_names(key: &str) -> bool {
    matches!(
        key,
        "required" | "optional" | "enum" | "fields" | "columns" | "keys" | "names" | "scopes" | "stop"
    )
}

/// The member of a JSON schema whose members define what is named like them.
pub(super) fn is_definitions(key: &str) -> bool {
    key == "properties"
}

/// What the definition of a secret may say. An unknown word, or a default, may be the secret itself.
pub(super) fn is_schema_word(key: &str) -> bool {
    matches!(
        key,
        "type"
            | "title"
            | "description"
            | "format"
            | "pattern"
            | "enum"
            | "anyOf"
            | "oneOf"
            | "allOf"
            | "not"
            | "items"
            | "prefixItems"
            | "properties"
            | "required"
            | "additionalProperties"
            | "propertyNames"
            | "$ref"
            | "$schema"
            | "$id"
            | "$defs"
            | "$comment"
            | "definitions"
            | "nullable"
            | "readOnly"
            | "writeOnly"
            | "deprecated"
            | "minLength"
            | "maxLength"
            | "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
            | "multipleOf"
            | "minItems"
            | "maxItems"
            | "uniqueItems"
            | "minProperties"
            | "maxProperties"
    )
}

/// Whether what is below this key tells of the tokens of a model.
pub(super) fn is_logprobs(key: &str) -> bool {
    key.contains("logprobs")
}

/// Whether a member beside `token` says that it is a token of a model. Elsewhere `bytes` is a size.
pub(super) fn is_of_logprob(key: &str, is_list: bool) -> bool {
    matches!(key, "logprob" | "top_logprobs") || key == "bytes" && is_list
}
