//! The command as a process of its own, between a fake hub and a cache.
//!
//! Asserts only what every suite takes for granted: that processes can be started and end.
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fake_hub::{Builder, FakeHub, LinkSpec, RepoSpec, Route};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(crate) const REPO: &str = "org/name";
pub(crate) const FILE: &str = "model.safetensors";

/// A hub with one large file behind a link of a certain rate, and an empty cache.
pub(crate) struct Site {
    pub(crate) hub: FakeHub,
    pub(crate) folder: TempDir,
    pub(crate) size: u64,
    started: AtomicUsize,
}

impl Site {
    pub(crate) async fn new(size: u64, rate: u64) -> Self {
        let link = LinkSpec { rate: Some(rate), ..LinkSpec::default() };
        let hub = FakeHub::builder().repo(RepoSpec::synthetic(REPO, size)).link(link);
        Self::of(hub, size).await
    }

    /// The hub that is built like this, the large file of which has `size` bytes.
    pub(crate) async fn of(builder: Builder, size: u64) -> Self {
        let hub = builder.start().await.expect("a loopback port is free");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { hub, folder, size, started: AtomicUsize::new(0) }
    }

    /// Starts the command in an environment of its own, with these variables besides.
    pub(crate) fn start(&self, variables: &[(&str, &Path)]) -> Running {
        self.start_with(&[], variables)
    }

    /// The same, with these arguments besides.
    pub(crate) fn start_with(&self, arguments: &[&str], variables: &[(&str, &Path)]) -> Running {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let beside = |ending| self.folder.path().join(format!("{number}.{ending}"));
        let (said, complained) = (beside("out"), beside("err"));
        let create = |path: &Path| File::create(path).expect("a new file");
        let child = Command::new(env!("CARGO_BIN_EXE_moshi-fetch"))
            .args(["download", REPO, FILE, "--json"])
            .args(arguments)
            .env_clear()
            .env("HF_ENDPOINT", self.hub.endpoint())
            .env("HF_HOME", self.folder.path().join("home"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(create(&said))
            .stderr(create(&complained))
            .spawn()
            .expect("the command can be started");
        Running { child, said, complained }
    }

    /// Bytes of the large file that the hub has sent, as they are or in chunks.
    pub(crate) fn wire(&self) -> u64 {
        let stats = self.hub.stats();
        stats.body_bytes_on(Route::Cdn) + stats.body_bytes_on(Route::Xorb)
    }

    /// The same as a part of the file.
    pub(crate) fn cost(&self) -> f64 {
        self.wire() as f64 / self.size as f64
    }

    /// Waits until the hub has sent so many bytes, or until the command has ended.
    pub(crate) async fn wait_sent(&self, bytes: u64, running: &mut Running) {
        until(|| self.wire() >= bytes || !running.is_running()).await;
    }

    /// What the hub says that the file hashes to.
    pub(crate) fn digest(&self) -> String {
        self.hub.file(REPO, "main", FILE).expect("the file is there").etag().to_owned()
    }

    /// Where the finished file is to be, whoever looks for it.
    pub(crate) fn snapshot(&self) -> PathBuf {
        let commit = self.hub.commit_of(REPO, "main").expect("main is there");
        self.cached().join("snapshots").join(commit).join(FILE)
    }

    /// Where its bytes are, and all that is kept while they arrive.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.cached().join("blobs")
    }

    fn cached(&self) -> PathBuf {
        self.folder.path().join("home/hub/models--org--name")
    }

    /// The right file is in place, and nothing is left but the journal that vouches for it.
    ///
    /// And perhaps the tombstone of a claim, by one who was killed while burying it, or a journal
    /// that one who was killed had not put in place yet.
    pub(crate) fn check_result(&self) {
        let digest = self.digest();
        assert_eq!(sha256(&self.snapshot()), digest);
        let blobs = fs::read_dir(self.blobs()).expect("the folder is there");
        let names = blobs.map(|entry| entry.expect("it can be read").file_name());
        let names = names.map(|name| name.into_string().expect("our names are text"));
        let mut names: Vec<_> =
            names.filter(|name| !name.contains(".owner.") && !name.ends_with(".tmp")).collect();
        names.sort_unstable();
        assert_eq!(names, [digest.clone(), format!("{digest}.journal")]);
        assert_eq!(self.hub.stats().tokens_on_cdn, 0);
    }
}

/// The command while it runs. Is killed when dropped.
pub(crate) struct Running {
    child: Child,
    said: PathBuf,
    complained: PathBuf,
}

impl Running {
    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("there is a kill command").success());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        until(|| !self.is_running()).await;
        self.child.wait().expect("it is our child")
    }

    /// Waits for its end, which must be a good one.
    pub(crate) async fn succeed(&mut self) {
        let status = self.end().await;
        assert!(status.success(), "{status}\n{}", self.transcript());
    }

    /// Everything that it wrote.
    pub(crate) fn transcript(&self) -> String {
        let read = |path: &Path| fs::read_to_string(path).expect("what it wrote is text");
        format!("{}{}", read(&self.said), read(&self.complained))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Has ended, or is to end now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so. The limit is for tests that would hang.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !is_so() {
            ticks.tick().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(120), waiting).await;
    waited.expect("it happens within two minutes");
}

pub(crate) fn sha256(path: &Path) -> String {
    let content = fs::read(path).expect("the file can be read");
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
