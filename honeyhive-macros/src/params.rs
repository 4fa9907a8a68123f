//! The arguments of the annotated function that are recorded.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::{Attribute, Block, Error, FnArg, Pat, Result, Signature};

use crate::args::Args;

/// An argument to record.
pub(crate) struct Param {
    pub(crate) name: Ident,
    /// What it is called in the event.
    pub(crate) key: String,
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
                params.extend(names.into_iter().map(|name| {
                    let written = written_names(&name, block);
                    let keys: Vec<_> = written.iter().map(|name| name.unraw().to_string()).collect();
                    let param = Param {
                        key: keys.join(", "),
                        name,
                        conditions: conditions.clone(),
                    };
                    (param, written)
                }));
            }
        }
    }
    for skipped in &args.skip {
        let is_argument =
            params.iter().any(|(_, names)| names.contains(skipped)) || (has_receiver && skipped == "self");
        if !is_argument {
            let message = format!("`{skipped}` is no argument of `{}`", signature.ident);
            return Err(Error::new(skipped.span(), message));
        }
    }
    if args.skip_all.is_some() {
        return Ok(Vec::new());
    }
    params.retain(|(_, names)| !names.is_empty() && !names.iter().any(|name| args.skip.contains(name)));
    Ok(params.into_iter().map(|(param, _)| param).collect())
}

/// The names the user gave to an argument: more than one, or none, where `#[async_trait]` has put `__arg1` in the place
/// of a pattern, which it moved into the body as `let pattern = { let __arg1 = __arg1; __arg1 };`.
fn written_names(name: &Ident, block: &Block) -> Vec<Ident> {
    let place = name.to_string().strip_prefix("__arg").map(str::parse::<u8>);
    if !matches!(place, Some(Ok(_))) {
        return vec![name.clone()];
    }
    let mut names = Vec::new();
    if let Some(pattern) = pattern_of(block.to_token_stream(), name)
        && let Ok(pattern) = Pat::parse_single.parse2(pattern)
    {
        bindings(&pattern, &mut names);
    }
    names
}

/// The pattern that is given the value of the argument.
fn pattern_of(tokens: TokenStream, name: &Ident) -> Option<TokenStream> {
    let mut pattern = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "let" => pattern = TokenStream::new(),
            TokenTree::Punct(punct) if punct.as_char() == '=' => {}
            TokenTree::Group(group) if moves(group.stream(), name) => return Some(pattern),
            token => {
                if let TokenTree::Group(group) = &token
                    && let Some(found) = pattern_of(group.stream(), name)
                {
                    return Some(found);
                }
                pattern.extend([token]);
            }
        }
    }
    None
}

/// Whether these tokens are `let name = name; name`.
fn moves(tokens: TokenStream, name: &Ident) -> bool {
    let name = name.to_string();
    let idents = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    });
    idents.map(|ident| ident.to_string()).eq(["let", &name, &name, &name])
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
