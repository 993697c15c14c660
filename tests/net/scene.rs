//! A hub, a folder and the command between them, with the variables that a test is about.
//!
//! Asserts nothing; the suite does.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use fake_hub::{FakeHub, RepoSpec};
use tempfile::TempDir;

/// Where the command runs.
pub(crate) struct Scene {
    hub: FakeHub,
    folder: TempDir,
    runs: AtomicUsize,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let builder = FakeHub::builder().repo(RepoSpec::synthetic("org/name", 1000));
        let hub = builder.start().await.expect("a loopback port is free");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { hub, folder, runs: AtomicUsize::new(0) }
    }

    pub(crate) fn hub_endpoint(&self) -> String {
        self.hub.endpoint()
    }

    pub(crate) fn hub_port(&self) -> u16 {
        let endpoint = self.hub.endpoint();
        endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("it has a port")
    }

    /// A path in the folder of this scene.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.to_str().expect("temporary folders have plain names").to_owned()
    }

    /// A file in it.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a new folder");
        fs::write(&path, text).expect("a new file");
        self.path(name)
    }

    /// What the command shows when it fetches a small file, which a hub serves by itself, from
    /// this endpoint.
    pub(crate) async fn fetch(&self, endpoint: &str, variables: &[(&str, &str)]) -> String {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let mut command = Command::new(env!("CARGO_BIN_EXE_moshi-fetch"));
        command
            .args(["download", "org/name", "config.json", "--give-up-after", "2s"])
            .env_clear()
            .env("HF_ENDPOINT", endpoint)
            .env("HF_HOME", self.folder.path().join(format!("home{run}")))
            .envs(variables.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.expect("no panic").expect("the command can be run");
        let code = output.status.code().expect("no signal ends it");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("exit code: {code}\n{}{}", text(&output.stdout), text(&output.stderr))
    }
}
