//! The item `#[trace]` stands on: a function, a method, or an `impl` block with many.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Error, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Meta, Result, Type};

use crate::args::Args;
use crate::expand::{self, Function};

const PLACES: &str = "`#[trace]` belongs on a function or method with a body, or on an `impl` block";

/// Expands `#[trace(arguments)] item`; on an error the item stays, so that only the attribute is reported.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream, core: &TokenStream) -> TokenStream {
    match try_expand(arguments, item.clone(), core) {
        Ok(expanded) => expanded,
        Err(error) => {
            let error = error.into_compile_error();
            quote! { #error #item }
        }
    }
}

fn try_expand(arguments: TokenStream, item: TokenStream, core: &TokenStream) -> Result<TokenStream> {
    let args: Args = syn::parse2(arguments)?;
    match syn::parse2(item).map_err(|error| Error::new(error.span(), format!("{PLACES} ({error})")))? {
        Item::Fn(function) => expand::function(&of_function(&function), &args, core),
        Item::Impl(block) => of_impl(block, &args, core),
        other => Err(Error::new_spanned(other, PLACES)),
    }
}

fn of_function(function: &ItemFn) -> Function<'_> {
    Function {
        attributes: &function.attrs,
        visibility: &function.vis,
        signature: &function.sig,
        block: &function.block,
        name: bare(&function.sig.ident.to_string()).to_owned(),
        is_named: false,
    }
}

/// Every method of the block that does not say `#[trace(skip)]`; what cannot be traced is an error at its place.
fn of_impl(mut block: ItemImpl, args: &Args, core: &TokenStream) -> Result<TokenStream> {
    if let Some(name) = &args.name {
        return Err(Error::new_spanned(
            name,
            "an `impl` block has many functions: give a `name` to each",
        ));
    }
    if let Some(skipped) = args.skip.first() {
        return Err(Error::new_spanned(
            skipped,
            "which method's argument is this? Write `#[trace(skip(…))]` on the method, or `skip_all` here",
        ));
    }
    if let Some(at) = args.untraced {
        return Err(Error::new(at, "remove `#[trace]` from the block instead"));
    }
    let type_name = name_of(&block.self_ty);
    let mut errors: Option<Error> = None;
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        match of_method(method, args, &type_name, core) {
            Ok(Some(traced)) => *item = ImplItem::Verbatim(traced),
            Ok(None) => {}
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            },
        }
    }
    let errors = errors.map(Error::into_compile_error);
    Ok(quote! { #errors #block })
}

fn of_method(
    method: &mut ImplItemFn,
    block: &Args,
    type_name: &str,
    core: &TokenStream,
) -> Result<Option<TokenStream>> {
    let mut own = Args::default();
    if let Some(place) = method.attrs.iter().position(is_trace) {
        // Taken off even where it is wrong, so that it is reported once.
        let attribute = method.attrs.remove(place);
        if !matches!(attribute.meta, Meta::Path(_)) {
            own = attribute.parse_args()?;
        }
    }
    if own.untraced.is_some() {
        return Ok(None);
    }
    if let Some(token) = &method.sig.constness {
        return Err(Error::new_spanned(
            token,
            "a `const fn` cannot be traced: leave it out with `#[trace(skip)]`",
        ));
    }
    let name = method.sig.ident.to_string();
    let function = Function {
        attributes: &method.attrs,
        visibility: &method.vis,
        signature: &method.sig,
        block: &method.block,
        name: format!("{type_name}.{}", bare(&name)),
        is_named: true,
    };
    expand::function(&function, &own.or(block), core).map(Some)
}

fn is_trace(attribute: &Attribute) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|last| last.ident == "trace")
}

/// `Service` of `impl Service<'_>`.
fn name_of(self_type: &Type) -> String {
    match self_type {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|last| bare(&last.ident.to_string()).to_owned()),
        Type::Reference(reference) => Some(name_of(&reference.elem)),
        Type::Paren(inner) => Some(name_of(&inner.elem)),
        Type::Group(inner) => Some(name_of(&inner.elem)),
        _ => None,
    }
    .unwrap_or_else(|| self_type.to_token_stream().to_string())
}

fn bare(name: &str) -> &str {
    name.trim_start_matches("r#")
}
