"""What the attribute adds to `cargo check`, next to `tracing::instrument` on the same 500 functions.

Run with `python3 honeyhive-core/benches/compile_time.py`, while nothing else runs. It writes one crate for each way to
annotate outside the repository, builds their dependencies once, and times `cargo check --offline` of each crate alone,
in turn. Incremental compilation is off, so that each check is whole; `--incremental` shows the check after a touch.
"""

import argparse
import itertools
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FUNCTIONS = 500
METHODS_OF_A_TYPE = 10


def like_trace(method, fallible):
    """`instrument` told to record what `trace` does: the result, the error, and no `self`."""
    wishes = ["skip(self)"] * method + ["ret"] + ["err"] * fallible
    return f"#[tracing::instrument({', '.join(wishes)})]"


# Each way to annotate: what stands above a function, given whether it is a method and whether it returns a `Result`.
WAYS = {
    "plain": lambda method, fallible: "",
    "trace": lambda method, fallible: "#[honeyhive_core::trace]",
    "instrument": lambda method, fallible: "#[tracing::instrument]",
    "instrument_ret_err": like_trace,
}

PRELUDE = """\
use std::fmt;

#[derive(Clone, Debug, serde::Serialize)]
pub struct Document {
    pub title: String,
    pub score: f64,
    pub tags: Vec<String>,
}

#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

fn parse(text: &str) -> Result<u64, Error> {
    text.trim().parse().map_err(|error| Error(format!("{text}: {error}")))
}
"""

# Types of arguments, each with an expression that makes a number of it.
ARGUMENTS = [
    ("&str", "{0}.len() as u64"),
    ("u64", "{0}"),
    ("String", "{0}.len() as u64"),
    ("usize", "{0} as u64"),
    ("&Document", "{0}.title.len() as u64"),
    ("bool", "u64::from({0})"),
    ("Vec<String>", "{0}.iter().map(|text| text.len() as u64).sum::<u64>()"),
    ("f64", "{0} as u64"),
    ("Document", "{0}.tags.len() as u64"),
    ("i32", "u64::from({0}.unsigned_abs())"),
]

# Types of results, each with the expression a body ends in.
RESULTS = [
    ("()", "drop(label)"),
    ("u64", "total + label.len() as u64"),
    ("Result<String, Error>", "Ok(parse(&label)?.to_string())"),
    ("String", "label"),
    ("Option<String>", "(total > 3).then_some(label)"),
    ("Result<Document, Error>", "Ok(Document { title: label, score: parse(\"7\")? as f64, tags: Vec::new() })"),
    ("bool", "label.len() > 3"),
    ("Document", "Document { tags: vec![label.clone()], title: label, score: total as f64 }"),
    ("Result<(), Error>", "{ parse(&label)?; Ok(()) }"),
    ("f64", "label.len() as f64"),
]


def function(index, method, types, attribute):
    result, last = RESULTS[index % len(RESULTS)]
    arguments = [(f"argument_{place}", *next(types)) for place in range(index // 3 % 6)]
    parameters = ["&self"] * method + [f"{name}: {kind}" for name, kind, _ in arguments]
    arrow = "" if result == "()" else f" -> {result}"
    asyncness = "async " if index // 5 % 2 else ""
    total = " + ".join(["1", *(f"({number.format(name)})" for name, _, number in arguments)])
    return f"""
{attribute(method, result.startswith("Result"))}
pub {asyncness}fn function_{index}({", ".join(parameters)}){arrow} {{
    let total: u64 = {total};
    let label = format!("{{total}} of {index}");
    {last}
}}
"""


def source(attribute):
    types = itertools.cycle(ARGUMENTS)
    parts = [PRELUDE]
    # Of each twenty functions, ten are methods.
    for start in range(0, FUNCTIONS, METHODS_OF_A_TYPE):
        method = start // METHODS_OF_A_TYPE % 2 == 1
        functions = [function(start + place, method, types, attribute) for place in range(METHODS_OF_A_TYPE)]
        if method:
            parts += [f"#[derive(Debug)]\npub struct Service{start};\n\nimpl Service{start} {{", *functions, "}\n"]
        else:
            parts += functions
    return "".join(parts)


def write_crates(folder, ways):
    members = ", ".join(f'"{way}"' for way in ways)
    (folder / "Cargo.toml").write_text(f'[workspace]\nresolver = "3"\nmembers = [{members}]\n')
    shutil.copy(REPOSITORY / "Cargo.lock", folder)
    for way, attribute in ways.items():
        (folder / way / "src").mkdir(parents=True)
        (folder / way / "src" / "lib.rs").write_text(source(attribute))
        (folder / way / "Cargo.toml").write_text(f"""\
[package]
name = "{way}"
version = "0.0.0"
edition = "2024"

[dependencies]
honeyhive-core = {{ path = "{REPOSITORY}/honeyhive-core" }}
serde = {{ version = "1", features = ["derive"] }}
tracing = {{ version = "0.1", default-features = false, features = ["std", "attributes"] }}
""")


def check(folder, way, environment):
    (folder / way / "src" / "lib.rs").touch()
    command = ["cargo", "check", "--quiet", "--offline", "--package", way]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return time.perf_counter() - start


def measure(ways, rounds, incremental):
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(REPOSITORY / "target" / "compile_time"),
        "CARGO_INCREMENTAL": "1" if incremental else "0",
    }
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_crates(folder, ways)
        for way in ways:
            check(folder, way, environment)
        seconds = {way: [] for way in ways}
        for _ in range(rounds):
            for way in ways:
                seconds[way].append(check(folder, way, environment))
    return seconds


def report(seconds):
    """A table; what each way adds to the plain functions, and that as a share of what `instrument` adds."""
    least = {way: min(times) for way, times in seconds.items()}
    middle = {way: statistics.median(times) for way, times in seconds.items()}
    added = {way: least[way] - least["plain"] for way in seconds}
    print(f"{'':<20} {'min':>7} {'median':>7} {'added by one':>13} {'check / instrument':>19} {'/ instrument_ret_err':>21}")
    for way in seconds:
        print(
            f"{way:<20} {least[way]:>6.2f}s {middle[way]:>6.2f}s {added[way] / FUNCTIONS * 1e3:>10.2f} ms"
            f" {least[way] / least['instrument']:>19.2f} {least[way] / least['instrument_ret_err']:>21.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--incremental", action="store_true")
    options = parser.parse_args()
    report(measure(WAYS, options.rounds, options.incremental))
