//! Values a user adds to a span by hand: `metadata(key = expression)`.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Result, Token, parse_quote};

/// Arguments of the attribute that hold such values.
pub(crate) const BUCKETS: [&str; 5] = ["inputs", "metadata", "metrics", "config", "feedback"];

/// One value.
#[derive(Clone)]
pub(crate) struct Field {
    /// Key of the attribute: `honeyhive_metadata.user`.
    pub(crate) key: String,
    pub(crate) value: Expr,
}

/// Parses what stands in the parentheses behind the name of a bucket.
pub(crate) fn parse(bucket: &Ident, list: ParseStream<'_>, fields: &mut Vec<Field>) -> Result<()> {
    let pairs = Punctuated::<Pair, Token![,]>::parse_terminated(list)?;
    if pairs.is_empty() {
        return Err(Error::new(bucket.span(), format!("write `{bucket}(key = …)`")));
    }
    for Pair { key, at, value } in pairs {
        if key.trim().is_empty() {
            return Err(Error::new(at, "the key is empty"));
        }
        let path = format!("honeyhive_{bucket}.{key}");
        if fields.iter().any(|field| field.key == path) {
            return Err(Error::new(at, format!("`{key}` is given twice in `{bucket}`")));
        }
        fields.push(Field { key: path, value });
    }
    Ok(())
}

const USAGE: &str = "expected `key = …`, `\"key\" = …` or the name of a variable";

/// `key = expression`, `"any key" = expression`, or `variable` alone.
struct Pair {
    key: String,
    at: Span,
    value: Expr,
}

impl Parse for Pair {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let key: LitStr = input.parse()?;
            input
                .parse::<Token![=]>()
                .map_err(|error| Error::new(error.span(), USAGE))?;
            let value = input.parse()?;
            return Ok(Self {
                key: key.value(),
                at: key.span(),
                value,
            });
        }
        let name = input
            .call(Ident::parse_any)
            .map_err(|error| Error::new(error.span(), USAGE))?;
        if !input.is_empty() && !input.peek(Token![=]) && !input.peek(Token![,]) {
            return Err(input.error(USAGE));
        }
        let value = if input.parse::<Option<Token![=]>>()?.is_some() {
            input.parse()?
        } else {
            parse_quote!(#name)
        };
        Ok(Self {
            key: name.unraw().to_string(),
            at: name.span(),
            value,
        })
    }
}
