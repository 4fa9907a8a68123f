//! Quoted text, as JSON and `Debug` write it.

use std::borrow::Cow;

/// Behind the quote that closes the one at `at`.
pub(super) fn closing(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = *bytes.get(at)?;
    let mut next = at + 1;
    loop {
        match *bytes.get(next)? {
            b'\\' => next += 2,
            byte if byte == quote => return Some(next + 1),
            _ => next += 1,
        }
    }
}

/// What a quoted text has between its quotes; it may lack the closing one.
pub(super) fn inside(text: &str, at: usize, end: usize) -> &str {
    let inside = &text[at + 1..end];
    let quote = char::from(text.as_bytes()[at]);
    inside.strip_suffix(quote).unwrap_or(inside)
}

/// Whether a value is quoted and what is between the quotes passes.
pub(super) fn is_quoted(value: &str, is: impl Fn(&str) -> bool) -> bool {
    let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inside.is_some_and(is)
}

/// What a quoted text says, given what is between its quotes.
pub(super) fn said(inside: &str) -> Cow<'_, str> {
    if inside.contains('\\') {
        Cow::Owned(unescape(inside))
    } else {
        Cow::Borrowed(inside)
    }
}

/// An escape that is not understood stands for itself: the text may be cut in it.
fn unescape(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            said.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => said.push('\n'),
            Some('r') => said.push('\r'),
            Some('t') => said.push('\t'),
            Some('0') => said.push('\0'),
            Some('b') => said.push('\u{8}'),
            Some('f') => said.push('\u{c}'),
            Some(c @ ('"' | '\'' | '\\' | '/')) => said.push(c),
            Some('u') => match unicode(&mut rest) {
                Some(c) => said.push(c),
                None => said.push_str("\\u"),
            },
            other => {
                said.push(c);
                said.extend(other);
            }
        }
    }
    said
}

/// `{1f41d}` as `Debug` writes it, or four digits, or two times four with `\u` between as JSON writes it.
fn unicode(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let text = rest.as_str();
    if let Some((digits, behind)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        *rest = behind.chars();
        return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
    }
    let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let mut units = vec![unit(text)?];
    let mut behind = text.get(4..)?;
    if (0xd800..0xdc00).contains(&units[0]) {
        let second = behind.strip_prefix("\\u")?;
        units.push(unit(second)?);
        behind = second.get(4..)?;
    }
    *rest = behind.chars();
    char::decode_utf16(units).next()?.ok()
}

/// Writes what is to stand between two such quotes.
pub(super) fn escape(text: &str, quote: char, into: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            c if c == quote => into.extend(['\\', c]),
            c if c.is_ascii_control() => into.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => into.push(c),
        }
    }
}
