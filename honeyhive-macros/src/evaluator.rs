//! `#[evaluator]`: a function stays one, and the type of its result says which settings it has.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Expr, FnArg, GenericParam, ItemFn, Lit, Path, Result, ReturnType, Token, Type};

use crate::args::{literal, set};

/// How each argument is written.
const USAGE: [(&str, &str); 10] = [
    ("name", "name = \"…\""),
    ("weight", "weight = 2.0"),
    ("repeat", "repeat = 3"),
    ("aggregate", "aggregate = \"mean\"` or `aggregate = |scores: &[f64]| …"),
    ("transform", "transform = |score: f64| …"),
    (
        "check",
        "check = |score: f64| …` or `check = |score: f64, target: f64| …",
    ),
    ("target", "target = …"),
    ("asserts", "asserts"),
    ("wraps", "wraps = other_evaluator"),
    ("crate", "crate = path"),
];

/// Functions of `honeyhive_eval::aggregate`.
const AGGREGATES: [&str; 6] = ["mean", "median", "mode", "min", "max", "sum"];

const MOST_ARGUMENTS: usize = 5;

/// What the user wrote in the parentheses.
#[derive(Default)]
struct Settings {
    name: Option<Expr>,
    weight: Option<Expr>,
    repeat: Option<Expr>,
    aggregate: Option<Expr>,
    transform: Option<Expr>,
    check: Option<Expr>,
    target: Option<Expr>,
    asserts: Option<Span>,
    wraps: Option<Expr>,
    eval: Option<Path>,
}

/// Expands `#[evaluator(arguments)] item`; on an error the item stays, so that only the attribute is reported.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(arguments, item.clone()) {
        Ok(expanded) => expanded,
        Err(error) => {
            let error = error.into_compile_error();
            quote! { #error #item }
        }
    }
}

fn try_expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let settings: Settings = syn::parse2(arguments)?;
    let function: ItemFn = syn::parse2(item).map_err(|error| {
        Error::new(
            error.span(),
            format!("`#[evaluator]` belongs on a function with a body ({error})"),
        )
    })?;
    check(&function, &settings)?;
    Ok(expansion(&function, &settings))
}

impl Parse for Settings {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut settings = Self::default();
        while !input.is_empty() {
            let name = input
                .call(Ident::parse_any)
                .map_err(|error| Error::new(error.span(), allowed()))?;
            settings.argument(&name, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        settings.contradictions()?;
        Ok(settings)
    }
}

impl Settings {
    fn argument(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<()> {
        let slot = match name.to_string().as_str() {
            "name" => &mut self.name,
            "weight" => &mut self.weight,
            "repeat" => &mut self.repeat,
            "aggregate" => &mut self.aggregate,
            "transform" => &mut self.transform,
            "check" => &mut self.check,
            "target" => &mut self.target,
            "wraps" => &mut self.wraps,
            "asserts" => {
                if !input.is_empty() && !input.peek(Token![,]) {
                    return Err(Error::new(name.span(), usage(name)));
                }
                return set(&mut self.asserts, name, name.span());
            }
            "crate" => {
                equals(name, input)?;
                return set(&mut self.eval, name, Path::parse_mod_style(input)?);
            }
            other => {
                return Err(Error::new(
                    name.span(),
                    format!("unknown argument `{other}`: {}", allowed()),
                ));
            }
        };
        equals(name, input)?;
        set(slot, name, input.parse()?)
    }

    /// What can be seen here to be wrong, at its token.
    fn contradictions(&self) -> Result<()> {
        match self.name.as_ref().map(|name| (name, literal(name))) {
            Some((_, Some(text))) if text.value().trim().is_empty() => {
                return Err(Error::new(text.span(), "the name is empty"));
            }
            Some((_, Some(text))) if text.value().contains('.') => {
                return Err(Error::new(text.span(), "a dot in the name of a metric would nest it"));
            }
            Some((expr @ Expr::Lit(_), None)) => return Err(Error::new_spanned(expr, "a name is text")),
            _ => {}
        }
        if let Some(named) = self.aggregate.as_ref().and_then(literal)
            && !AGGREGATES.contains(&named.value().as_str())
        {
            let names: Vec<_> = AGGREGATES.iter().map(|name| format!("\"{name}\"")).collect();
            let message = format!(
                "unknown aggregate {:?}: use {}, or a function `|scores: &[f64]| …`",
                named.value(),
                names.join(", ")
            );
            return Err(Error::new(named.span(), message));
        }
        if let Some(repeat) = &self.repeat {
            match whole(repeat) {
                Some(0) => return Err(Error::new_spanned(repeat, "repeated 0 times, it would never run")),
                Some(2..) if self.aggregate.is_none() => {
                    return Err(Error::new_spanned(
                        repeat,
                        "several scores, and nothing that makes one of them: add `aggregate = \"mean\"`",
                    ));
                }
                _ => {}
            }
        }
        match (&self.check, &self.target) {
            (Some(Expr::Closure(closure)), None) if closure.inputs.len() == 2 => Err(Error::new_spanned(
                &closure.inputs,
                "this check takes a target: add `target = …`",
            )),
            (None, Some(target)) if self.asserts.is_none() => Err(Error::new_spanned(
                target,
                "nothing compares with this target: add `check = |score: f64, target: f64| …`",
            )),
            _ => Ok(()),
        }
    }
}

fn check(function: &ItemFn, settings: &Settings) -> Result<()> {
    let signature = &function.sig;
    if let Some(receiver) = signature.receiver() {
        return Err(Error::new_spanned(
            receiver,
            "an evaluator is a function, not a method: give a method by a closure, `.evaluator(\"name\", move |…| …)`",
        ));
    }
    if let Some(token) = signature.constness {
        return Err(Error::new_spanned(token, "an evaluator is no `const fn`"));
    }
    if let Some(param) = signature.generics.params.first() {
        let what = match param {
            GenericParam::Lifetime(_) => {
                "an evaluator borrows nothing: its arguments are `Outputs<String>` and the like"
            }
            _ => "an evaluator has no type parameters: it is registered by its name alone",
        };
        return Err(Error::new_spanned(param, what));
    }
    if matches!(signature.output, ReturnType::Default) {
        return Err(Error::new_spanned(
            &signature.ident,
            "an evaluator returns its score: a bool, a number, a text, `Score`, `(score, \"why\")`, a map with `score`, or `Option` or `Result` of these",
        ));
    }
    if let Some(wraps) = &settings.wraps {
        if let Some(token) = signature.asyncness {
            return Err(Error::new_spanned(
                token,
                "a function that wraps an evaluator works on its score, and is not async",
            ));
        }
        if signature.inputs.len() != 1 {
            return Err(Error::new_spanned(
                &signature.ident,
                format!(
                    "it takes the score of `{}` as its one argument: `fn {}(score: f64) -> …`",
                    wraps.to_token_stream(),
                    signature.ident
                ),
            ));
        }
        if let Some(transform) = &settings.transform {
            return Err(Error::new_spanned(
                transform,
                "a function that wraps an evaluator transforms its score already",
            ));
        }
    } else if signature.inputs.is_empty() || signature.inputs.len() > MOST_ARGUMENTS {
        return Err(Error::new_spanned(
            &signature.ident,
            "an evaluator takes one to five arguments: `Outputs<T>`, `Inputs<T>`, `GroundTruth<T>`, `Option<GroundTruth<T>>`, `Metadata<T>`, `Datapoint`, `HoneyHiveTracer`, `Trial`",
        ));
    }
    Ok(())
}

fn expansion(function: &ItemFn, settings: &Settings) -> TokenStream {
    let eval = settings
        .eval
        .as_ref()
        .map_or_else(|| quote!(::honeyhive_eval), ToTokens::to_token_stream);
    let private = quote!(#eval::__private);
    let ItemFn {
        attrs, vis, sig, block, ..
    } = function;
    let ident = &sig.ident;
    let marker = Ident::new(&format!("__honeyhive_evaluator_{}", ident.unraw()), Span::call_site());
    let output = match &sig.output {
        ReturnType::Type(_, output) => output.to_token_stream(),
        ReturnType::Default => quote!(()),
    };
    let asyncness = &sig.asyncness;
    let types: Vec<&Type> = sig.inputs.iter().filter_map(type_of).collect();
    let names: Vec<_> = (0..types.len())
        .map(|index| Ident::new(&format!("argument_{index}"), Span::mixed_site()))
        .collect();
    let wait = asyncness.map(|_| quote!(.await));
    // Documentation and conditions belong to what has the name; everything else to the body, which stays as it is.
    let outer: Vec<_> = attrs
        .iter()
        .filter(|attribute| is(attribute, &["doc", "cfg", "deprecated", "must_use"]))
        .collect();
    let conditions: Vec<_> = attrs.iter().filter(|attribute| is(attribute, &["cfg"])).collect();
    let inner = attrs
        .iter()
        .filter(|attribute| !is(attribute, &["doc", "cfg", "deprecated", "must_use"]));
    let checks = checks(&types, &output, settings.wraps.is_some(), &private);
    let apply = applied(function, settings, &eval);
    let wraps = settings.wraps.as_ref().map(|wrapped| {
        let wrapped = quote_spanned!(wrapped.span()=> #eval::evaluator(#wrapped));
        quote! {
            #(#conditions)*
            impl #private::Wraps for #marker {
                fn wrapped() -> #eval::ConfiguredEvaluator {
                    #wrapped
                }
            }
        }
    });
    quote! {
        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_debug_implementations)]
        #vis struct #marker;

        #(#conditions)*
        impl #private::Settings for #marker {
            fn apply(evaluator: #eval::ConfiguredEvaluator) -> #eval::ConfiguredEvaluator {
                #checks
                #apply
            }
        }

        #wraps

        #(#outer)*
        #vis #asyncness fn #ident(#(#names: #types),*) -> #private::Annotated<#marker, #output> {
            #(#inner)*
            #sig #block
            #private::Annotated::new(#ident(#(#names),*)#wait)
        }
    }
}

/// Has the compiler look at each type by itself, so that it says which one is wrong.
fn checks(types: &[&Type], output: &TokenStream, is_wrapping: bool, private: &TokenStream) -> TokenStream {
    let has_impl = |tokens: &TokenStream| tokens.clone().into_iter().any(|token| token.to_string() == "impl");
    let kind = if is_wrapping { quote!(taken) } else { quote!(argument) };
    let arguments = types
        .iter()
        .map(|of| quote_spanned!(of.span()=> const _: () = #private::#kind::<#of>();));
    let at = output
        .clone()
        .into_iter()
        .next()
        .map_or_else(Span::call_site, |token| token.span());
    let result = (!has_impl(output)).then(|| quote_spanned!(at=> const _: () = #private::result::<#output>();));
    quote!(#(#arguments)* #result)
}

fn type_of(input: &FnArg) -> Option<&Type> {
    match input {
        FnArg::Typed(typed) => Some(&typed.ty),
        FnArg::Receiver(_) => None,
    }
}

/// The calls of the builder that the settings stand for.
fn applied(function: &ItemFn, settings: &Settings, eval: &TokenStream) -> TokenStream {
    let own_name = function.sig.ident.unraw().to_string();
    let name = settings
        .name
        .as_ref()
        .map_or_else(|| quote!(#own_name), ToTokens::to_token_stream);
    let aggregate = settings.aggregate.as_ref().map(|aggregate| match literal(aggregate) {
        Some(named) => {
            let function = Ident::new(&named.value(), named.span());
            quote!(.aggregate(#eval::aggregate::#function))
        }
        None => quote!(.aggregate(#aggregate)),
    });
    let with = |method: &str, value: &Option<Expr>| {
        let method = Ident::new(method, Span::call_site());
        value.as_ref().map(|value| quote!(.#method(#value)))
    };
    let weight = with("weight", &settings.weight);
    let repeat = with("repeat", &settings.repeat);
    let transform = with("transform", &settings.transform);
    let check = with("check", &settings.check);
    let target = with("target", &settings.target);
    let asserts = settings.asserts.map(|_| quote!(.asserts()));
    quote!(evaluator.name(#name) #weight #repeat #transform #aggregate #check #target #asserts)
}

fn is(attribute: &Attribute, names: &[&str]) -> bool {
    names.iter().any(|name| attribute.path().is_ident(name))
}

fn whole(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Lit(expr) => match &expr.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn equals(name: &Ident, input: ParseStream<'_>) -> Result<()> {
    match input.parse::<Token![=]>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(name.span(), usage(name))),
    }
}

fn allowed() -> String {
    let names: Vec<_> = USAGE.iter().map(|(name, _)| format!("`{name}`")).collect();
    format!("expected one of {}", names.join(", "))
}

fn usage(name: &Ident) -> String {
    let written = USAGE
        .iter()
        .find(|(known, _)| name == known)
        .map_or("", |(_, usage)| usage);
    format!("write `{written}`")
}
