//! The arguments of `#[trace(…)]`: what may be written, and what the compiler says of the rest.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Lit, LitStr, Path, Result, Token, parenthesized, token};

use crate::fields::{self, Field};

/// How each argument is written.
const USAGE: [(&str, &str); 13] = [
    ("event_type", "event_type = \"model\""),
    ("name", "name = \"…\""),
    ("tracer", "tracer = …"),
    ("skip", "skip(argument, …)"),
    ("skip_all", "skip_all"),
    ("inputs", "inputs(key = …)"),
    ("metadata", "metadata(key = …)"),
    ("metrics", "metrics(key = …)"),
    ("config", "config(key = …)"),
    ("feedback", "feedback(key = …)"),
    ("output", "output = false` or `output = |result| …"),
    ("error", "error = |error| …"),
    ("crate", "crate = path"),
];

const EVENT_TYPES: &str = "\"model\", \"tool\", \"chain\" or \"session\"";

/// What the user wrote.
#[derive(Clone, Default)]
pub(crate) struct Args {
    pub(crate) event_type: Option<Expr>,
    pub(crate) name: Option<Expr>,
    pub(crate) tracer: Option<Expr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) skip_all: Option<Span>,
    pub(crate) fields: Vec<Field>,
    pub(crate) output: Option<Output>,
    pub(crate) error: Option<Expr>,
    pub(crate) core: Option<Path>,
    /// `skip` without a list: the method of a traced `impl` is left alone.
    pub(crate) untraced: Option<Span>,
}

/// What is recorded of the result.
#[derive(Clone)]
pub(crate) enum Output {
    Nothing,
    /// What this function makes of it.
    Of(Expr),
}

impl Args {
    /// The arguments of a method in a traced `impl` that has these: what is said at the method counts.
    pub(crate) fn or(self, block: &Self) -> Self {
        let mut fields = block.fields.clone();
        fields.retain(|field| !self.fields.iter().any(|own| own.key == field.key));
        fields.extend(self.fields);
        Self {
            event_type: self.event_type.or_else(|| block.event_type.clone()),
            name: self.name,
            tracer: self.tracer.or_else(|| block.tracer.clone()),
            skip: self.skip,
            skip_all: self.skip_all.or(block.skip_all),
            fields,
            output: self.output.or_else(|| block.output.clone()),
            error: self.error.or_else(|| block.error.clone()),
            core: self.core.or_else(|| block.core.clone()),
            untraced: self.untraced,
        }
    }

    fn argument(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<()> {
        match name.to_string().as_str() {
            "event_type" => set(&mut self.event_type, name, event_type(value(name, input)?)?),
            // As the Python SDK calls it: for code that comes from there.
            "name" | "event_name" => match self.name.replace(event_name(value(name, input)?)?) {
                None => Ok(()),
                Some(_) => Err(Error::new(
                    name.span(),
                    "the name is given twice: `event_name` is another word for `name`",
                )),
            },
            "tracer" => set(&mut self.tracer, name, value(name, input)?),
            "skip" if !input.peek(token::Paren) => {
                let at = name.span();
                if input.peek(Token![=]) {
                    return Err(Error::new(at, usage(name)));
                }
                set(&mut self.untraced, name, at)
            }
            "skip" => {
                let list;
                parenthesized!(list in input);
                let skipped = Punctuated::<Ident, Token![,]>::parse_terminated_with(&list, Ident::parse_any)?;
                if skipped.is_empty() {
                    return Err(Error::new(name.span(), usage(name)));
                }
                if !self.skip.is_empty() {
                    return Err(twice(name));
                }
                self.skip.extend(skipped);
                Ok(())
            }
            "skip_all" => {
                if !input.is_empty() && !input.peek(Token![,]) {
                    return Err(Error::new(name.span(), usage(name)));
                }
                set(&mut self.skip_all, name, name.span())
            }
            "output" => set(&mut self.output, name, output(value(name, input)?)?),
            "error" => set(
                &mut self.error,
                name,
                function(value(name, input)?, "error = |error| …")?,
            ),
            "crate" => {
                input
                    .parse::<Token![=]>()
                    .map_err(|_| Error::new(name.span(), usage(name)))?;
                set(&mut self.core, name, Path::parse_mod_style(input)?)
            }
            bucket if fields::BUCKETS.contains(&bucket) => {
                if !input.peek(token::Paren) {
                    return Err(Error::new(name.span(), usage(name)));
                }
                let list;
                parenthesized!(list in input);
                fields::parse(name, &list, &mut self.fields)
            }
            other => Err(Error::new(
                name.span(),
                format!("unknown argument `{other}`: {}", allowed()),
            )),
        }
    }
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            let name = input
                .call(Ident::parse_any)
                .map_err(|error| Error::new(error.span(), allowed()))?;
            args.argument(&name, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if let (Some(all), [_, ..]) = (args.skip_all, args.skip.as_slice()) {
            return Err(Error::new(
                all,
                "`skip_all` leaves out every argument: remove `skip(…)`",
            ));
        }
        Ok(args)
    }
}

fn allowed() -> String {
    let names: Vec<_> = USAGE.iter().map(|(name, _)| format!("`{name}`")).collect();
    format!("expected one of {}", names.join(", "))
}

fn usage(name: &Ident) -> String {
    let name = if name == "event_name" {
        "name".to_owned()
    } else {
        name.to_string()
    };
    let written = USAGE
        .iter()
        .find(|(known, _)| name == *known)
        .map_or("", |(_, usage)| usage);
    format!("write `{written}`")
}

fn twice(name: &Ident) -> Error {
    Error::new(name.span(), format!("`{name}` is given twice"))
}

/// Parses `= value`.
fn value(name: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    if input.parse::<Token![=]>().is_err() {
        return Err(Error::new(name.span(), usage(name)));
    }
    input.parse()
}

pub(crate) fn set<T>(slot: &mut Option<T>, name: &Ident, value: T) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(twice(name));
    }
    Ok(())
}

pub(crate) fn literal(expr: &Expr) -> Option<&LitStr> {
    match expr {
        Expr::Lit(expr) => match &expr.lit {
            Lit::Str(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn event_type(expr: Expr) -> Result<Expr> {
    match (literal(&expr), &expr) {
        (Some(text), _) if matches!(text.value().as_str(), "model" | "tool" | "chain" | "session") => Ok(expr),
        (Some(text), _) => Err(Error::new(
            text.span(),
            format!("unknown event type {:?}: use {EVENT_TYPES}", text.value()),
        )),
        (None, Expr::Path(_)) => Ok(expr),
        (None, other) => Err(Error::new_spanned(
            other,
            format!("an event type is {EVENT_TYPES}, or the path of an `EventType`"),
        )),
    }
}

fn event_name(expr: Expr) -> Result<Expr> {
    match (literal(&expr), &expr) {
        (Some(text), _) if text.value().trim().is_empty() => Err(Error::new(text.span(), "the name is empty")),
        (None, Expr::Lit(other)) => Err(Error::new_spanned(other, "a name is text")),
        _ => Ok(expr),
    }
}

fn output(expr: Expr) -> Result<Output> {
    match &expr {
        Expr::Lit(literal) if matches!(&literal.lit, Lit::Bool(bool) if !bool.value) => Ok(Output::Nothing),
        _ => Ok(Output::Of(function(expr, "output = false` or `output = |result| …")?)),
    }
}

/// A closure, or the path of a function.
fn function(expr: Expr, usage: &str) -> Result<Expr> {
    match expr {
        Expr::Closure(_) | Expr::Path(_) => Ok(expr),
        other => Err(Error::new_spanned(other, format!("write `{usage}`"))),
    }
}
