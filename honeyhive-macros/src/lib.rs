//! The `#[trace]` attribute of the HoneyHive SDK. Use it through `honeyhive-core`, which documents it.

mod args;
mod expand;
mod params;

use proc_macro::TokenStream;

/// Records each call of a function as a span of the tracer it finds: arguments, result, error and time.
///
/// ```ignore
/// use honeyhive_core::trace;
///
/// #[trace(event_type = "tool")]
/// async fn search(query: &str, top_k: usize) -> Result<Vec<Hit>, SearchError> { … }
/// ```
///
/// | Argument | Meaning | Default |
/// |---|---|---|
/// | `event_type = "…"` | `"model"`, `"tool"` or `"chain"` | `"tool"` |
/// | `name = "…"` | name of the event and its span | the function's name |
/// | `tracer = expr` | the tracer to use; may name arguments and `self` | the active one, else the default |
/// | `skip(a, b)` | arguments that are not recorded | none |
///
/// Arguments become `honeyhive_inputs.<argument>`, the result `honeyhive_outputs.result`. A returned `Err` is the error
/// of the span; a panic is too, and unwinds on. `self` and tracers are never recorded. No type needs a trait: scalars
/// and text are taken as they are, `Serialize` types as JSON, `Debug` types as text, others by the name of their type.
///
/// An async function is one span from its first poll until it finishes, fails, or is dropped (then it says it was
/// cancelled). Without a tracer the function runs as if it were not annotated.
#[proc_macro_attribute]
pub fn trace(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::function(arguments.into(), item.into(), &quote::quote!(::honeyhive_core)).into()
}

/// `#[trace]` for users of `honeyhive-eval`, who need not depend on `honeyhive-core`.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn trace_in_eval(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::function(
        arguments.into(),
        item.into(),
        &quote::quote!(::honeyhive_eval::honeyhive_core),
    )
    .into()
}

/// `#[trace]` for users of `honeyhive-compat`, who need not depend on `honeyhive-core`.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn trace_in_compat(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::function(
        arguments.into(),
        item.into(),
        &quote::quote!(::honeyhive_compat::honeyhive_core),
    )
    .into()
}
