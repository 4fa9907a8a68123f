//! The arguments of `#[trace(…)]`.

use proc_macro2::{Ident, Span};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Result, Token, parenthesized};

const ALLOWED: &str = "expected `event_type = \"…\"`, `name = \"…\"`, `tracer = …` or `skip(…)`";

/// What the user wrote.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) event_type: Option<EventType>,
    pub(crate) name: Option<LitStr>,
    pub(crate) tracer: Option<Expr>,
    pub(crate) skip: Vec<Ident>,
}

#[derive(Clone, Copy)]
pub(crate) enum EventType {
    Model,
    Tool,
    Chain,
}

impl EventType {
    /// The variant of `honeyhive_core::EventType`.
    pub(crate) fn variant(self) -> Ident {
        let name = match self {
            Self::Model => "Model",
            Self::Tool => "Tool",
            Self::Chain => "Chain",
        };
        Ident::new(name, Span::call_site())
    }
}

impl Parse for EventType {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let literal: LitStr = input.parse()?;
        match literal.value().as_str() {
            "model" => Ok(Self::Model),
            "tool" => Ok(Self::Tool),
            "chain" => Ok(Self::Chain),
            "session" => Err(Error::new(
                literal.span(),
                "a function is no session: use \"model\", \"tool\" or \"chain\", and open sessions with `new_session`",
            )),
            _ => Err(Error::new(
                literal.span(),
                "unknown event type: use \"model\", \"tool\" or \"chain\"",
            )),
        }
    }
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        let mut skip_seen = false;
        while !input.is_empty() {
            let name: Ident = input.parse().map_err(|error| Error::new(error.span(), ALLOWED))?;
            let doubled = match name.to_string().as_str() {
                "event_type" => set(&mut args.event_type, input)?,
                "name" => set(&mut args.name, input)?,
                "tracer" => set(&mut args.tracer, input)?,
                "skip" => {
                    let list;
                    parenthesized!(list in input);
                    args.skip
                        .extend(Punctuated::<Ident, Token![,]>::parse_terminated(&list)?);
                    std::mem::replace(&mut skip_seen, true)
                }
                other => {
                    return Err(Error::new(
                        name.span(),
                        format!("unknown argument `{other}`: {ALLOWED}"),
                    ));
                }
            };
            if doubled {
                return Err(Error::new(name.span(), format!("`{name}` is given twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if let Some(name) = args.name.as_ref().filter(|name| name.value().trim().is_empty()) {
            return Err(Error::new(name.span(), "the name is empty"));
        }
        Ok(args)
    }
}

/// Parses `= value`; says whether there was one already.
fn set<T: Parse>(slot: &mut Option<T>, input: ParseStream<'_>) -> Result<bool> {
    input.parse::<Token![=]>()?;
    Ok(slot.replace(input.parse()?).is_some())
}
