//! What an annotated function becomes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{AttrStyle, Attribute, Block, Error, Expr, GenericArgument, PathArguments, Result, ReturnType, Signature};
use syn::{Type, Visibility};

use crate::args::{Args, Output};
use crate::fields::Field;
use crate::params::{self, Param};
use crate::returns::{self, Ending};

/// A function or method, whatever item it comes from.
pub(crate) struct Function<'a> {
    pub(crate) attributes: &'a [Attribute],
    pub(crate) visibility: &'a Visibility,
    pub(crate) signature: &'a Signature,
    pub(crate) block: &'a Block,
    /// Name of its span unless one is given.
    pub(crate) name: String,
    /// Whether that is more than the name of the function.
    pub(crate) is_named: bool,
}

/// Paths and names the expansion uses, which no name of the user's can meet.
struct Names {
    private: TokenStream,
    call: Ident,
    span: Ident,
    result: Ident,
    value: Ident,
}

/// The function with its calls recorded. `core` is the path of `honeyhive_core` unless the arguments name one.
pub(crate) fn function(function: &Function<'_>, args: &Args, core: &TokenStream) -> Result<TokenStream> {
    check(function, args)?;
    let params = params::recorded(function.signature, function.block, args)?;
    let core = args
        .core
        .as_ref()
        .map_or_else(|| core.clone(), ToTokens::to_token_stream);
    let ident = |name| Ident::new(name, Span::mixed_site());
    let names = Names {
        private: quote!(#core::__private),
        call: ident("__honeyhive_call"),
        span: ident("__honeyhive_span"),
        result: ident("__honeyhive_result"),
        value: ident("__honeyhive_value"),
    };
    let start = names.start(function, args, &params);
    let run = names.run(function);
    let ending = names.ending(&Ending::of_output(&function.signature.output), args, &names.result);
    let Function {
        attributes,
        visibility,
        signature,
        ..
    } = function;
    let (outer, inner): (Vec<_>, Vec<_>) = attributes
        .iter()
        .partition(|attribute| matches!(attribute.style, AttrStyle::Outer));
    Ok(quote! {
        #(#outer)*
        #visibility #signature {
            #(#inner)*
            #start
            #run
            #ending
        }
    })
}

fn check(function: &Function<'_>, args: &Args) -> Result<()> {
    if let Some(at) = args.untraced {
        return Err(Error::new(
            at,
            "`skip` alone leaves a method out of a traced `impl`: write `skip(argument, …)` or `skip_all`, or remove `#[trace]`",
        ));
    }
    let Signature { constness, output, .. } = function.signature;
    if let Some(token) = constness {
        return Err(Error::new_spanned(
            token,
            "a `const fn` cannot be traced: it may run at compile time",
        ));
    }
    match (output, &args.error) {
        (ReturnType::Type(_, output), _) if matches!(**output, Type::Never(_)) => Err(Error::new_spanned(
            output,
            "a function that never returns cannot be traced: it has no end to record",
        )),
        (output, Some(error)) if !returns::may_fail(output) => Err(Error::new_spanned(
            error,
            "`error` is for a function that returns a `Result`",
        )),
        _ => Ok(()),
    }
}

impl Names {
    /// Starts the span, with what it records of the arguments.
    fn start(&self, function: &Function<'_>, args: &Args, params: &[Param]) -> TokenStream {
        let Self {
            private, call, span, ..
        } = self;
        let own_name = &function.name;
        let name = args
            .name
            .as_ref()
            .map_or_else(|| quote!(#own_name), ToTokens::to_token_stream);
        let renamed = args.name.is_some() || function.is_named;
        let event_type = event_type(args.event_type.as_ref(), private);
        let count = params.len() + args.fields.len();
        let begin = match &args.tracer {
            Some(tracer) => {
                let borrowed = quote_spanned!(within(tracer)=> &(#tracer));
                quote!(#private::Call::begin_with(&mut #call, #borrowed, #renamed, #event_type, #count))
            }
            None => quote!(#private::Call::begin(&mut #call, #renamed, #event_type, #count)),
        };
        let inputs = params.iter().map(|Param { name, key, conditions }| {
            let key = format!("honeyhive_inputs.{key}");
            let capture = capture(&quote!(&#name), private);
            quote!(#(#conditions)* #private::Call::input(&mut #call, #key, #capture);)
        });
        let fields = args.fields.iter().map(|Field { key, value }| {
            let capture = capture(&quote!(&(#value)), private);
            quote!(#private::Call::field(&mut #call, #key, || #capture);)
        });
        quote! {
            #[allow(unused_parens)]
            let mut #span = {
                let mut #call = #private::Call::new(#name);
                #begin;
                if #private::Call::is_recording(&#call) {
                    #[allow(unused_imports)]
                    use #private::ladder::*;
                    #(#inputs)*
                    #(#fields)*
                }
                #private::Call::start(&mut #call)
            };
        }
    }

    /// Runs the body inside the span.
    fn run(&self, function: &Function<'_>) -> TokenStream {
        let Self {
            private, span, result, ..
        } = self;
        if function.signature.asyncness.is_some() {
            let body = body_with_type(function, private);
            quote! {
                let #result = async move #body;
                let #result = if #private::is_disabled(&#span) {
                    #result.await
                } else {
                    #private::run_future(&mut #span, #result).await
                };
            }
        } else {
            let output = closure_output(&function.signature.output);
            let block = function.block;
            quote! {
                let #result = #private::run(&mut #span, move || #output #block);
            }
        }
    }

    /// Records how the work in `result` ended, now or when it does, and gives the result back.
    fn ending(&self, ending: &Ending, args: &Args, result: &Ident) -> TokenStream {
        let Self {
            private, span, value, ..
        } = self;
        match ending {
            Ending::Value => {
                let settle = self.settle(args, result);
                quote!(#settle #result)
            }
            Ending::Result(ending) => {
                let ending = self.ending(ending, args, value);
                let report = self.report(args);
                quote! {
                    match #result {
                        #private::core::result::Result::Ok(#value) => #private::core::result::Result::Ok({ #ending }),
                        #private::core::result::Result::Err(#result) => {
                            if #private::Span::is_recording(&#span) {
                                #[allow(unused_imports)]
                                use #private::ladder::*;
                                let #value = &#result;
                                #private::fail(&mut #span, #report);
                            }
                            #private::core::result::Result::Err(#result)
                        }
                    }
                }
            }
            Ending::Future {
                is_boxed,
                output,
                ending,
            } => {
                let mutable = matches!(**ending, Ending::Value | Ending::Result(_)).then(|| quote!(mut));
                let ending = self.ending(ending, args, value);
                let conclude = quote!(|#mutable #span, #value| { #ending });
                if *is_boxed {
                    self.by_type(result, &quote!(__honeyhive_end_future), &conclude)
                } else {
                    let output = nameable(output.as_ref().clone());
                    quote!(#private::watch_future::<_, _, #output>(#span, #result, #conclude))
                }
            }
            Ending::Stream { item } => {
                let item = nameable(item.as_ref().clone());
                let see = self.see(args);
                quote!(#private::watch_stream::<_, _, #item>(#span, #result, #see))
            }
            Ending::ByType => self.by_type(result, &quote!(__honeyhive_end), &self.see(args)),
        }
    }

    /// Lets the type of the result say how it ends.
    fn by_type(&self, result: &Ident, method: &TokenStream, function: &TokenStream) -> TokenStream {
        let Self { private, span, .. } = self;
        quote! {{
            #[allow(unused_imports)]
            use #private::ladder::*;
            (&&#private::Kind(&#result)).__honeyhive_kind().#method(#span, #result, #function)
        }}
    }

    /// Records a value that is there.
    fn settle(&self, args: &Args, result: &Ident) -> TokenStream {
        let Self {
            private, span, value, ..
        } = self;
        let output = match &args.output {
            None => capture(value, private),
            Some(Output::Nothing) => quote!(#private::Captured::Nothing),
            Some(Output::Of(output)) => self.projected(output),
        };
        let report = self.report(args);
        quote! {
            if #private::Span::is_recording(&#span) {
                #[allow(unused_imports)]
                use #private::ladder::*;
                match (&&#private::Capture(&#result)).__honeyhive_split() {
                    #private::Split::Value(#value) => #private::succeed(&mut #span, #output),
                    #private::Split::Failure(#value) => #private::fail(&mut #span, #report),
                }
            }
        }
    }

    /// The function that looks at a value, or at the items of a stream, which are recorded only when asked for.
    fn see(&self, args: &Args) -> TokenStream {
        let Self {
            private, value, call, ..
        } = self;
        let seen = match &args.output {
            None => {
                let whole = capture(value, private);
                quote!(if #call { #whole } else { #private::Captured::Nothing })
            }
            Some(Output::Nothing) => quote!(#private::Captured::Nothing),
            Some(Output::Of(output)) => self.projected(output),
        };
        let report = self.report(args);
        quote! {
            |#value, #call| {
                #[allow(unused_imports)]
                use #private::ladder::*;
                #[allow(unused_variables)]
                match (&&#private::Capture(#value)).__honeyhive_split() {
                    #private::Split::Value(#value) => #private::Seen::Value(#seen),
                    #private::Split::Failure(#value) => #private::Seen::Failed(#report),
                }
            }
        }
    }

    fn report(&self, args: &Args) -> TokenStream {
        let Self { private, value, .. } = self;
        match &args.error {
            None => quote!((&&&&&#private::Capture(#value)).__honeyhive_report()),
            Some(error) => {
                let message = self.projected(error);
                quote!(#private::report_as(#value, #message))
            }
        }
    }

    /// What a function of the user's makes of the value.
    fn projected(&self, function: &Expr) -> TokenStream {
        let Self { private, value, .. } = self;
        let capture = capture(&quote!(&#private::project(#value, #function)), private);
        quote!(#private::guarded(|| #capture))
    }
}

/// Where the compiler reports what is wrong with this, in code that is the expansion's own.
fn within(user: &impl ToTokens) -> Span {
    Span::mixed_site().located_at(user.span())
}

/// The expression that takes what is borrowed here.
fn capture(borrowed: &impl ToTokens, private: &TokenStream) -> TokenStream {
    quote!((&&&&#private::Capture(#borrowed)).__honeyhive_capture())
}

fn event_type(given: Option<&Expr>, private: &TokenStream) -> TokenStream {
    let variant = match given {
        None => "Tool".to_owned(),
        Some(Expr::Lit(literal)) => {
            // Checked when it was parsed.
            let text = literal.to_token_stream().to_string();
            let text = text.trim_matches('"');
            text[..1].to_uppercase() + &text[1..]
        }
        Some(path) => return path.to_token_stream(),
    };
    let variant = Ident::new(&variant, Span::call_site());
    quote!(#private::EventType::#variant)
}

/// The body of an async function, told its type: without it `?` and coercions have nothing to aim at.
fn body_with_type(function: &Function<'_>, private: &TokenStream) -> TokenStream {
    let output = match &function.signature.output {
        ReturnType::Default => Some(quote!(())),
        ReturnType::Type(_, output) if matches!(**output, Type::ImplTrait(_)) => None,
        ReturnType::Type(_, output) => Some(nameable(output.as_ref().clone()).to_token_stream()),
    };
    let hint = output.map(|output| quote!(if false { return #private::any::<#output>(); }));
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
