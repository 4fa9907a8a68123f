//! Writers that stop: a value is cut before it costs, not after.

use std::fmt;
use std::io;

use serde::Serialize;

use super::Captured;

/// Bytes of a text kept in one attribute.
pub(crate) const TEXT_LIMIT: usize = 1 << 20;
/// Bytes of JSON or `Debug` text written for one attribute.
pub(crate) const JSON_LIMIT: usize = 128 << 10;

/// The text, or its beginning and a marker with the number of bytes left out.
pub(crate) fn cut_text(text: &str) -> String {
    if text.len() <= TEXT_LIMIT {
        text.to_owned()
    } else {
        cut_at(text, TEXT_LIMIT)
    }
}

/// The first `limit` bytes of a text, and a marker with the number of bytes left out.
pub(crate) fn cut_at(text: &str, limit: usize) -> String {
    let kept = &text[..text.floor_char_boundary(limit)];
    format!("{kept}{}", left_out(text.len() - kept.len()))
}

fn left_out(bytes: usize) -> String {
    format!("…[+{bytes} bytes]")
}

/// Pieces of text put together, of which as much is kept as of one text.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    text: String,
    left_out: usize,
}

impl Joined {
    pub(crate) fn push(&mut self, piece: &str) {
        // Once a piece was cut, none follows.
        let room = if self.left_out == 0 {
            TEXT_LIMIT - self.text.len()
        } else {
            0
        };
        let kept = &piece[..piece.floor_char_boundary(room)];
        self.text.push_str(kept);
        self.left_out += piece.len() - kept.len();
    }

    pub(crate) fn finish(mut self) -> String {
        if self.left_out > 0 {
            self.text.push_str(&left_out(self.left_out));
        }
        self.text
    }
}

/// JSON text of at most `limit` bytes.
pub(super) fn capped_json<T: Serialize + ?Sized>(value: &T, limit: usize) -> Captured {
    let mut writer = CappedBytes {
        bytes: Vec::with_capacity(128),
        limit,
        full: false,
    };
    let outcome = serde_json::to_writer(&mut writer, value);
    let CappedBytes { bytes, full, .. } = writer;
    let text = String::from_utf8(bytes).unwrap_or_else(|error| {
        // Only a cut inside a character leaves invalid UTF-8, at the very end.
        let valid = error.utf8_error().valid_up_to();
        let mut bytes = error.into_bytes();
        bytes.truncate(valid);
        String::from_utf8(bytes).unwrap_or_default()
    });
    match outcome {
        Ok(()) => Captured::Json(text),
        Err(_) if full => Captured::Text(text + "…[cut]"),
        Err(error) => Captured::Text(format!("<not serialisable: {error}>")),
    }
}

pub(super) fn capped_debug<T: fmt::Debug + ?Sized>(value: &T) -> String {
    let mut writer = CappedText {
        text: String::with_capacity(64),
    };
    let outcome = fmt::write(&mut writer, format_args!("{value:?}"));
    let mut text = writer.text;
    if outcome.is_err() {
        text.push_str("…[cut]");
    }
    text
}

struct CappedBytes {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl io::Write for CappedBytes {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        let room = self.limit - self.bytes.len();
        let taken = chunk.len().min(room);
        self.bytes.extend_from_slice(&chunk[..taken]);
        if taken < chunk.len() {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct CappedText {
    text: String,
}

impl fmt::Write for CappedText {
    fn write_str(&mut self, chunk: &str) -> fmt::Result {
        let room = JSON_LIMIT - self.text.len();
        if chunk.len() <= room {
            self.text.push_str(chunk);
            return Ok(());
        }
        self.text.push_str(&chunk[..chunk.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}
