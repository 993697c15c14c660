//! A hub, an empty home and the command between them, and its output with what varies taken out.
//!
//! Compares nothing; the suite does.

#[cfg(unix)]
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
#[cfg(unix)]
use std::process::Stdio;
use std::process::{Command, Output};

use fake_hub::{Access, Builder, FakeHub, LinkSpec, RepoSpec, XetSpec};
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
        let repositories = FakeHub::builder()
            .repo(RepoSpec::synthetic("org/name", SIZE))
            .repo(RepoSpec::synthetic("org/gated", SIZE).access(Access::Gated))
            .repo(RepoSpec::synthetic("org/private", SIZE).access(Access::Private))
            .outsider("hf_outsider");
        let builder = rules.iter().fold(repositories, |builder, rule| {
            builder.rule(rule.parse().expect("the rule is written right"))
        });
        Self::with_hub(builder.link(link)).await
    }

    /// A stage whose first repository keeps its large file in chunks, behind a weak link.
    pub(crate) async fn in_chunks(link: LinkSpec) -> Self {
        let xet = XetSpec { xorb_bytes: 1 << 20, ..XetSpec::default() };
        let repo = RepoSpec::synthetic("org/name", CHUNKED_SIZE).xet(xet);
        Self::with_hub(FakeHub::builder().repo(repo).link(link)).await
    }

    async fn with_hub(builder: Builder) -> Self {
        let hub = builder.token("hf_member").start().await.expect("a loopback port is free");
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

    /// What `moshi-fetch download --json` shows from an interruption on, which comes as soon as it
    /// tells of `event`.
    #[cfg(unix)]
    pub(crate) async fn interrupt(&self, event: &str) -> String {
        let arguments = ["download", "org/name", FILE, "--token", "hf_member", "--json"];
        let mut command = self.command(&arguments);
        let event = format!(r#"{{"event":"{event}""#);
        let output = tokio::task::spawn_blocking(move || {
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = piped.spawn().expect("the command can be run");
            let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
            let mut lines = stdout.lines().map(|line| line.expect("it writes text"));
            assert!(lines.by_ref().any(|line| line.starts_with(&event)));
            let pid = child.id().to_string();
            let killed = Command::new("kill").args(["-INT", &pid]).status();
            assert!(killed.expect("there is such a command").success());
            // The pipe stays open until the end, so that nothing is lost.
            let rest: Vec<String> = lines.filter(|line| line.contains("error")).collect();
            let output = child.wait_with_output().expect("it ends");
            Output { stdout: rest.join("\n").into_bytes(), ..output }
        });
        self.shown(&output.await.expect("no panic"))
    }

    /// What `moshi-fetch download` shows when all that happens inside is logged.
    pub(crate) async fn download_logged(&self, arguments: &[&str]) -> String {
        let mut command = self.command(&[&["download"], arguments].concat());
        command.env("MOSHI_LOG", "moshi_fetch=trace");
        self.shown(&output_of(command).await)
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
/// Large enough for something to be vouched for long before the end.
const CHUNKED_SIZE: u64 = 40_000_000;
