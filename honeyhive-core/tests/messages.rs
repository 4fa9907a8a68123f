//! What the compiler says when `#[trace]` is used wrongly, and when the code below it is wrong.

#[test]
fn errors_are_at_the_token_that_is_wrong_and_say_what_is_right() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}
