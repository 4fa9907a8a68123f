//! The command `honeyhive-local`, as it is installed.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::life::TempFile;
use crate::support::{Api, SESSION};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_honeyhive-local"));
    command.args(arguments).env_remove("HONEYHIVE_LOCAL_API_KEY");
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[cfg(unix)]
#[test]
fn it_says_where_it_serves_and_ends_cleanly_when_asked_to() {
    let file = TempFile::new();
    let path = file.0.to_str().unwrap();
    let mut child = command(&["--listen", "127.0.0.1:0", "--db", path])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let (said, url) = line.split_once("HH_API_URL=").unwrap();
    assert_eq!(said, format!("Serving on {url}; point the SDK at it with "));
    let api = Api::at(url.to_owned());
    api.start_session(SESSION);
    let asked = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(asked.success());
    assert!(child.wait().unwrap().success());
    let reopened = Api::of(honeyhive_local::Server::builder().database(&file.0).start().unwrap());
    assert_eq!(reopened.export(&json!([])).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_it_at_once_whatever_is_in_flight() {
    let mut child = command(&["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let address = line.split_once("HH_API_URL=http://").unwrap().1;
    let mut request = std::net::TcpStream::connect(address).unwrap();
    write!(
        request,
        "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\
         Expect: 100-continue\r\n\r\n"
    )
    .unwrap();
    // The answer says that the body is being waited for.
    let mut answer = [0; 12];
    request.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    let terminate = || Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(terminate().success());
    let stopping = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("Stopping")));
    assert!(stopping.is_some());
    let begun = std::time::Instant::now();
    assert!(terminate().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(begun.elapsed() < std::time::Duration::from_secs(4));
}

#[test]
fn help_and_version_are_printed() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for option in [
        "--listen",
        "--db",
        "--api-key",
        "HONEYHIVE_LOCAL_API_KEY",
        "127.0.0.1:4483",
    ] {
        assert!(help.contains(option), "{option} is missing in {help}");
    }
    let (code, version, _) = run(&["-V"]);
    assert_eq!((code, version.as_str()), (Some(0), "honeyhive-local 0.1.0\n"));
}

#[test]
fn wrong_arguments_end_with_2_and_what_cannot_start_with_1() {
    for arguments in [&["--wrong"][..], &["extra"], &["--listen"]] {
        let (code, _, error) = run(arguments);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains("--help"), "{error}");
    }
    let (code, _, error) = run(&["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("set an API key (--api-key"), "{error}");
    let (code, _, error) = run(&["--db", ""]);
    assert_eq!(code, Some(1));
    assert!(error.contains("is empty"), "{error}");
}
