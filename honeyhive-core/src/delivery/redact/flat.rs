//! Which attributes of a span are secrets. Objects and lists stand in them flattened, `headers.0.value` each for
//! itself, so that what one says about another is found by their keys.

use std::collections::HashSet;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};

use super::names;
use super::shape::{
    is_definitions, is_label, is_labelled, is_logprobs, is_of_logprob, is_schema_word, labels_secret, lists_names,
    lists_secret,
};

/// Segments of a key that are looked at for what stands beside them.
const DEEPEST: usize = 64;

/// For each attribute whether its key, or another attribute, says that it is a secret.
pub(super) fn secrets(attributes: &[KeyValue]) -> Vec<bool> {
    let beside = Beside::of(attributes);
    attributes
        .iter()
        .map(|attribute| beside.is_secret(&attribute.key))
        .collect()
}

/// The keys above attributes that say something of those beside them.
#[derive(Default)]
struct Beside<'a> {
    /// Above a `name` that is the name of a secret.
    labels: HashSet<&'a str>,
    /// Above the two items of a pair.
    pairs: HashSet<&'a str>,
    /// Above a `logprob`.
    logprobs: HashSet<&'a str>,
}

impl<'a> Beside<'a> {
    fn of(attributes: &'a [KeyValue]) -> Self {
        let mut beside = Self::default();
        let mut longer = HashSet::new();
        let mut names = HashSet::new();
        for KeyValue { key, value, .. } in attributes {
            for (above, item) in levels(key) {
                if item == "2" {
                    longer.insert(above);
                }
            }
            let Some((above, own)) = key.rsplit_once('.') else {
                continue;
            };
            if is_of_logprob(own, false) {
                beside.logprobs.insert(above);
            }
            let Some(any_value::Value::StringValue(text)) = value.as_ref().and_then(|value| value.value.as_ref())
            else {
                continue;
            };
            if !labels_secret(text) {
                continue;
            }
            if is_label(own) {
                beside.labels.insert(above);
            }
            let list = above.rsplit('.').next().unwrap_or(above);
            match own {
                "0" if !lists_names(list) => drop(beside.pairs.insert(above)),
                "1" if lists_secret(text) => drop(names.insert(above)),
                _ => {}
            }
        }
        beside
            .pairs
            .retain(|above| !longer.contains(above) && !names.contains(above));
        beside
    }

    fn is_secret(&self, key: &str) -> bool {
        self.says_secret(key) || self.is_named_secret(key)
    }

    fn says_secret(&self, key: &str) -> bool {
        if self.labels.is_empty() && self.pairs.is_empty() {
            return false;
        }
        levels(key).any(|(above, own)| {
            is_labelled(own) && self.labels.contains(above) || own == "1" && self.pairs.contains(above)
        })
    }

    /// Whether the key names a secret, its bucket apart.
    fn is_named_secret(&self, key: &str) -> bool {
        let path = match key.split_once('.') {
            Some((bucket, path)) if bucket.starts_with("honeyhive_") => path,
            _ => key,
        };
        if path == super::TOKEN_TYPE {
            return false;
        }
        let mut above = "";
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            if names::is_secret(name) {
                let next = names.peek();
                let is_defined = is_definitions(above) && next.is_some_and(|next| is_schema_word(next));
                let is_of_model = name == "token"
                    && next.is_none()
                    && (is_logprobs(key)
                        || key
                            .rsplit_once('.')
                            .is_some_and(|(above, _)| self.logprobs.contains(above)));
                if !is_defined && !is_of_model {
                    return true;
                }
            }
            above = name;
        }
        false
    }
}

/// Each segment of a key with what stands before it.
fn levels(key: &str) -> impl Iterator<Item = (&str, &str)> {
    key.match_indices('.').take(DEEPEST).map(|(dot, _)| {
        let own = &key[dot + 1..];
        (&key[..dot], own.split('.').next().unwrap_or(own))
    })
}
