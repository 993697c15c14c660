//! Tests of `catalogue`, by tables and by hand.
//!
//! No network, no clock.

use std::fs;

use engine::hub::repo::RepoKind;
use engine::journal::{Begin, Record};

use super::*;
use crate::disk::StdDisk;

const COMMIT: &str = "11c5a3d5811f50298f278a704980280950aedb10";
const SMALL: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

fn large(digit: &str) -> String {
    digit.repeat(64)
}

fn repo() -> RepoId {
    RepoId::new(RepoKind::Model, "org/name").unwrap()
}

fn begin(part: &Path, path: &str, digest: &str) {
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(part, [0; 10]).unwrap();
    let source = format!("org/name@{COMMIT}/{path}");
    let begin = Begin { size: 10, digest: digest.parse().ok(), source };
    fs::write(part.with_extension("journal"), Record::Begin(begin).to_bytes()).unwrap();
}

fn told(entries: &[Entry]) -> Vec<(&str, Stage, Option<String>, Option<u64>)> {
    let told = entries.iter().map(|entry| {
        let known = entry.known.as_ref();
        let digest = known.map(|known| known.digest.hex());
        (entry.path.as_str(), entry.stage, digest, known.and_then(|known| known.size))
    });
    told.collect()
}

#[cfg(unix)]
#[test]
fn a_cache_knows_what_was_fetched_begun_and_listed() {
    let cache = tempfile::tempdir().unwrap();
    let folder = RepoFolder::new(cache.path(), &repo());
    let commit: Commit = COMMIT.parse().unwrap();
    let snapshot = folder.snapshot(&commit);
    let blobs = folder.blobs();
    begin(&blobs.join(format!("{}.part", large("b"))), "begun.bin", &large("b"));
    begin(&blobs.join(format!("{}.part", large("c"))), "sub/other.bin", &large("d"));
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(blobs.join(SMALL), "").unwrap();
    StdDisk.symlink(&Path::new("../../blobs").join(SMALL), &snapshot.join("config.json")).unwrap();
    fs::hard_link(blobs.join(SMALL), snapshot.join("same.json")).unwrap();
    fs::write(snapshot.join("copy.json"), "copy").unwrap();
    let tree = format!(
        r#"{{"format_version": 1, "files": {{
            "listed.bin": {{"size": 7, "blob_id": "{SMALL}", "lfs_sha256": "{}", "lfs_size": 9}},
            "../evil": {{"size": 7, "blob_id": "{SMALL}"}}}}}}"#,
        large("e")
    );
    fs::create_dir_all(folder.path().join("trees")).unwrap();
    fs::write(folder.path().join("trees").join(format!("{COMMIT}.json")), tree).unwrap();

    let entries = in_cache(&StdDisk, &folder, &repo(), &commit).unwrap();
    let small = Some(SMALL.to_owned());
    let expected = [
        ("begun.bin", Stage::Begun, Some(large("b")), Some(10)),
        ("config.json", Stage::Finished, small.clone(), None),
        ("copy.json", Stage::Finished, None, None),
        ("listed.bin", Stage::Listed, Some(large("e")), Some(9)),
        ("same.json", Stage::Finished, small, None),
        ("sub/other.bin", Stage::Begun, Some(large("d")), None),
    ];
    assert_eq!(told(&entries), expected);
}

#[test]
fn a_local_folder_knows_what_its_records_say() {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalDir::new(folder.path());
    let place =
        |path: &str, blob: &str| local.place(&path.parse().unwrap(), &blob.parse().unwrap());
    let records = local.records().join("download");
    for (path, etag) in [("a.json", SMALL), ("gone.json", SMALL), ("odd.json", "not-a-digest")] {
        fs::create_dir_all(&records).unwrap();
        let record = format!("{COMMIT}\n{etag}\n1.0\n");
        fs::write(records.join(format!("{path}.metadata")), record).unwrap();
    }
    fs::write(folder.path().join("a.json"), "").unwrap();
    begin(&place("sub/begun.bin", &large("b")).part, "sub/begun.bin", &large("b"));
    begin(&place("gone.json", &large("c")).part, "gone.json", &large("c"));
    let entries = in_local_dir(&StdDisk, &local, &repo()).unwrap();
    let expected = [
        ("a.json", Stage::Finished, Some(SMALL.to_owned()), None),
        ("gone.json", Stage::Begun, Some(large("c")), Some(10)),
        ("sub/begun.bin", Stage::Begun, Some(large("b")), Some(10)),
    ];
    assert_eq!(told(&entries), expected);
    assert_eq!(entries[0].shown, folder.path().join("a.json"));
}
