//! A lock file of any bytes: whoever is named as its holder is named in few words.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use moshi_fetch::cache::file_lock::holder;
use moshi_fetch::disk::StdDisk;
use moshi_fetch::process::Process;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
static PROCESS: LazyLock<Process> = LazyLock::new(Process::current);

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("owner");
    std::fs::write(&path, bytes).expect("it can be written");
    if let Ok(Some(busy)) = holder(&StdDisk, &path, &PROCESS) {
        assert!(busy.by.len() < 1000, "{} bytes are shown", busy.by.len());
        assert!(!busy.by.chars().any(char::is_control), "{:?}", busy.by);
    }
});
