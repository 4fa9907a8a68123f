//! What differs between two normal forms, key by key.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::normal::{Facts, Normal};

/// Lines that differ, by request and by tree of spans; empty when the two are equal.
pub(crate) fn diff(expected: &Normal, found: &Normal) -> String {
    let (expected, found) = (expected.units(), found.units());
    let labels: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let none = Vec::new();
    let mut text = String::new();
    for label in labels {
        let mut expected: Vec<&Facts> = expected.get(label).unwrap_or(&none).iter().collect();
        let mut found: Vec<&Facts> = found.get(label).unwrap_or(&none).iter().collect();
        expected.retain(|unit| match found.iter().position(|other| other == unit) {
            Some(position) => {
                found.remove(position);
                false
            }
            None => true,
        });
        for unit in expected {
            let closest = (0..found.len()).min_by_key(|index| lines(unit, found[*index]).len());
            let other = closest.map(|index| found.remove(index));
            let _ = writeln!(text, "{label}{}", if other.is_none() { ": missing" } else { "" });
            for line in lines(unit, other.unwrap_or(&Facts::new())) {
                let _ = writeln!(text, "  {line}");
            }
        }
        for unit in found {
            let _ = writeln!(text, "{label}: not expected");
            for line in lines(&Facts::new(), unit) {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    text
}

fn lines(expected: &Facts, found: &Facts) -> Vec<String> {
    let paths: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let mut lines = Vec::new();
    for path in paths {
        let (expected, found) = (expected.get(path), found.get(path));
        if expected != found {
            lines.extend(expected.map(|value| format!("- {path}: {value}")));
            lines.extend(found.map(|value| format!("+ {path}: {value}")));
        }
    }
    lines
}
