//! The arguments of the annotated function that are recorded.

use proc_macro2::Ident;
use syn::{Error, FnArg, Pat, Result, Signature};

use crate::args::Args;

/// Names of the arguments to record, in order: every name a pattern binds, less the skipped ones.
pub(crate) fn recorded(signature: &Signature, args: &Args) -> Result<Vec<Ident>> {
    let mut names = Vec::new();
    for input in &signature.inputs {
        if let FnArg::Typed(typed) = input {
            bindings(&typed.pat, &mut names);
        }
    }
    for skipped in &args.skip {
        if !names.contains(skipped) {
            let message = format!("`{skipped}` is no argument of `{}`", signature.ident);
            return Err(Error::new(skipped.span(), message));
        }
    }
    names.retain(|name| !args.skip.contains(name));
    Ok(names)
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
