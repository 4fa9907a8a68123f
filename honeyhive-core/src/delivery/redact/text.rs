//! Secrets inside text: JSON, what Rust's `Debug` writes, whole or cut, and what stands between them.
//!
//! A scanner, not a parser: it looks for `name: value` and for what `prose` knows, in one pass, and understands of a
//! value only where it ends. What it has found it replaces at the end, for some members say what others are.

use std::borrow::Cow;
use std::ops::Range;

use super::escape::{closing, escape, inside, is_quoted, said};
use super::names::{is_name, may_name_secret};
use super::shape::{
    is_definitions, is_label, is_labelled, is_logprobs, is_of_logprob, is_schema_word, labels_secret, lists_names,
    lists_secret,
};
use super::{REDACTED, names_secret, prose};

/// JSON in a text in JSON… is followed this many times.
const DEPTH: usize = 4;

/// The text with the values of secrets replaced.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    redact_nested(text, 0)
}

fn redact_nested(text: &str, depth: usize) -> Cow<'_, str> {
    if !may_name_secret(text) && !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let scan = Scan {
        text,
        bytes: text.as_bytes(),
        depth,
        frames: Vec::new(),
        open: [0; 3],
        member: About::default(),
        edits: Vec::new(),
    };
    scan.run()
}

struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    depth: usize,
    /// The brackets that are open, and how many of each kind.
    frames: Vec<Frame>,
    open: [usize; 3],
    /// What the name of the value says that comes next.
    member: About,
    edits: Vec<Edit>,
}

struct Edit {
    range: Range<usize>,
    with: Cow<'static, str>,
}

/// What the name of a value says about what is in it.
#[derive(Clone, Copy, Default)]
struct About {
    logprobs: bool,
    definitions: bool,
    /// The definition of a secret.
    definition: bool,
    names: bool,
}

/// What is known about an open bracket.
#[derive(Default)]
struct Frame {
    kind: u8,
    about: About,
    /// Whether a member, or the first item, says that `labelled`, or the second item, is a secret.
    label: bool,
    labelled: Option<usize>,
    labelled_end: Option<usize>,
    /// The commas so far, and the place behind the last.
    commas: usize,
    behind_comma: usize,
    /// The edit of a member `token`, and whether another member says that it is one of a model.
    token: Option<usize>,
    of_logprob: bool,
}

impl<'t> Scan<'t> {
    fn run(mut self) -> Cow<'t, str> {
        let mut at = 0;
        // The last character that is not white space.
        let mut before = 0;
        let mut begins_line = true;
        while let Some(&byte) = self.bytes.get(at) {
            if byte.is_ascii_whitespace() {
                begins_line |= byte == b'\n';
                at += 1;
                continue;
            }
            at = match byte {
                b'{' | b'[' | b'(' => self.opened(byte, at),
                b'}' | b']' | b')' => self.closed(byte, at),
                b',' => self.comma(at),
                b'"' | b'\'' => self.quote(at, before),
                b'\\' => at + 1 + usize::from(self.bytes.get(at + 1).is_some_and(u8::is_ascii)),
                _ if is_name(byte) => self.name(at, before, begins_line),
                _ => at + 1,
            };
            begins_line = match byte {
                b'"' | b'\'' | b'`' => self.frames.is_empty(),
                b'-' | b'>' | b'<' | b'*' => begins_line,
                _ => false,
            };
            before = byte;
        }
        while let Some(frame) = self.frames.pop() {
            self.settle(&frame, self.bytes.len());
        }
        self.apply()
    }

    /// The text with the edits made. An edit inside of another is lost in it.
    fn apply(mut self) -> Cow<'t, str> {
        self.edits.retain(|edit| !edit.range.is_empty());
        if self.edits.is_empty() {
            return Cow::Borrowed(self.text);
        }
        self.edits
            .sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
        let mut done = String::with_capacity(self.text.len());
        let mut copied = 0;
        for edit in self.edits {
            if edit.range.start >= copied {
                done.push_str(&self.text[copied..edit.range.start]);
                done.push_str(&edit.with);
                copied = edit.range.end;
            } else if edit.range.end > copied {
                // They overlap: what is in either goes.
                copied = edit.range.end;
            }
        }
        done.push_str(&self.text[copied..]);
        Cow::Owned(done)
    }

    fn opened(&mut self, kind: u8, at: usize) -> usize {
        if kind != b'(' && self.depth < DEPTH && self.bytes[self.behind_space(at + 1)..].starts_with(b"\\\"") {
            // JSON with escapes but without quotes around it, as in a log.
            let rest = &self.text[at..];
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            if let Cow::Owned(redacted) = redact_nested(&said(line), self.depth + 1) {
                self.rewrite(at, line, '"', &redacted);
            }
            return at + line.len();
        }
        let outer = self.frames.last().map(|frame| frame.about).unwrap_or_default();
        let mut about = std::mem::take(&mut self.member);
        about.logprobs |= outer.logprobs;
        if kind != b'{' {
            // `Some(…)`, `Array [String(…)]`: the name is about what is inside.
            if kind == b'[' {
                (about.definitions, about.definition) = (false, false);
            }
            self.member = About { names: false, ..about };
        }
        let label = kind != b'{'
            && !about.names
            && !about.logprobs
            && self
                .text_at(at + 1)
                .is_some_and(|(text, end)| self.bytes.get(end) == Some(&b',') && labels_secret(&text));
        self.frames.push(Frame {
            kind,
            about,
            label,
            behind_comma: at + 1,
            ..Frame::default()
        });
        self.open[index(kind)] += 1;
        at + 1
    }

    /// Closes the bracket, and those inside of it that nothing closed. One that nothing opened is prose.
    fn closed(&mut self, byte: u8, at: usize) -> usize {
        self.member = About::default();
        if self.open[index(byte)] > 0 {
            while let Some(frame) = self.frames.pop() {
                self.open[index(frame.kind)] -= 1;
                self.settle(&frame, at);
                if index(frame.kind) == index(byte) {
                    break;
                }
            }
        }
        at + 1
    }

    /// What the whole of a bracket says about its parts.
    fn settle(&mut self, frame: &Frame, end: usize) {
        if frame.of_logprob
            && let Some(edit) = frame.token.and_then(|token| self.edits.get_mut(token))
        {
            edit.range.end = edit.range.start;
        }
        let last_is_empty = self.text[frame.behind_comma.min(end)..end].trim_ascii().is_empty();
        let is_pair = frame.kind == b'{' || frame.commas == 1 || frame.commas == 2 && last_is_empty;
        if frame.label
            && is_pair
            && let Some(start) = frame.labelled
        {
            let start = self.behind_space(start);
            let end = frame.labelled_end.unwrap_or(end);
            let value = self.text[start.min(end)..end].trim_ascii_end();
            let is_name = frame.kind != b'{' && is_quoted(value, |inside| lists_secret(inside) && inside != REDACTED);
            if !is_name {
                self.replace(start..start + value.len());
            }
        }
    }

    fn comma(&mut self, at: usize) -> usize {
        self.member = About::default();
        if let Some(frame) = self.frames.last_mut() {
            frame.commas += 1;
            frame.behind_comma = at + 1;
            if frame.labelled.is_some() && frame.labelled_end.is_none() {
                frame.labelled_end = Some(at);
            }
            if frame.kind != b'{' && frame.commas == 1 {
                frame.labelled = Some(at + 1);
            }
        }
        at + 1
    }

    /// A quote. In prose it opens nothing, except around a text with escapes.
    fn quote(&mut self, at: usize, before: u8) -> usize {
        let in_prose = self.frames.is_empty();
        if self.bytes[at] == b'\'' && (in_prose || !opens(before) && !matches!(before, b':' | b'=' | b'>')) {
            return at + 1;
        }
        let closing = closing(self.bytes, at);
        let end = closing.unwrap_or(self.bytes.len());
        // Behind a quoted text goes the structure on; a single quote may be an apostrophe, another an inch.
        let goes_on = match self.bytes.get(self.behind_space(end)) {
            Some(byte) => b",:=;)]}".contains(byte),
            None => closing.is_some() || self.bytes[at] == b'"',
        };
        if !goes_on && !in_prose || in_prose && !self.text[at..end].contains('\\') {
            return at + 1;
        }
        self.quoted(at, end)
    }

    /// A quoted text: the name of a member, or a value that is looked into. It may lack its closing quote.
    fn quoted(&mut self, at: usize, end: usize) -> usize {
        let inside = inside(self.text, at, end);
        let colon = self.behind_space(end);
        if let Some(width) = self.separator(colon, true) {
            let name = said(inside);
            let value = self.behind_space(colon + width);
            if let Some(end) = self.named(&name, value) {
                return end;
            }
        }
        if self.depth < DEPTH
            && (may_name_secret(inside) || inside.contains("\\u"))
            && let Cow::Owned(redacted) = redact_nested(&said(inside), self.depth + 1)
        {
            self.rewrite(at + 1, inside, char::from(self.bytes[at]), &redacted);
        }
        end
    }

    /// A word outside of quotes.
    fn name(&mut self, at: usize, before: u8, begins_line: bool) -> usize {
        let rest = &self.bytes[at..];
        let end = at
            + rest
                .iter()
                .position(|byte| !is_name(*byte) && *byte != b'-')
                .unwrap_or(rest.len());
        let name = &self.text[at..end];
        // Quoted, where an odd quote has turned the inside out.
        if at > 0 && self.bytes[at - 1] == b'"' && self.bytes.get(end) == Some(&b'"') {
            let colon = self.behind_space(end + 1);
            if let Some(width) = self.separator(colon, false)
                && let value = self.behind_space(colon + width)
                && matches!(self.bytes.get(value), Some(b'"' | b'{' | b'['))
                && names_secret(name)
            {
                return match closing(self.bytes, value) {
                    Some(end) if self.bytes[value] == b'"' => self.replace(value..end),
                    _ => self.replace(value..self.value_end(value)),
                };
            }
        }
        let colon = self.behind_space(end);
        if opens(before)
            && let Some(kind) = self.frames.last().map(|frame| frame.kind)
            && let Some(width) = self.separator(colon, false)
        {
            let value = self.behind_space(colon + width);
            // `(password: &str)` is code.
            let is_value = kind != b'(' || matches!(self.bytes.get(value), Some(b'"' | b'\'' | b'0'..=b'9'));
            if is_value && let Some(end) = self.named(name, value) {
                return end;
            }
        }
        let found = match self.bytes.get(colon) {
            Some(b'=') if names_secret(name) => prose::assigned(self.text, end),
            Some(b':') => match prose::authorized(self.text, name, end) {
                Some(found) => Some(found),
                None if begins_line && names_secret(name) => prose::of_line(self.text, name, at, end),
                None => None,
            },
            _ => prose::borne(self.text, name, end),
        };
        match found {
            Some(range) => self.replace_bare(range),
            None => end,
        }
    }

    /// A member of this name whose value begins there: where the value ends, when it is a secret.
    fn named(&mut self, name: &str, value: usize) -> Option<usize> {
        let first = self.bytes.get(value).copied().unwrap_or_default();
        let is_list = first == b'[';
        let (about, object) = match self.frames.last() {
            Some(frame) => (frame.about, frame.kind == b'{'),
            None => (About::default(), false),
        };
        let of_model = about.logprobs && name == "token";
        let secret = names_secret(name) && !of_model;
        let defines = secret && object && about.definitions && self.is_object(value);
        if object && about.definition && !is_schema_word(name) || secret && !defines {
            let end = self.value_end(value);
            if prose::is_type(&self.text[value..end]) {
                return Some(end);
            }
            let edits = self.edits.len();
            self.replace(value..end);
            if let Some(frame) = self.frames.last_mut()
                && name == "token"
                && self.edits.len() > edits
                && !matches!(first, b'{' | b'[')
            {
                frame.token = Some(edits);
            }
            return Some(end);
        }
        self.member = About {
            logprobs: is_logprobs(name),
            definitions: is_definitions(name),
            definition: defines,
            names: lists_names(name),
        };
        let label = is_label(name) && self.text_at(value).is_some_and(|(text, _)| labels_secret(&text));
        if object && let Some(frame) = self.frames.last_mut() {
            frame.label |= label;
            frame.of_logprob |= is_of_logprob(name, is_list);
            if is_labelled(name) {
                (frame.labelled, frame.labelled_end) = (Some(value), None);
            }
        }
        None
    }

    /// The text that begins here, also in `String("…")`, and the place behind it and white space.
    fn text_at(&self, at: usize) -> Option<(Cow<'t, str>, usize)> {
        let at = self.behind_space(at);
        let word = self.bytes[at..].iter().position(|byte| !is_name(*byte))?;
        let wrapped = word > 0 && self.bytes[at + word] == b'(';
        let quote = at + word + usize::from(wrapped);
        if word > 0 && !wrapped || !matches!(self.bytes.get(quote), Some(b'"' | b'\'')) {
            return None;
        }
        let mut end = closing(self.bytes, quote)?;
        let text = said(inside(self.text, quote, end));
        if wrapped && self.bytes.get(end) == Some(&b')') {
            end += 1;
        }
        Some((text, self.behind_space(end)))
    }

    /// Whether an object begins here: `{`, or `Object {` as `Debug` of `serde_json` has it.
    fn is_object(&self, value: usize) -> bool {
        let rest = &self.text[value..];
        rest.strip_prefix("Object ").unwrap_or(rest).starts_with('{')
    }

    /// The width of what stands between a name and its value.
    fn separator(&self, at: usize, arrow: bool) -> Option<usize> {
        match self.bytes.get(at)? {
            b':' if self.bytes.get(at + 1) != Some(&b':') => Some(1),
            b'=' if arrow && self.bytes.get(at + 1) == Some(&b'>') => Some(2),
            _ => None,
        }
    }

    fn behind_space(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())
            .unwrap_or(rest.len())
    }

    /// Replaces a value; returns where it ends.
    fn replace(&mut self, range: Range<usize>) -> usize {
        let end = range.end;
        if !range.is_empty() && !is_quoted(&self.text[range.clone()], |inside| inside == REDACTED) {
            let with = Cow::Owned(format!("\"{REDACTED}\""));
            self.edits.push(Edit { range, with });
        }
        end
    }

    /// Replaces what is in no quotes, or only what is in them; returns where it ends.
    fn replace_bare(&mut self, range: Range<usize>) -> usize {
        let end = range.end;
        if !range.is_empty() && !self.text[range.clone()].starts_with(REDACTED) {
            let with = Cow::Borrowed(REDACTED);
            self.edits.push(Edit { range, with });
        }
        end
    }

    /// Puts another text in the place of what is in quotes.
    fn rewrite(&mut self, at: usize, inside: &str, quote: char, redacted: &str) {
        let mut with = String::with_capacity(inside.len());
        escape(redacted, quote, &mut with);
        self.edits.push(Edit {
            range: at..at + inside.len(),
            with: Cow::Owned(with),
        });
    }

    /// The comma, closing bracket or line end behind a value, or the end of the text.
    fn value_end(&self, start: usize) -> usize {
        let mut open = 0_usize;
        let mut before = b':';
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'{' | b'[' | b'(' => open += 1,
                b'}' | b']' | b')' | b',' | b'\n' if open == 0 => break,
                b'}' | b']' | b')' => open -= 1,
                _ => {}
            }
            at = match byte {
                b'"' => closing(self.bytes, at).unwrap_or(self.bytes.len()),
                // An apostrophe is no quote.
                b'\'' if opens(before) || before == b':' => closing(self.bytes, at).unwrap_or(at + 1),
                _ => at + 1,
            };
            if !byte.is_ascii_whitespace() {
                before = byte;
            }
        }
        start + self.text[start..at].trim_ascii_end().len()
    }
}

/// What stands before a name.
fn opens(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'(' | b',')
}

/// Of the three kinds of brackets.
fn index(bracket: u8) -> usize {
    match bracket {
        b'{' | b'}' => 0,
        b'[' | b']' => 1,
        _ => 2,
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
