//! Runnable examples of the HoneyHive SDK: `cargo run -p honeyhive-examples --example quickstart`.
