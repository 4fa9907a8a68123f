//! What the compiler says when `#[trace]` is used wrongly.

#[test]
fn wrong_uses_of_the_attribute_are_named_at_the_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
