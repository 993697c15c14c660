//! Two processes want the same file at once, with locks that work and locks that lie: it is
//! fetched once, and never wrong where people look for it.
//!
//! Rivals on other machines cannot be had here; the claim's own tests have them.
#![cfg(target_os = "linux")]

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use process::{Running, Site, sha256, until};

const MB: u64 = 1_000_000;
const SIZE: u64 = 96 * MB;
const RATE: u64 = 32 * MB;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Locks {
    Work,
    Lie,
}

#[tokio::test]
async fn both_at_once() {
    at_once(Locks::Work).await;
}

#[tokio::test]
async fn both_at_once_where_everyone_gets_the_lock() {
    at_once(Locks::Lie).await;
}

#[tokio::test]
async fn the_writer_is_killed() {
    take_over(Locks::Work).await;
}

#[tokio::test]
async fn the_writer_is_killed_where_everyone_gets_the_lock() {
    take_over(Locks::Lie).await;
}

#[tokio::test]
async fn the_writer_is_suspended() {
    suspend(Locks::Work).await;
}

#[tokio::test]
async fn the_writer_is_suspended_where_everyone_gets_the_lock() {
    suspend(Locks::Lie).await;
}

async fn at_once(locks: Locks) {
    let rivals = Rivals::new(locks).await;
    let (mut one, mut other) = (rivals.start(), rivals.start());
    rivals.watch(async { tokio::join!(one.succeed(), other.succeed()) }).await;
    rivals.check(1.02);
}

async fn take_over(locks: Locks) {
    let rivals = Rivals::new(locks).await;
    let (mut writer, mut waiter) = rivals.start_in_order().await;
    let run = async {
        rivals.site.wait_sent(SIZE / 2, &mut writer).await;
        assert!(writer.is_running(), "{}", writer.transcript());
        writer.signal("KILL");
        writer.end().await;
        waiter.succeed().await;
    };
    rivals.watch(run).await;
    rivals.check(1.03);
}

async fn suspend(locks: Locks) {
    let rivals = Rivals::new(locks).await;
    let (mut writer, mut waiter) = rivals.start_in_order().await;
    let run = async {
        rivals.site.wait_sent(SIZE / 2, &mut writer).await;
        assert!(writer.is_running(), "{}", writer.transcript());
        writer.signal("STOP");
        // What was under way still fills the buffers of sockets that nobody reads.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let sent = rivals.site.wire();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(rivals.site.wire(), sent, "nobody fetches");
        assert!(waiter.is_running(), "{}", waiter.transcript());
        writer.signal("CONT");
        tokio::join!(writer.succeed(), waiter.succeed());
    };
    rivals.watch(run).await;
    rivals.check(1.02);
}

/// Processes that are after the same file.
struct Rivals {
    site: Site,
    shim: Option<PathBuf>,
}

impl Rivals {
    async fn new(locks: Locks) -> Self {
        let site = Site::new(SIZE, RATE).await;
        let shim = (locks == Locks::Lie).then(|| compile_shim(site.folder.path()));
        Self { site, shim }
    }

    fn start(&self) -> Running {
        let variable = self.shim.as_deref().map(|shim| ("LD_PRELOAD", shim));
        self.site.start(variable.as_slice())
    }

    /// The first has begun to fetch, and the second has said that it waits.
    async fn start_in_order(&self) -> (Running, Running) {
        let mut writer = self.start();
        self.site.wait_sent(SIZE / 20, &mut writer).await;
        self.check_locks();
        let mut waiter = self.start();
        until(|| waiter.transcript().contains(r#""event":"busy""#) || !waiter.is_running()).await;
        assert!(waiter.is_running(), "{}", waiter.transcript());
        (writer, waiter)
    }

    /// Whether locks work is what was meant to be, as the writer has seen it.
    fn check_locks(&self) {
        let owner = self.site.blobs().join(format!("{}.owner", self.site.digest()));
        let owner = fs::read_to_string(owner).expect("somebody is writing");
        assert_eq!(owner.contains(r#""lock":null"#), self.shim.is_some(), "{owner}");
    }

    /// Runs something, and hashes the finished file whenever there is one.
    async fn watch<T>(&self, run: impl Future<Output = T>) -> T {
        let look = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
                let path = self.site.snapshot();
                if path.exists() {
                    let found = tokio::task::spawn_blocking(move || sha256(&path));
                    let found = found.await.expect("it hashes");
                    assert_eq!(found, self.site.digest(), "the file in place is wrong");
                }
            }
        };
        tokio::select! {
            result = run => result,
            () = look => unreachable!("it looks until the run is over"),
        }
    }

    #[expect(clippy::print_stdout, reason = "a figure for whoever reads the log")]
    fn check(&self, cost_max: f64) {
        self.site.check_result();
        println!("wire / file: {:.4}", self.site.cost());
        assert!(self.site.cost() <= cost_max, "{}", self.site.cost());
    }
}

/// A library that makes every lock succeed for everyone, as some network filesystems do.
fn compile_shim(folder: &Path) -> PathBuf {
    let (source, shim) = (folder.join("shim.c"), folder.join("shim.so"));
    fs::write(&source, "int flock(int fd, int how) { return 0; }\n").expect("a new file");
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&shim, &source]).status();
    assert!(compiled.expect("there is a C compiler, as rustc needs one").success());
    shim
}
