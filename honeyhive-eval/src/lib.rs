//! To be written.

#[cfg_attr(not(test), expect(dead_code, reason = "evaluate() is not there yet to ask for ids"))]
mod ids;
