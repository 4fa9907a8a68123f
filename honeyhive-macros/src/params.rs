//! The arguments of the annotated function that are recorded.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Block, Error, FnArg, Pat, Result, Signature};

use crate::args::Args;

/// An argument to record.
pub(crate) struct Param {
    pub(crate) name: Ident,
    /// Its `#[cfg]`s: it may not be there.
    pub(crate) conditions: Vec<Attribute>,
}

/// The arguments to record, in order: every name a pattern binds, less the skipped ones.
pub(crate) fn recorded(signature: &Signature, block: &Block, args: &Args) -> Result<Vec<Param>> {
    let mut params = Vec::new();
    let mut has_receiver = false;
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(_) => has_receiver = true,
            FnArg::Typed(typed) => {
                let conditions: Vec<_> = typed
                    .attrs
                    .iter()
                    .filter(|attribute| attribute.path().is_ident("cfg"))
                    .cloned()
                    .collect();
                let mut names = Vec::new();
                bindings(&typed.pat, &mut names);
                params.extend(names.into_iter().map(|name| Param {
                    name,
                    conditions: conditions.clone(),
                }));
            }
        }
    }
    for skipped in &args.skip {
        let is_argument = params.iter().any(|param| param.name == *skipped) || (has_receiver && skipped == "self");
        if !is_argument {
            let message = format!("`{skipped}` is no argument of `{}`", signature.ident);
            return Err(Error::new(skipped.span(), message));
        }
    }
    if args.skip_all.is_some() {
        return Ok(Vec::new());
    }
    params.retain(|param| !args.skip.contains(&param.name) && !is_dropped_by_async_trait(&param.name, block));
    Ok(params)
}

/// Whether the argument was `_` before `#[async_trait]` gave it a name.
fn is_dropped_by_async_trait(name: &Ident, block: &Block) -> bool {
    name.to_string().starts_with("__arg") && binds_nothing(block.to_token_stream(), name)
}

/// Whether the tokens have `_ = name` somewhere.
fn binds_nothing(tokens: TokenStream, name: &Ident) -> bool {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is = |token: &TokenTree, text: &str| match token {
        TokenTree::Ident(ident) => ident == text,
        TokenTree::Punct(punct) => text.starts_with(punct.as_char()),
        _ => false,
    };
    tokens.windows(3).any(|three| {
        is(&three[0], "_") && is(&three[1], "=") && matches!(&three[2], TokenTree::Ident(last) if last == name)
    }) || tokens.iter().any(|token| match token {
        TokenTree::Group(group) => binds_nothing(group.stream(), name),
        _ => false,
    })
}

fn bindings(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(binding) => {
            names.push(binding.ident.clone());
            if let Some((_, inner)) = &binding.subpat {
                bindings(inner, names);
            }
        }
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|element| bindings(element, names)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|element| bindings(element, names)),
        Pat::Struct(structure) => structure.fields.iter().for_each(|field| bindings(&field.pat, names)),
        Pat::Slice(slice) => slice.elems.iter().for_each(|element| bindings(element, names)),
        Pat::Reference(reference) => bindings(&reference.pat, names),
        Pat::Paren(inner) => bindings(&inner.pat, names),
        Pat::Type(typed) => bindings(&typed.pat, names),
        _ => {}
    }
}
