//! The attributes of the HoneyHive SDK: `#[trace]`, which `honeyhive-core` documents, and `#[evaluator]` of `honeyhive-eval`.

mod args;
mod evaluator;
mod expand;
mod fields;
mod item;
mod params;
mod returns;

use proc_macro::TokenStream;

/// Documented where it is re-exported: `honeyhive_core::trace`.
#[proc_macro_attribute]
pub fn trace(arguments: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(arguments.into(), item.into(), &quote::quote!(::honeyhive_core)).into()
}

/// `#[trace]` for users of `honeyhive-eval`, who need not depend on `honeyhive-core`.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn trace_in_eval(arguments: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(
        arguments.into(),
        item.into(),
        &quote::quote!(::honeyhive_eval::honeyhive_core),
    )
    .into()
}

/// Documented where it is re-exported: `honeyhive_eval::evaluator`.
#[proc_macro_attribute]
pub fn evaluator(arguments: TokenStream, item: TokenStream) -> TokenStream {
    evaluator::expand(arguments.into(), item.into()).into()
}

/// `#[trace]` for users of `honeyhive-compat`, who need not depend on `honeyhive-core`.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn trace_in_compat(arguments: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(
        arguments.into(),
        item.into(),
        &quote::quote!(::honeyhive_compat::honeyhive_core),
    )
    .into()
}
