//! Markup that is well-formed and escaped by construction: what JUnit and HTML reports are written with.

use std::fmt::{self, Display, Write as _};

/// Attributes of an element, in order.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a dyn Display)];

/// A document under construction. HTML elements are written as XML, which is HTML as well.
#[derive(Default)]
pub(super) struct Markup(String);

impl Markup {
    /// A document that begins with this.
    pub(super) fn beginning(prologue: &str) -> Self {
        Self(prologue.to_owned())
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    /// An element with content. Its end tag is always written.
    pub(super) fn element(&mut self, name: &str, attributes: Attributes<'_>, content: impl FnOnce(&mut Self)) {
        self.open(name, attributes, ">");
        content(self);
        self.0.extend(["</", name, ">"]);
    }

    /// An element with text alone.
    pub(super) fn leaf(&mut self, name: &str, attributes: Attributes<'_>, text: impl Display) {
        self.element(name, attributes, |inside| inside.text(text));
    }

    /// An element that never has content.
    pub(super) fn void(&mut self, name: &str, attributes: Attributes<'_>) {
        self.open(name, attributes, "/>");
    }

    /// Text, escaped.
    pub(super) fn text(&mut self, text: impl Display) {
        // Writing into a String cannot fail.
        let _ = write!(Escape(&mut self.0, false), "{text}");
    }

    /// A line break in the source.
    pub(super) fn line(&mut self) {
        self.0.push('\n');
    }

    /// Markup of our own, as it is: a stylesheet.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    fn open(&mut self, name: &str, attributes: Attributes<'_>, end: &str) {
        self.0.extend(["<", name]);
        for (key, value) in attributes {
            self.0.extend([" ", key, "=\""]);
            let _ = write!(Escape(&mut self.0, true), "{value}");
            self.0.push('"');
        }
        self.0.push_str(end);
    }
}

/// Writes text so that it means itself, in an attribute or outside.
struct Escape<'a>(&'a mut String, bool);

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Self(out, in_attribute) = self;
        for character in text.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '\n' if *in_attribute => out.push_str("&#10;"),
                '\t' if *in_attribute => out.push_str("&#9;"),
                // A parser would read it as a line feed.
                '\r' => out.push_str("&#13;"),
                '\n' | '\t' => out.push(character),
                // XML has no way to say these.
                '\0'..'\u{20}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
                other => out.push(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_means_itself_wherever_it_stands() {
        let mut markup = Markup::beginning("");
        let hostile = "</p><script>'\"&amp;\u{0}\u{1b}[31m\r\n";
        markup.element("p", &[("title", &hostile)], |inside| inside.text(hostile));
        markup.void("br", &[]);
        assert_eq!(
            markup.finish(),
            "<p title=\"&lt;/p&gt;&lt;script&gt;&#39;&quot;&amp;amp;\u{fffd}\u{fffd}[31m&#13;&#10;\">\
             &lt;/p&gt;&lt;script&gt;&#39;&quot;&amp;amp;\u{fffd}\u{fffd}[31m&#13;\n</p><br/>"
        );
    }
}
