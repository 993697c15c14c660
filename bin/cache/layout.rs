//! Where the files of a download live, in the shared cache and under `--local-dir`.
//!
//! Pure: computes paths, touches no disk. The layout is that of `huggingface_hub` 2.x
//! (`file_download.py`, `_local_folder.py`); what has `part`, `journal`, `owner` or `orphan` in
//! its name is ours.

use std::path::{Path, PathBuf};

use engine::hub::path::{BlobName, RepoPath};
use engine::hub::repo::RepoId;
use engine::hub::revision::{Commit, Revision};

/// The files of one download, wherever it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The finished file. Appears by a rename, complete and verified.
    pub target: PathBuf,
    /// The bytes so far.
    pub part: PathBuf,
    /// What of them is proven.
    pub journal: PathBuf,
    /// Who is writing.
    pub owner: PathBuf,
    /// An earlier part that somebody may still be writing, so that it is only read from.
    pub orphan: PathBuf,
    /// What was proven of the orphan.
    pub orphan_journal: PathBuf,
    /// The lock that `hf` takes for the same file.
    pub lock: PathBuf,
    /// How people find the finished file.
    pub kind: PlaceKind,
}

/// What the two kinds of place have of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// In the cache, with a link from a snapshot.
    Cache {
        /// The path in the snapshot.
        pointer: PathBuf,
        /// What a symbolic link there says.
        link: PathBuf,
    },
    /// Under `--local-dir`, with a record for `hf`.
    LocalDir {
        /// The record; `None` if its name would be too long for a filesystem, or would be in the
        /// way of another's.
        metadata: Option<PathBuf>,
        /// The folder that holds all such records.
        records: PathBuf,
    },
}

impl Place {
    /// The path that a person is told.
    pub fn shown(&self) -> &Path {
        match &self.kind {
            PlaceKind::Cache { pointer, .. } => pointer,
            PlaceKind::LocalDir { .. } => &self.target,
        }
    }
}

/// One repository in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoFolder {
    cache: PathBuf,
    name: String,
}

impl RepoFolder {
    /// The folder of `repo` in the cache at `cache`.
    pub fn new(cache: &Path, repo: &RepoId) -> Self {
        Self { cache: cache.to_owned(), name: repo.folder_name() }
    }

    /// The cache that this is in.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The folder itself.
    pub fn path(&self) -> PathBuf {
        self.cache.join(&self.name)
    }

    /// The contents, by ETag.
    pub fn blobs(&self) -> PathBuf {
        self.path().join("blobs")
    }

    /// The file that says which commit a branch or tag is at.
    pub fn reference(&self, revision: &Revision) -> PathBuf {
        join(self.path().join("refs"), revision.as_str().split('/'))
    }

    /// The files of a commit.
    pub fn snapshot(&self, commit: &Commit) -> PathBuf {
        self.path().join("snapshots").join(commit.as_str())
    }

    /// An empty file that says: the commit has no file of this path.
    pub fn missing(&self, commit: &Commit, path: &RepoPath) -> PathBuf {
        join(self.path().join(".no_exist").join(commit.as_str()), path.segments())
    }

    /// Where a file goes.
    pub fn place(&self, commit: &Commit, path: &RepoPath, blob: &BlobName) -> Place {
        let blobs = self.blobs();
        let beside = |ending: &str| blobs.join(format!("{blob}.{ending}"));
        let up = path.segments().map(|_| "..").chain([".."]);
        Place {
            target: blobs.join(blob.as_str()),
            part: beside("part"),
            journal: beside("journal"),
            owner: beside("owner"),
            orphan: beside("orphan"),
            orphan_journal: beside("orphan.journal"),
            lock: self.cache.join(".locks").join(&self.name).join(format!("{blob}.lock")),
            kind: PlaceKind::Cache {
                pointer: join(self.snapshot(commit), path.segments()),
                link: join(PathBuf::new(), up.chain(["blobs", blob.as_str()])),
            },
        }
    }
}

/// A folder given with `--local-dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDir {
    root: PathBuf,
}

impl LocalDir {
    /// The folder at `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where what is not for people is kept.
    pub fn records(&self) -> PathBuf {
        self.root.join(".cache").join("huggingface")
    }

    /// Where a file goes.
    pub fn place(&self, path: &RepoPath, blob: &BlobName) -> Place {
        let download = self.records().join("download");
        let hash = blake3::hash(path.as_str().as_bytes()).to_hex();
        // A folder `x.lock` cannot stand where the lock of a file `x` is.
        let is_clear = !path.segments().rev().skip(1).any(is_like_record);
        let (record, name) = if is_clear {
            (join(download, path.segments()), path.file_name())
        } else {
            (download.join(&hash[..HASH_LEN]), &hash[..HASH_LEN])
        };
        let stem = stem(name, blob);
        let beside = |ending: &str| record.with_file_name(format!("{stem}.{ending}"));
        let metadata = format!("{name}.metadata");
        let lock = format!("{name}.lock");
        let is_as_hf_has_it = is_clear && metadata.len() <= NAME_MAX;
        Place {
            target: join(self.root.clone(), path.segments()),
            part: beside("part"),
            journal: beside("journal"),
            owner: beside("owner"),
            orphan: beside("orphan"),
            orphan_journal: beside("orphan.journal"),
            lock: if is_as_hf_has_it { record.with_file_name(lock) } else { beside("lock") },
            kind: PlaceKind::LocalDir {
                metadata: is_as_hf_has_it.then(|| record.with_file_name(metadata)),
                records: self.records(),
            },
        }
    }
}

/// Whether a folder of that name may be in the way of a record.
fn is_like_record(folder: &str) -> bool {
    let folder = folder.to_ascii_lowercase();
    RECORDS.iter().any(|ending| folder.ends_with(ending))
}

/// What our files beside a record begin with. A name too long to have endings added to it gives
/// way to its hash, as in `hf`'s own names for unfinished files.
fn stem(name: &str, blob: &BlobName) -> String {
    let stem = format!("{name}.{blob}");
    if stem.len() <= STEM_MAX {
        return stem;
    }
    let hash = blake3::hash(name.as_bytes()).to_hex();
    format!("{}.{blob}", &hash[..HASH_LEN])
}

fn join<'a>(folder: PathBuf, segments: impl Iterator<Item = &'a str>) -> PathBuf {
    segments.fold(folder, |path, segment| path.join(segment))
}

/// Longest file name, in bytes, on the filesystems that people use.
const NAME_MAX: usize = 255;
/// Endings of what is kept beside a record, ours and that of `hf`.
const RECORDS: [&str; 7] =
    [".lock", ".metadata", ".part", ".journal", ".owner", ".orphan", ".incomplete"];
/// As many digits of a hash as tell names apart.
const HASH_LEN: usize = 32;
/// Leaves room for `.orphan.journal` and for `.owner.` with 32 digits.
const STEM_MAX: usize = 200;

/// The folder that `path` is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use engine::hub::repo::RepoKind;

    use super::*;

    const ETAG: &str = "b9a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";
    const COMMIT: &str = "11c5a3d5811f50298f278a704980280950aedb10";

    fn folder() -> RepoFolder {
        let repo = RepoId::new(RepoKind::Model, "kyutai/moshika").unwrap();
        RepoFolder::new(Path::new("/c"), &repo)
    }

    #[test]
    fn a_cached_file_is_where_hf_has_it() {
        let commit = COMMIT.parse().unwrap();
        let place =
            folder().place(&commit, &"sub/model.bin".parse().unwrap(), &ETAG.parse().unwrap());
        let repo = "/c/models--kyutai--moshika";
        assert_eq!(place.target, Path::new(&format!("{repo}/blobs/{ETAG}")));
        assert_eq!(place.part, Path::new(&format!("{repo}/blobs/{ETAG}.part")));
        assert_eq!(place.journal, Path::new(&format!("{repo}/blobs/{ETAG}.journal")));
        assert_eq!(place.owner, Path::new(&format!("{repo}/blobs/{ETAG}.owner")));
        let lock = format!("/c/.locks/models--kyutai--moshika/{ETAG}.lock");
        assert_eq!(place.lock, Path::new(&lock));
        assert_eq!(
            place.kind,
            PlaceKind::Cache {
                pointer: format!("{repo}/snapshots/{COMMIT}/sub/model.bin").into(),
                link: format!("../../../blobs/{ETAG}").into(),
            }
        );
        assert_eq!(
            folder().reference(&"refs/pr/1".parse().unwrap()),
            Path::new(&format!("{repo}/refs/refs/pr/1"))
        );
        assert_eq!(
            folder().missing(&commit, &"a/b".parse().unwrap()),
            Path::new(&format!("{repo}/.no_exist/{COMMIT}/a/b"))
        );
    }

    #[test]
    fn a_local_file_is_where_hf_has_it() {
        let local = LocalDir::new(Path::new("/d"));
        let place = local.place(&"sub/model.bin".parse().unwrap(), &ETAG.parse().unwrap());
        let records = "/d/.cache/huggingface/download/sub";
        assert_eq!(place.target, Path::new("/d/sub/model.bin"));
        assert_eq!(place.lock, Path::new(&format!("{records}/model.bin.lock")));
        assert_eq!(place.part, Path::new(&format!("{records}/model.bin.{ETAG}.part")));
        let PlaceKind::LocalDir { metadata: Some(metadata), .. } = place.kind else {
            panic!("a record has its place")
        };
        assert_eq!(metadata, Path::new(&format!("{records}/model.bin.metadata")));
    }

    #[test]
    fn no_name_is_too_long_for_a_filesystem() {
        let local = LocalDir::new(Path::new("/d"));
        let blob = "e".repeat(128).parse().unwrap();
        for len in [1, 100, 200, 246, 247, 255] {
            let path: RepoPath = "n".repeat(len).parse().unwrap();
            let place = local.place(&path, &blob);
            let Place { target, part, journal, owner, orphan, orphan_journal, lock, kind } = place;
            let owner = format!("{}.{}", owner.display(), "0".repeat(32)).into();
            let mut paths = vec![target, part, journal, owner, orphan, orphan_journal, lock];
            if let PlaceKind::LocalDir { metadata, .. } = kind {
                paths.extend(metadata);
            }
            for path in paths {
                assert!(path.file_name().unwrap().len() <= NAME_MAX, "{len}: {path:?}");
            }
        }
    }

    #[test]
    fn a_folder_named_like_a_record_is_in_no_records_way() {
        let local = LocalDir::new(Path::new("/d"));
        let blob = ETAG.parse().unwrap();
        let plain = local.place(&"x".parse().unwrap(), &blob);
        for path in ["x.lock/y", "x.metadata/y/z", "X.Lock/y"] {
            let place = local.place(&path.parse().unwrap(), &blob);
            assert_eq!(place.target, Path::new("/d").join(path));
            let download = Path::new("/d/.cache/huggingface/download");
            assert_eq!(
                (place.part.parent(), place.lock.parent()),
                (Some(download), Some(download))
            );
            assert_ne!(place.part, plain.part);
        }
        assert_eq!(plain.lock, Path::new("/d/.cache/huggingface/download/x.lock"));
    }

    #[test]
    fn long_names_that_differ_have_different_parts() {
        let local = LocalDir::new(Path::new("/d"));
        let blob = ETAG.parse().unwrap();
        let part = |ending: &str| {
            let path = format!("{}{ending}", "n".repeat(200));
            local.place(&path.parse().unwrap(), &blob).part
        };
        assert_ne!(part("a"), part("b"));
    }
}
