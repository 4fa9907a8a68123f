//! Which commit an experiment ran from.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::process::Command;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// How long `git` may take before the run goes without.
const LIMIT: Duration = Duration::from_secs(5);

/// What the run's metadata says of the working directory's repository, under the names of the Python SDK: `commit_hash`,
/// `commit_hash_short`, `branch`, `commit_message`, `author_name`, `remote_url` without credentials, `is_dirty`. No
/// e-mail address. `None` outside a repository and without `git`.
pub(crate) async fn describe() -> Option<Map<String, Value>> {
    // On a runtime of its own: the program's may be without what processes and time need.
    let asked = tokio::task::spawn_blocking(|| {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async { timeout(LIMIT, ask()).await.ok().flatten() })
    });
    asked.await.ok().flatten()
}

async fn ask() -> Option<Map<String, Value>> {
    let (commit, branch, remote, changes) = tokio::join!(
        git(&["log", "-1", "--no-show-signature", "--format=%H%n%h%n%an%n%s"]),
        git(&["rev-parse", "--abbrev-ref", "HEAD"]),
        git(&["remote", "get-url", "origin"]),
        git(&["status", "--porcelain"]),
    );
    let commit = commit?;
    let mut lines = commit.lines();
    let mut about = Map::new();
    let mut add = |key: &str, text: Option<&str>| {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        about.extend(text.map(|text| (key.to_owned(), text.into())));
    };
    add("commit_hash", lines.next());
    add("commit_hash_short", lines.next());
    add("branch", branch.as_deref());
    add("author_name", lines.next());
    add("commit_message", lines.next());
    add("remote_url", remote.as_deref().map(without_credentials).as_deref());
    if let Some(changes) = changes {
        about.insert("is_dirty".into(), (!changes.trim().is_empty()).into());
    }
    Some(about)
}

async fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        // A look must not take the lock that a commit in another window needs.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

/// The URL without user, password and query; a path or `git@host:path` as it is.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.trim().split_once("://") else {
        return url.trim().to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// Whether the environment says that nothing about the machine is to be told.
pub(crate) fn is_unwanted() -> bool {
    let value = std::env::var("HONEYHIVE_TELEMETRY").unwrap_or_default();
    let value = value.trim().to_lowercase();
    matches!(value.as_str(), "false" | "0" | "f" | "no" | "n" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_loses_its_credentials() {
        for (url, expected) in [
            (
                "https://user:secret@host.example/a/b.git",
                "https://host.example/a/b.git",
            ),
            ("https://token@host:8443/a@b/c", "https://host:8443/a@b/c"),
            ("https://host/a.git?token=secret", "https://host/a.git"),
            ("ssh://git@host/a.git", "ssh://host/a.git"),
            ("git@host:a/b.git", "git@host:a/b.git"),
            ("/srv/repository", "/srv/repository"),
            ("https://p@ss:w@host", "https://host"),
        ] {
            assert_eq!(without_credentials(url), expected);
        }
    }

    #[tokio::test]
    async fn the_commit_is_described_without_an_address() {
        let Some(about) = describe().await else { return };
        assert_eq!(about["commit_hash"].as_str().map(str::len), Some(40), "{about:?}");
        assert!(about["is_dirty"].is_boolean());
        assert!(!about.keys().any(|key| key.contains("email")));
    }
}
