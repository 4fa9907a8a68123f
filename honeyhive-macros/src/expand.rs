//! What an annotated function becomes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{AttrStyle, Error, GenericArgument, ItemFn, LitStr, PathArguments, Result, ReturnType, Type};

use crate::args::Args;
use crate::params;

/// Expands `#[trace(arguments)] item`; on an error the item stays, so that only the attribute is reported.
pub(crate) fn function(arguments: TokenStream, item: TokenStream, core: &TokenStream) -> TokenStream {
    match try_function(arguments, item.clone(), core) {
        Ok(expanded) => expanded,
        Err(error) => {
            let error = error.into_compile_error();
            quote! { #error #item }
        }
    }
}

fn try_function(arguments: TokenStream, item: TokenStream, core: &TokenStream) -> Result<TokenStream> {
    let args: Args = syn::parse2(arguments)?;
    let function: ItemFn = syn::parse2(item).map_err(|error| {
        Error::new(
            error.span(),
            format!("`#[trace]` belongs on a function or method with a body ({error})"),
        )
    })?;
    if let Some(token) = &function.sig.constness {
        return Err(Error::new_spanned(
            token,
            "a `const fn` cannot be traced: it may run at compile time",
        ));
    }
    if let ReturnType::Type(_, output) = &function.sig.output
        && matches!(**output, Type::Never(_))
    {
        return Err(Error::new_spanned(
            output,
            "a function that never returns cannot be traced: it has no end to record",
        ));
    }
    let recorded = params::recorded(&function.sig, &args)?;

    // Names of ours that no name of the user's can meet.
    let span = Ident::new("__honeyhive_span", Span::mixed_site());
    let result = Ident::new("__honeyhive_result", Span::mixed_site());
    let private = quote!(#core::__private);

    let start = start(&args, &function, &recorded, &private);
    let settle = settle(&span, &result, &private);
    let run = if function.sig.asyncness.is_some() {
        let body = body_with_type(&function, &private);
        quote! {
            let #result = #private::Span::scope(&#span, async move #body).await;
        }
    } else {
        let output = closure_output(&function.sig.output);
        let block = &function.block;
        quote! {
            let #result = {
                let _active = #private::Span::activate(&#span);
                #private::call(move || #output #block)
            };
        }
    };
    let ItemFn { attrs, vis, sig, .. } = &function;
    let (outer, inner): (Vec<_>, Vec<_>) = attrs.iter().partition(|attribute| attribute.style == AttrStyle::Outer);
    Ok(quote! {
        #(#outer)*
        #vis #sig {
            #(#inner)*
            let mut #span = #start;
            #run
            #settle
            #result
        }
    })
}

/// The expression that starts the span, with what it records of the arguments.
fn start(args: &Args, function: &ItemFn, recorded: &[Ident], private: &TokenStream) -> TokenStream {
    let name = match &args.name {
        Some(name) => name.to_token_stream(),
        None => {
            let ident = function.sig.ident.to_string();
            LitStr::new(ident.trim_start_matches("r#"), function.sig.ident.span()).to_token_stream()
        }
    };
    let renamed = args.name.is_some();
    let event_type = args
        .event_type
        .map_or_else(|| quote!(Tool), |given| given.variant().to_token_stream());
    let count = recorded.len();
    let keys = recorded.iter().map(|name| {
        let name = name.to_string();
        format!("honeyhive_inputs.{}", name.trim_start_matches("r#"))
    });
    let inputs = Ident::new("__honeyhive_inputs", Span::mixed_site());
    let (start, tracer) = match &args.tracer {
        Some(tracer) => (quote!(start_with), quote!(&(#tracer),)),
        None => (quote!(start), TokenStream::new()),
    };
    quote! {
        #private::#start(
            #tracer
            &#private::Function {
                name: #name,
                renamed: #renamed,
                event_type: #private::EventType::#event_type,
                inputs: #count,
            },
            |#inputs: &mut #private::Inputs| {
                #[allow(unused_imports)]
                use #private::{CaptureDebug as _, CaptureOpaque as _, CaptureScalar as _, CaptureSerialize as _};
                #(#private::Inputs::push(#inputs, #keys, (&&&&#private::Capture(&#recorded)).__honeyhive_capture());)*
            },
        )
    }
}

/// Records how the call ended.
fn settle(span: &Ident, result: &Ident, private: &TokenStream) -> TokenStream {
    let value = Ident::new("__honeyhive_value", Span::mixed_site());
    quote! {
        {
            #[allow(unused_imports)]
            use #private::{
                CaptureDebug as _, CaptureOpaque as _, CaptureScalar as _, CaptureSerialize as _, ReportBoxed as _,
                ReportDebug as _, ReportError as _, ReportOpaque as _, ReportText as _, SplitPlain as _, SplitResult as _,
            };
            match (&&#private::Capture(&#result)).__honeyhive_split() {
                #private::Split::Value(#value) => {
                    #private::succeed(&mut #span, || (&&&&#private::Capture(#value)).__honeyhive_capture());
                }
                #private::Split::Failure(#value) => {
                    #private::fail(&mut #span, || (&&&&&#private::Capture(#value)).__honeyhive_report());
                }
            }
        }
    }
}

/// The body of an async function, told its type: without it `?` and coercions have nothing to aim at.
fn body_with_type(function: &ItemFn, private: &TokenStream) -> TokenStream {
    let output = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, output) if matches!(**output, Type::ImplTrait(_)) => TokenStream::new(),
        ReturnType::Type(_, output) => nameable(output.as_ref().clone()).to_token_stream(),
    };
    let hint = (!output.is_empty()).then(|| {
        quote! {
            #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::let_unit_value, clippy::unreachable)]
            if false {
                let never: #output = #private::core::unreachable!();
                return never;
            }
        }
    });
    let statements = &function.block.stmts;
    quote!({ #hint #(#statements)* })
}

/// The return type of the closure around a synchronous body.
fn closure_output(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Default => quote!(-> ()),
        ReturnType::Type(_, named) if matches!(**named, Type::ImplTrait(_)) => TokenStream::new(),
        ReturnType::Type(arrow, named) => {
            let named = nameable(named.as_ref().clone());
            quote!(#arrow #named)
        }
    }
}

/// The type with `_` for each `impl Trait`, which has no name inside a body.
fn nameable(mut output: Type) -> Type {
    fn replace(output: &mut Type) {
        match output {
            Type::ImplTrait(_) => *output = syn::parse_quote!(_),
            Type::Path(path) => path.path.segments.iter_mut().for_each(|segment| {
                if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                    arguments.args.iter_mut().for_each(|argument| {
                        if let GenericArgument::Type(inner) = argument {
                            replace(inner);
                        }
                    });
                }
            }),
            Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(replace),
            Type::Array(array) => replace(&mut array.elem),
            Type::Reference(reference) => replace(&mut reference.elem),
            Type::Paren(paren) => replace(&mut paren.elem),
            Type::Group(group) => replace(&mut group.elem),
            _ => {}
        }
    }
    replace(&mut output);
    output
}
