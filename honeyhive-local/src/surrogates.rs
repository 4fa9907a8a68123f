//! Halves of surrogate pairs in JSON. Python writes text that was cut inside a pair as it is, `"\\ud83d"`; it is no
//! character, so readers of JSON refuse the whole document. Here it reads as U+FFFD.

/// Parses JSON; when that fails, once more with the halves of pairs replaced, where there are any.
pub(crate) fn tolerant<T, E>(json: &[u8], parse: impl Fn(&[u8]) -> Result<T, E>) -> Result<T, E> {
    parse(json).or_else(|error| mended(json).map_or(Err(error), |json| parse(&json)))
}

/// The document with every half replaced; `None` when there is none.
fn mended(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < json.len() {
        at += match (json[at], escaped(json, at)) {
            // A whole pair.
            (_, Some(0xd800..=0xdbff)) if matches!(escaped(json, at + 6), Some(0xdc00..=0xdfff)) => 12,
            (_, Some(0xd800..=0xdfff)) => {
                mended.get_or_insert_with(|| json.to_vec())[at..at + 6].copy_from_slice(b"\\ufffd");
                6
            }
            // Whatever is escaped, it begins no escape of its own.
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    mended
}

/// The unit an escape such as `\\ud83d` at this place stands for.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_replaced_and_pairs_kept() {
        for (json, expected) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\udE00x""#, "\u{fffd}x"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}"),
        ] {
            let read = tolerant(json.as_bytes(), |json| serde_json::from_slice::<String>(json));
            assert_eq!(read.ok().as_deref(), Some(expected), "{json}");
        }
        assert_eq!(mended(br#""\ud83d\ude00 \n \u00e9""#), None);
        assert_eq!(mended(br#""\ud8"#), None);
    }
}
