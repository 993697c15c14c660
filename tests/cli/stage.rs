//! A hub, an empty home and the command between them, and its output with what varies taken out.
//!
//! Compares nothing; the suite does.

use std::net::TcpListener;
use std::process::{Command, Output};

use fake_hub::{Access, FakeHub, LinkSpec, RepoSpec};
use tempfile::TempDir;

/// The large file of each repository.
pub(crate) const FILE: &str = "model.safetensors";

/// Where a run takes place.
pub(crate) struct Stage {
    hub: FakeHub,
    endpoint: String,
    folder: TempDir,
}

impl Stage {
    /// A hub that breaks these rules of good behaviour.
    pub(crate) async fn new(rules: &[&str]) -> Self {
        Self::with_link(rules, LinkSpec::default()).await
    }

    /// The same, behind a weak link.
    pub(crate) async fn with_link(rules: &[&str], link: LinkSpec) -> Self {
        let mut builder = FakeHub::builder()
            .repo(RepoSpec::synthetic("org/name", SIZE))
            .repo(RepoSpec::synthetic("org/gated", SIZE).access(Access::Gated))
            .repo(RepoSpec::synthetic("org/private", SIZE).access(Access::Private))
            .token("hf_member")
            .outsider("hf_outsider")
            .link(link);
        for rule in rules {
            builder = builder.rule(rule.parse().expect("the rule is written right"));
        }
        let hub = builder.start().await.expect("a loopback port is free");
        let endpoint = hub.endpoint();
        Self { hub, endpoint, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A stage where nobody listens at the hub's address.
    pub(crate) async fn with_nobody() -> Self {
        let stage = Self::new(&[]).await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let address = listener.local_addr().expect("it is bound");
        Self { endpoint: format!("http://{address}"), ..stage }
    }

    /// A path in a folder of this stage.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("temporary folders have plain names").into()
    }

    /// The address of a file of the first repository.
    pub(crate) fn address(&self, path: &str) -> String {
        // A plain address: by another name of the hub, so that it is not taken for a hub's.
        let endpoint = self.endpoint.replace("127.0.0.1", "localhost");
        format!("{endpoint}/org/name/resolve/main/{path}")
    }

    /// The SHA-256 of a file of the first repository.
    pub(crate) fn digest(&self, path: &str) -> String {
        self.hub.file("org/name", "main", path).expect("the file is there").etag().to_owned()
    }

    /// What `moshi-fetch download` shows.
    pub(crate) async fn download(&self, arguments: &[&str]) -> String {
        self.run(&[&["download"], arguments].concat()).await
    }

    /// What `moshi-fetch download` shows where no file may grow beyond a megabyte.
    #[cfg(unix)]
    pub(crate) async fn download_with_small_files(&self, arguments: &[&str]) -> String {
        let script = "trap '' XFSZ; ulimit -f 1000; exec \"$0\" download \"$@\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_moshi-fetch")]).args(arguments);
        self.shown(&output_of(self.on_this_stage(command)).await)
    }

    /// What `moshi-fetch` shows.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        self.shown(&output_of(self.command(arguments)).await)
    }

    /// The command in an environment that has only what is said here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_moshi-fetch"));
        command.args(arguments);
        self.on_this_stage(command)
    }

    fn on_this_stage(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("HF_ENDPOINT", &self.endpoint)
            .env("HF_HOME", self.folder.path().join("home"))
            .current_dir(self.folder.path());
        command
    }

    /// Exit code, stdout and stderr, without ports, temporary folders, times and digests.
    pub(crate) fn shown(&self, output: &Output) -> String {
        let code = output.status.code().expect("no signal ends it");
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut text = format!(
            "exit code: {code}\n----- stdout -----\n{stdout}\n----- stderr -----\n{stderr}"
        );
        for (found, shown) in [
            (self.folder.path().to_str().expect("a plain name"), "[FOLDER]"),
            (self.endpoint.as_str(), "[HUB]"),
            (&self.endpoint.replace("127.0.0.1", "localhost"), "[LOCALHOST]"),
            (env!("CARGO_BIN_EXE_moshi-fetch"), "moshi-fetch"),
        ] {
            text = text.replace(found, shown);
        }
        text
    }
}

async fn output_of(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output());
    output.await.expect("no panic").expect("the command can be run")
}

/// Large enough for several requests.
const SIZE: u64 = 5_000_000;
