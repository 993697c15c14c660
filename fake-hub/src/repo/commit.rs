//! One commit of a repository: its files with the digests the hub announces.
//!
//! It has no history and no trees; a directory exists where a path says so.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use engine::xet::hash::XetHash;

use crate::content::{Content, Kind, mix};
use crate::digest;
use crate::repo::spec::{RepoSource, RepoSpec};
use crate::repo_id::RepoId;

/// A file of a commit.
#[derive(Debug, Clone)]
pub struct RepoFile {
    /// Path in the repository, with `/`.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// Git blob SHA-1: of the content, or of the pointer if the file is in LFS.
    pub oid: String,
    /// SHA-256 of the content if the file is in LFS.
    pub sha256: Option<String>,
    /// Length of the LFS pointer in bytes; 0 if the file is not in LFS.
    pub pointer_len: u64,
    /// Its name in Xet, if it is there.
    pub xet: Option<XetHash>,
}

impl RepoFile {
    fn new(path: String, content: Content, is_lfs: bool) -> io::Result<Self> {
        if !is_lfs {
            let oid = digest::git_blob_sha1(&content)?;
            return Ok(Self { path, content, oid, sha256: None, pointer_len: 0, xet: None });
        }
        let sha256 = digest::sha256(&content)?;
        let pointer = format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {}\n",
            content.len()
        );
        let pointer = Content::memory(pointer);
        let oid = digest::git_blob_sha1(&pointer)?;
        let (sha256, pointer_len) = (Some(sha256), pointer.len());
        Ok(Self { path, content, oid, sha256, pointer_len, xet: None })
    }

    /// The digest that names the file in ETags and caches.
    pub fn etag(&self) -> &str {
        self.sha256.as_ref().unwrap_or(&self.oid)
    }

    /// What the storage calls the file: its Xet hash. What is not kept in Xet here is called by
    /// another 64 hex digits, which are no digest of the content either.
    pub fn storage_name(&self) -> String {
        let stand_in = || digest::sha256_of(format!("storage {}", self.etag()).as_bytes());
        self.xet.map_or_else(stand_in, |xet| xet.to_string())
    }
}

/// How repositories become commits.
#[derive(Debug, Clone)]
pub(crate) struct LoadOptions {
    pub(crate) seed: u64,
    /// Files of at least this many bytes go to LFS whatever their name.
    pub(crate) lfs_from: u64,
    /// Whether a second commit is prepared for a fault to switch to.
    pub(crate) with_successor: bool,
}

/// The files of one commit, by path.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) files: BTreeMap<String, RepoFile>,
}

impl Commit {
    pub(crate) fn load(spec: &RepoSpec, options: &LoadOptions) -> io::Result<Self> {
        let contents = match &spec.source {
            RepoSource::Files(files) => files.clone(),
            RepoSource::Made { kind, len, is_tuned } => {
                let mut contents = made(&spec.id, *kind, *len, options.seed);
                if *is_tuned {
                    let tuned = contents[WEIGHTS].fine_tuned(options.seed);
                    contents.insert(TUNED.to_owned(), tuned);
                }
                contents
            }
            RepoSource::Directory(root) => {
                let mut contents = BTreeMap::new();
                collect(root, "", &mut contents)?;
                contents
            }
        };
        let mut files = BTreeMap::new();
        for (path, content) in contents {
            let is_lfs = content.len() >= options.lfs_from || has_lfs_extension(&path);
            files.insert(path.clone(), RepoFile::new(path, content, is_lfs)?);
        }
        Ok(Self::of(files))
    }

    /// The next commit: every LFS file has other bytes of the same length.
    pub(crate) fn successor(&self) -> io::Result<Self> {
        let mut files = self.files.clone();
        for file in files.values_mut().filter(|file| file.sha256.is_some()) {
            *file = RepoFile::new(file.path.clone(), file.content.altered(), true)?;
        }
        Ok(Self::of(files))
    }

    fn of(files: BTreeMap<String, RepoFile>) -> Self {
        let listing: String =
            files.values().map(|file| format!("{} {}\n", file.oid, file.path)).collect();
        Self { sha: digest::sha1_of(listing.as_bytes()), files }
    }
}

fn made(id: &RepoId, kind: Kind, len: u64, seed: u64) -> BTreeMap<String, Content> {
    let seed = id.to_string().bytes().fold(seed, |state, byte| mix(state ^ u64::from(byte)));
    let config = "{\n  \"architectures\": [\"Synthetic\"],\n  \"model_type\": \"synthetic\"\n}\n";
    let readme = format!("---\nlicense: mit\n---\n# {}\n\nMade-up weights.\n", id.name);
    BTreeMap::from([
        ("README.md".to_owned(), Content::memory(readme)),
        ("config.json".to_owned(), Content::memory(config)),
        (WEIGHTS.to_owned(), Content::made(kind, seed, len)),
    ])
}

fn collect(dir: &Path, prefix: &str, into: &mut BTreeMap<String, Content>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name == ".git" || name == ".cache" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if std::fs::metadata(entry.path())?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), into)?;
        } else {
            into.insert(path, Content::disk(entry.path())?);
        }
    }
    Ok(())
}

/// The patterns of a new repository's `.gitattributes` that weights and data come under.
fn has_lfs_extension(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| LFS_EXTENSIONS.contains(&extension))
}

const WEIGHTS: &str = "model.safetensors";
const TUNED: &str = "tuned.safetensors";
const LFS_EXTENSIONS: [&str; 24] = [
    "7z",
    "arrow",
    "bin",
    "bz2",
    "ckpt",
    "ftz",
    "gguf",
    "gz",
    "h5",
    "joblib",
    "model",
    "msgpack",
    "npy",
    "npz",
    "onnx",
    "parquet",
    "pb",
    "pickle",
    "pkl",
    "pt",
    "pth",
    "safetensors",
    "tar",
    "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: LoadOptions = LoadOptions { seed: 1, lfs_from: 100, with_successor: false };

    #[test]
    fn splits_files_between_git_and_lfs() {
        let long = "x".repeat(100);
        let files = [("a/big.txt", long.as_str()), ("config.json", "{}"), ("w.gguf", "w")];
        let spec = RepoSpec::files("o/n", files.map(|(path, text)| (path, text.to_owned())));
        let commit = Commit::load(&spec, &OPTIONS).unwrap();
        let in_lfs: Vec<_> = commit.files.values().map(|file| file.sha256.is_some()).collect();
        assert_eq!(in_lfs, [true, false, true]);
        assert_eq!(commit.files["config.json"].etag().len(), 40);
        assert_eq!(commit.files["w.gguf"].etag().len(), 64);
        assert_eq!(commit.files["w.gguf"].pointer_len, 126);
    }

    #[test]
    fn reads_directories_and_skips_git() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/.git")).unwrap();
        std::fs::write(dir.path().join("a/b.txt"), "b").unwrap();
        std::fs::write(dir.path().join("a/.git/HEAD"), "x").unwrap();
        let commit = Commit::load(&RepoSpec::directory("o/n", dir.path()), &OPTIONS).unwrap();
        assert_eq!(commit.files.keys().collect::<Vec<_>>(), ["a/b.txt"]);
    }

    #[test]
    fn a_fine_tune_stands_beside_its_base() {
        let spec = RepoSpec::synthetic("o/n", 100_000).fine_tuned();
        let commit = Commit::load(&spec, &OPTIONS).unwrap();
        assert_ne!(commit.files[TUNED].etag(), commit.files[WEIGHTS].etag());
        assert_eq!(commit.files[TUNED].content.len(), 101_000);
    }

    #[test]
    fn a_successor_changes_lfs_files_only() {
        let commit = Commit::load(&RepoSpec::synthetic("o/n", 1000), &OPTIONS).unwrap();
        let next = commit.successor().unwrap();
        assert_ne!(commit.sha, next.sha);
        assert_eq!(commit.files["config.json"].oid, next.files["config.json"].oid);
        assert_ne!(commit.files[WEIGHTS].etag(), next.files[WEIGHTS].etag());
        assert_eq!(commit.files[WEIGHTS].content.len(), next.files[WEIGHTS].content.len());
    }
}
