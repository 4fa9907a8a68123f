//! Full-text search over the documents that ship with this example (BM25 over paragraphs). Nothing in this file knows
//! of tracing.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Serialize;

macro_rules! documents {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("documents/", $name, ".md")))),*]
    };
}

const DOCUMENTS: [(&str, &str); 10] = documents![
    "beekeepers-year" "honey" "pollination" "propolis" "queen" "swarming" "waggle-dance" "wax-and-comb"
    "winter-cluster" "worker-life"
];

const STOP_WORDS: [&str; 40] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have", "how", "in",
    "is", "it", "its", "many", "much", "of", "on", "or", "that", "the", "their", "they", "to", "was", "what", "when",
    "where", "which", "who", "why", "will", "with", "would",
];

/// The documents, indexed on first use.
pub(crate) static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::new(&DOCUMENTS));

/// A paragraph of a document.
#[derive(Clone, Serialize)]
pub(crate) struct Passage {
    pub(crate) document: &'static str,
    pub(crate) text: &'static str,
}

impl Passage {
    pub(crate) fn sentences(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.text.split_inclusive(". ").map(str::trim)
    }
}

pub(crate) struct Library {
    passages: Vec<(Passage, HashMap<String, f64>)>,
    /// In how many passages a word occurs.
    frequency: HashMap<String, f64>,
    mean_length: f64,
}

impl Library {
    fn new(documents: &[(&'static str, &'static str)]) -> Self {
        let mut passages = Vec::new();
        let mut frequency = HashMap::new();
        for &(document, text) in documents {
            for text in text
                .split("\n\n")
                .map(str::trim)
                .filter(|text| !text.is_empty() && !text.starts_with('#'))
            {
                let mut counts = HashMap::new();
                for word in words(text) {
                    *counts.entry(word).or_insert(0.0) += 1.0;
                }
                for word in counts.keys() {
                    *frequency.entry(word.clone()).or_insert(0.0) += 1.0;
                }
                passages.push((Passage { document, text }, counts));
            }
        }
        let total: f64 = passages.iter().map(|(_, counts)| counts.values().sum::<f64>()).sum();
        let mean_length = total / size(passages.len());
        Self {
            passages,
            frequency,
            mean_length,
        }
    }

    /// The passages that match the query best, best first.
    pub(crate) fn search(&self, query: &str, top_k: usize) -> Vec<Passage> {
        const SATURATION: f64 = 1.2;
        const LENGTH_WEIGHT: f64 = 0.75;
        let query = words(query);
        let mut ranked: Vec<(f64, &Passage)> = Vec::new();
        for (passage, counts) in &self.passages {
            let length = counts.values().sum::<f64>() / self.mean_length;
            let norm = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length);
            let score = |word: &String| {
                counts.get(word).map_or(0.0, |count| {
                    self.rarity(word) * count * (SATURATION + 1.0) / (count + norm)
                })
            };
            let score: f64 = query.iter().map(score).sum();
            if score > 0.0 {
                ranked.push((score, passage));
            }
        }
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        ranked
            .into_iter()
            .take(top_k)
            .map(|(_, passage)| passage.clone())
            .collect()
    }

    /// How much of what was asked a sentence speaks about.
    pub(crate) fn overlap(&self, wanted: &[String], sentence: &str) -> f64 {
        let present: HashSet<String> = words(sentence).into_iter().collect();
        let asked: HashSet<&String> = wanted.iter().collect();
        asked
            .into_iter()
            .filter(|word| present.contains(*word))
            .map(|word| self.rarity(word))
            .sum()
    }

    fn rarity(&self, word: &str) -> f64 {
        let with = self.frequency.get(word).copied().unwrap_or(0.0);
        (1.0 + (size(self.passages.len()) - with + 0.5) / (with + 0.5)).ln()
    }
}

/// Lower-cased words without the most common ones.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !STOP_WORDS.contains(&word.as_str()))
        .collect()
}

fn size(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
