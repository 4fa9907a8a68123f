//! The text Python's `json.dumps(json.loads(text), sort_keys=True)` prints, byte for byte.
//!
//! It works on raw JSON text and not on `serde_json::Value`, which would turn an integer beyond 64 bits into a float.
//! (`arbitrary_precision` would keep it, but cargo features are global: it would change the trees of our users.)
//!
//! Each level of nesting is scanned once more by `serde_json`, so the cost is length times depth. Datapoints are
//! shallow, and [`MAX_DEPTH`] bounds the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::value::RawValue;

/// How many arrays and objects may stand inside each other. `serde_json` reads no typed tree deeper than 128, which
/// stops nearly everybody before. A level takes more than 1 KiB of stack in a debug build; a test keeps the whole in 512 KiB.
pub(super) const MAX_DEPTH: usize = 256;

/// Why a JSON text has no canonical form.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotCanonical {
    #[error("its arrays and objects are nested more than {MAX_DEPTH} deep; flatten it")]
    TooDeep,
    /// Raw JSON text was checked when it was made, except for one thing: `\u` escapes that are half a character.
    #[error("its JSON text is not readable ({0}); are all its strings valid Unicode?")]
    Unreadable(#[from] serde_json::Error),
}

/// Appends the canonical text of `value` to `out`.
pub(super) fn write_canonical(value: &RawValue, out: &mut String) -> Result<(), NotCanonical> {
    write_value(value.get(), 0, out)
}

fn write_value(json: &str, depth: usize, out: &mut String) -> Result<(), NotCanonical> {
    match json.as_bytes().first() {
        Some(b'{' | b'[') if depth == MAX_DEPTH => return Err(NotCanonical::TooDeep),
        Some(b'{') => {
            // A map of strings sorts by UTF-8 bytes, which is the order of code points, and the last of two equal
            // keys replaces the first: both as in Python.
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
            out.push('{');
            for (position, (key, value)) in fields.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                write_string(key, out);
                out.push_str(": ");
                write_value(value.get(), depth + 1, out)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json)?;
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                write_value(item.get(), depth + 1, out)?;
            }
            out.push(']');
        }
        Some(b'"') => write_string(&serde_json::from_str::<String>(json)?, out),
        Some(b'-' | b'0'..=b'9') => write_number(json, out),
        // null, true, false
        _ => out.push_str(json),
    }
    Ok(())
}

fn write_string(string: &str, out: &mut String) {
    out.push('"');
    for char in string.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(char),
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    // Writing to a `String` cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

fn write_number(json: &str, out: &mut String) {
    match json.parse::<f64>() {
        Ok(float) if json.contains(['.', 'e', 'E']) => write_float(float, out),
        // An integer keeps its digits, however many. Python's has no negative zero.
        _ => out.push_str(if json == "-0" { "0" } else { json }),
    }
}

/// Python's `repr`: the shortest digits that read back as the same float.
fn write_float(float: f64, out: &mut String) {
    if float.is_infinite() {
        // A literal beyond the range, such as 1e400.
        out.push_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
        return;
    }
    let scientific = scientific(float);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if float.is_sign_negative() { "-" } else { "" };
    let digits = mantissa.replace(['-', '.'], "");
    let shift = exponent.unsigned_abs() as usize;
    // Writing to a `String` cannot fail.
    let _ = match exponent {
        -4..0 => write!(out, "{sign}0.{digits:0>width$}", width = shift - 1 + digits.len()),
        0..16 => {
            let digits = format!("{digits:0<width$}", width = shift + 2);
            let (whole, fraction) = digits.split_at(shift + 1);
            write!(out, "{sign}{whole}.{fraction}")
        }
        _ => write!(out, "{mantissa}e{exponent:+03}"),
    };
}

/// The shortest digits, as Rust lays them out: `-1.5e-7`.
///
/// Halfway between two shortest candidates (1957229105206497.25) Python takes the even digit, and Rust rounds up.
/// Rust rounds to even when asked for that number of digits; but the result, the nearest, may then read back as the
/// float below if this one is a power of two, where the floats below are closer together.
fn scientific(float: f64) -> String {
    let shortest = format!("{float:e}");
    let digits = shortest
        .bytes()
        .take_while(|byte| *byte != b'e')
        .filter(u8::is_ascii_digit)
        .count();
    let nearest = format!("{float:.places$e}", places = digits - 1);
    if nearest.parse() == Ok(float) {
        nearest
    } else {
        shortest
    }
}
