//! What the compiler says when a function or an evaluator has a shape it cannot have.
#![allow(missing_docs)]

#[test]
fn wrong_shapes_are_named_with_what_would_be_right() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
