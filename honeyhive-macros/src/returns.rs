//! What a return type says about how a call ends: with its value, or later, when a future or stream does.

use syn::{GenericArgument, Path, PathArguments, PathSegment, ReturnType, Type, TypeParamBound};

/// When the work of a call is done.
pub(crate) enum Ending {
    /// When the value is there.
    Value,
    /// As this, if the value is `Ok`.
    Result(Box<Ending>),
    /// When the future is ready, and then as its output says.
    Future {
        is_boxed: bool,
        output: Box<Type>,
        ending: Box<Ending>,
    },
    /// When the `impl Stream` of these items is exhausted.
    Stream { item: Box<Type> },
    /// As the type says, which may be a boxed future or stream, or an alias of one.
    ByType,
}

impl Ending {
    pub(crate) fn of_output(output: &ReturnType) -> Self {
        match output {
            ReturnType::Default => Self::Value,
            ReturnType::Type(_, output) => Self::of(output),
        }
    }

    fn of(output: &Type) -> Self {
        match output {
            Type::Paren(inner) => Self::of(&inner.elem),
            Type::Group(inner) => Self::of(&inner.elem),
            Type::ImplTrait(opaque) => Self::of_opaque(opaque.bounds.iter()),
            Type::Path(path) if path.qself.is_none() => Self::of_path(&path.path),
            Type::Path(_) | Type::Macro(_) => Self::ByType,
            _ => Self::Value,
        }
    }

    /// Only what is a future or stream and nothing else can be put in a wrapper unseen.
    fn of_opaque<'b>(bounds: impl Iterator<Item = &'b TypeParamBound>) -> Self {
        let mut ending = Self::Value;
        for bound in bounds {
            let TypeParamBound::Trait(bound) = bound else { continue };
            let Some(last) = bound.path.segments.last() else {
                continue;
            };
            match (last.ident.to_string().as_str(), associated(last)) {
                ("Future", Some(output)) => ending = Self::of_future(output, false),
                ("Stream", Some(item)) => {
                    ending = Self::Stream {
                        item: Box::new(item.clone()),
                    };
                }
                ("Send" | "Sync" | "Unpin" | "Sized", _) => {}
                _ => return Self::Value,
            }
        }
        ending
    }

    fn of_future(output: &Type, is_boxed: bool) -> Self {
        Self::Future {
            is_boxed,
            output: Box::new(output.clone()),
            ending: Box::new(Self::of(output)),
        }
    }

    fn of_path(path: &Path) -> Self {
        let Some(last) = path.segments.last() else {
            return Self::Value;
        };
        match last.ident.to_string().as_str() {
            "Result" => match types(last).next().map(Self::of) {
                None | Some(Self::Value) => Self::Value,
                Some(ending) => Self::Result(Box::new(ending)),
            },
            "Pin" => boxed_output(last).map_or(Self::ByType, |output| Self::of_future(output, true)),
            "BoxFuture" | "LocalBoxFuture" => types(last)
                .next()
                .map_or(Self::ByType, |output| Self::of_future(output, true)),
            name if is_value(name) => Self::Value,
            _ => Self::ByType,
        }
    }
}

/// Whether the type may be a `Result`, or a future or stream that gives one.
pub(crate) fn may_fail(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => false,
        ReturnType::Type(_, output) => match &**output {
            Type::Path(path) => path
                .path
                .segments
                .last()
                .is_none_or(|last| !is_value(&last.ident.to_string())),
            Type::Array(_) | Type::Reference(_) | Type::Slice(_) | Type::Tuple(_) => false,
            _ => true,
        },
    }
}

/// Types whose name is enough: they are no alias of a boxed future.
fn is_value(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "char"
            | "str"
            | "String"
            | "f32"
            | "f64"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "Self"
            | "Option"
            | "Vec"
            | "VecDeque"
            | "HashMap"
            | "HashSet"
            | "BTreeMap"
            | "BTreeSet"
            | "Box"
            | "Arc"
            | "Rc"
            | "Cow"
            | "Value"
            | "Duration"
    )
}

fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments.args.iter()),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

/// `T` of `Future<Output = T>` and `Stream<Item = T>`.
fn associated(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(given) => Some(&given.ty),
        _ => None,
    })
}

/// `T` of `Pin<Box<dyn Future<Output = T>>>`.
fn boxed_output(pin: &PathSegment) -> Option<&Type> {
    let Type::Path(boxed) = types(pin).next()? else {
        return None;
    };
    let Type::TraitObject(object) = types(boxed.path.segments.last()?).next()? else {
        return None;
    };
    object.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .filter(|last| last.ident == "Future")
            .and_then(associated),
        _ => None,
    })
}
