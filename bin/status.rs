//! Unfinished downloads: how far each has come, when it last moved, and who is writing it now.
//!
//! Changes nothing, asks no hub, and reads none of the downloaded bytes.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cache::inventory::{self, Leftover, Unfinished};
use crate::cache::layout::LocalDir;
use crate::disk::Disk;
use crate::error::Error;

/// What is unfinished in a cache and a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The downloads that will continue, the one that moved last first.
    pub unfinished: Vec<Unfinished>,
    /// What other tools left: bytes that nobody will continue.
    pub leftovers: Vec<Leftover>,
}

/// Where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// A cache.
    pub cache: Option<PathBuf>,
    /// A folder that was given with `--local-dir`.
    pub local_dir: Option<PathBuf>,
}

/// Looks what is unfinished. A place that does not exist holds nothing.
///
/// # Errors
///
/// When a folder cannot be read.
pub async fn status<D: Disk>(disk: &D, places: Places) -> Result<Status, Error> {
    let looked = disk.run(move |disk| {
        let process = disk.process();
        let (mut unfinished, mut leftovers) = (Vec::new(), Vec::new());
        if let Some(cache) = &places.cache {
            unfinished.extend(inventory::unfinished_in_cache(disk, cache, &process)?);
            leftovers.extend(inventory::leftovers_in_cache(disk, cache)?);
        }
        if let Some(folder) = &places.local_dir {
            let local = LocalDir::new(folder);
            unfinished.extend(inventory::unfinished_in_local_dir(disk, &local, &process)?);
            leftovers.extend(inventory::leftovers_in_local_dir(disk, &local)?);
        }
        unfinished.sort_by_key(|it| std::cmp::Reverse(it.last_activity));
        Ok(Status { unfinished, leftovers })
    });
    Ok(looked.await?)
}

/// How long something has not moved, by this machine's clock.
pub fn idle_for(last_activity: Duration) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(last_activity)
}

/// What a person calls an unfinished download: where it comes from, or where it is.
pub fn name_of(unfinished: &Unfinished) -> String {
    let source = unfinished.source.as_deref().map(short);
    source.unwrap_or_else(|| unfinished.part.display().to_string())
}

/// `repo/path` of `repo@commit/path`. Anything else, such as a URL, stays as it is.
fn short(source: &str) -> String {
    let parts = source.split_once('@').and_then(|(repo, rest)| Some((repo, rest.split_once('/')?)));
    match parts {
        Some((repo, (commit, path))) if is_commit(commit) => format!("{repo}/{path}"),
        Some(_) | None => source.to_owned(),
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == COMMIT_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

const COMMIT_LEN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::StdDisk;

    #[tokio::test]
    async fn places_that_do_not_exist_hold_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Some(folder.path().join("none"));
        let places = Places { cache: missing.clone(), local_dir: missing };
        let found = status(&StdDisk, places).await.unwrap();
        assert_eq!(found, Status { unfinished: Vec::new(), leftovers: Vec::new() });
    }

    #[tokio::test]
    async fn what_another_tool_left_is_listed_apart() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = folder.path().join("models--org--name/blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        std::fs::write(blobs.join("abc.12345678.incomplete"), [0; 10]).unwrap();
        let places = Places { cache: Some(folder.path().to_owned()), local_dir: None };
        let found = status(&StdDisk, places).await.unwrap();
        assert_eq!(found.unfinished, []);
        let [leftover] = &found.leftovers[..] else { panic!("{found:?}") };
        assert_eq!((leftover.len, &leftover.path), (10, &blobs.join("abc.12345678.incomplete")));
    }

    #[test]
    fn people_are_told_no_commits() {
        let check = |source: &str, expected: &str| assert_eq!(short(source), expected);
        let commit = "1".repeat(40);
        check(&format!("org/name@{commit}/sub/model.bin"), "org/name/sub/model.bin");
        check("https://user@host/file", "https://user@host/file");
        check("odd", "odd");
    }
}
