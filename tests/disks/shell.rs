//! A hub, an empty folder, and a shell in it that knows the command as `$MF`.
//!
//! Asserts only what every test takes for granted.

use std::path::PathBuf;
use std::process::Command;

use fake_hub::{Builder, FakeHub};
use tempfile::TempDir;

/// Where the shell runs.
pub(crate) struct Site {
    pub(crate) hub: FakeHub,
    folder: TempDir,
}

/// What came of a script.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) complained: String,
}

impl Site {
    /// The hub that is built like this, and an empty folder.
    pub(crate) async fn new(builder: Builder) -> Self {
        let hub = builder.start().await.expect("a loopback port is free");
        Self { hub, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A path, as a script may give it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Runs a script to its end.
    pub(crate) async fn shell(&self, script: &str) -> Ran {
        self.run(Command::new("/bin/sh"), script).await
    }

    /// The same with the right to mount, in a namespace of its own; `None` where that is not given.
    #[expect(clippy::print_stderr, reason = "that nothing was tested must not go unseen")]
    pub(crate) async fn mounting(&self, script: &str) -> Option<Ran> {
        let unshare = |what: &str| Command::new("unshare").args(["--mount", what]).output();
        if !unshare("true").is_ok_and(|output| output.status.success()) {
            eprintln!("filesystems cannot be mounted here: nothing was looked at");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "/bin/sh"]);
        Some(self.run(command, script).await)
    }

    async fn run(&self, mut shell: Command, script: &str) -> Ran {
        shell
            .args(["-c", script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("MF", env!("CARGO_BIN_EXE_moshi-fetch"))
            .env("HF_ENDPOINT", self.hub.endpoint())
            .env("HF_HOME", self.folder.path().join("home"))
            .current_dir(self.folder.path());
        let output = tokio::task::spawn_blocking(move || shell.output());
        let output = output.await.expect("no panic").expect("there is a shell");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // What a shell says of a signal is above all codes of ours.
        let code = output.status.code().unwrap_or(i32::MAX);
        Ran { code, said: text(&output.stdout), complained: text(&output.stderr) }
    }
}
