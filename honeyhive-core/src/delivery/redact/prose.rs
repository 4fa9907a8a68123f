//! Secrets outside of quotes and brackets: `?token=abc`, `Authorization: Bearer abc`, lines as YAML and HTTP have them.

use std::ops::Range;

use super::REDACTED;
use super::escape::closing;
use super::names::is_name;

/// From this length on a word behind `Bearer` is no word of a language; a shorter one needs a digit.
const LONG_TOKEN: usize = 20;
const SHORT_TOKEN: usize = 8;

/// The value behind a name that ends at `end`: directly behind `=`, or a quoted one with space around the `=`.
pub(super) fn assigned(text: &str, end: usize) -> Option<Range<usize>> {
    let equals = behind_blanks(text, end);
    let rest = text[equals..].strip_prefix('=')?;
    if rest.starts_with(['=', '>', '~']) {
        return None;
    }
    let from = behind_blanks(text, equals + 1);
    if text[from..].starts_with(['"', '\'']) {
        return Some(quoted(text, from));
    }
    (from == end + 1).then(|| from..bare_end(text, from))
}

/// The token of `Bearer <token>`, when `name` ends at `end` and is `Bearer`.
pub(super) fn borne(text: &str, name: &str, end: usize) -> Option<Range<usize>> {
    if !name.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let word = word(text, behind_blanks(text, end), is_of_token);
    let token = &text[word.clone()];
    let is_token =
        token.len() >= LONG_TOKEN || token.len() >= SHORT_TOKEN && token.bytes().any(|byte| byte.is_ascii_digit());
    (is_token && word.start > end).then_some(word)
}

/// The credentials of `Authorization: <scheme> <credentials>`.
pub(super) fn authorized(text: &str, name: &str, end: usize) -> Option<Range<usize>> {
    let tail = name.len().checked_sub("authorization".len())?;
    if !name.get(tail..)?.eq_ignore_ascii_case("authorization") || !text[end..].starts_with(':') {
        return None;
    }
    let scheme = word(text, behind_blanks(text, end + 1), is_of_token);
    let from = behind_blanks(text, scheme.end);
    if from == scheme.end {
        return None;
    }
    let credentials = match text[scheme].to_ascii_lowercase().as_str() {
        "bearer" | "basic" | "token" | "apikey" | "negotiate" => word(text, from, |byte| !ends_bare(byte)),
        "digest" | "hawk" | "aws4-hmac-sha256" => from..line_end(text, from),
        _ => return None,
    };
    (!credentials.is_empty()).then_some(credentials)
}

/// The value of a line `name: value` whose name ends at `end`: quoted, one word, a block of YAML, or cookies.
pub(super) fn of_line(text: &str, name: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let behind = text[end..].strip_prefix(':')?;
    if behind.starts_with(':') {
        return None;
    }
    let from = behind_blanks(text, end + 1);
    if text[from..].starts_with(['"', '\'']) {
        return Some(quoted(text, from));
    }
    if opens_bracket(text, from) {
        return Some(from..bare_end(text, from));
    }
    // A header in quotes, as an argument of `curl`, ends with them.
    let to = match start.checked_sub(1).map(|at| text.as_bytes()[at]) {
        Some(quote @ (b'"' | b'\'' | b'`')) => word(text, from, |byte| byte != quote && byte != b'\n').end,
        _ => line_end(text, from),
    };
    let value = text[from..to].trim_ascii_end().trim_end_matches([',', ';']);
    if matches!(value, "|" | ">" | "|-" | ">-" | "|+" | ">+") {
        return Some(block(text, start, to));
    }
    let is_word = !value.contains(|c: char| c.is_ascii_whitespace());
    let is_cookie = || {
        let first = value.split_ascii_whitespace().next().unwrap_or_default();
        first.contains('=') && name.to_ascii_lowercase().ends_with("cookie")
    };
    (!is_type(value) && (is_word || is_cookie())).then(|| from..from + value.len())
}

/// Whether a value is the type of a field: code tells of secrets without saying them.
pub(super) fn is_type(value: &str) -> bool {
    matches!(
        value.trim_end_matches(';'),
        "string" | "String" | "str" | "&str" | "&'static str" | "Option<String>" | "Option<&str>" | "bool" | "boolean"
    )
}

/// What is between the quotes; without a closing one, the rest of the line.
fn quoted(text: &str, from: usize) -> Range<usize> {
    let end = closing(text.as_bytes(), from).map_or_else(|| line_end(text, from), |end| end - 1);
    from + 1..end.max(from + 1)
}

/// Where a value without quotes ends; one with brackets, such as `Some("x")`, behind them.
fn bare_end(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let nests = opens_bracket(text, from);
    let mut open = 0_usize;
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' | b'{' if nests => open += 1,
            b')' | b']' | b'}' if open > 0 => open -= 1,
            b'"' if open > 0 => {
                at = closing(bytes, at).unwrap_or(bytes.len()).min(bytes.len());
                continue;
            }
            _ if open == 0 && ends_bare(byte) => break,
            _ => {}
        }
        at += 1;
    }
    let value = &text[from..at];
    if nests || value.starts_with(REDACTED) {
        return at;
    }
    from + value.trim_end_matches([')', ']', '}', '>']).len()
}

fn opens_bracket(text: &str, from: usize) -> bool {
    let rest = &text[from..];
    !rest.starts_with(REDACTED)
        && rest
            .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
            .starts_with(['(', '[', '{'])
}

fn ends_bare(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'&' | b',' | b';' | b'"' | b'\'' | b'`')
}

fn is_of_token(byte: u8) -> bool {
    is_name(byte) || b"-._~+/=".contains(&byte)
}

/// The lines below, as far as they are empty or indented more than the one that holds `start`.
fn block(text: &str, start: usize, to: usize) -> Range<usize> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let own = indent(&text[text[..start].rfind('\n').map_or(0, |newline| newline + 1)..]);
    let mut end = to;
    for line in text[to..].split_inclusive('\n') {
        if end > to && !line.trim_ascii().is_empty() && indent(line) <= own {
            break;
        }
        end += line.len();
    }
    let body = &text[to..end];
    let from = to + (body.len() - body.trim_ascii_start().len());
    from..from + body.trim_ascii().len()
}

fn word(text: &str, from: usize, is_part: impl Fn(u8) -> bool) -> Range<usize> {
    let rest = &text.as_bytes()[from..];
    from..from + rest.iter().position(|byte| !is_part(*byte)).unwrap_or(rest.len())
}

fn behind_blanks(text: &str, from: usize) -> usize {
    word(text, from, |byte| matches!(byte, b' ' | b'\t')).end
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |newline| from + newline)
}
