//! The hub without its sockets: repositories, rules, link and counters in one place.
//!
//! It answers requests and serves streams that somebody else accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::xet::hash::XetHash;

use crate::access::{Refusal, Tokens};
use crate::clock::Clock;
use crate::door::Door;
use crate::link::Link;
use crate::repo::{Commit, Repo, RepoFile, RepoId};
use crate::rule::book::RuleBook;
use crate::sign::Signer;
use crate::stats::{RequestRecord, Stats, Tally};
use crate::storage::StorageSpec;
use crate::target::Target;
use crate::xet::{Passes, XetFile, XetStore};

/// A hub that is bound to no socket. Made by [`Builder::build`](crate::Builder::build).
#[derive(Debug)]
pub struct Hub {
    /// `host:port` of the hub.
    pub(crate) authority: String,
    /// `host:port` of the CDN.
    pub(crate) cdn: String,
    /// `host:port` of the CAS.
    pub(crate) cas: String,
    pub(crate) clock: Clock,
    pub(crate) signer: Signer,
    pub(crate) tokens: Tokens,
    pub(crate) page_size: usize,
    pub(crate) storage: StorageSpec,
    pub(crate) rules: RuleBook,
    pub(crate) link: Arc<Link>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) repos: BTreeMap<RepoId, Repo>,
    /// LFS files by SHA-256: their repository and path there.
    pub(crate) blobs: BTreeMap<String, (RepoId, RepoFile)>,
    pub(crate) hub_door: Door,
    pub(crate) xet: XetStore,
    pub(crate) passes: Passes,
    /// Hides the names of chunks in shards.
    pub(crate) shard_key: [u8; 32],
    /// Whether the CAS knows the second version of reconstructions.
    pub(crate) has_v2: bool,
    pub(crate) cdn_door: Door,
    pub(crate) cas_door: Door,
}

/// The hosts of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Knows the repositories.
    Hub,
    /// Has the bytes of LFS files and of xorbs.
    Cdn,
    /// Knows which chunks make up a file.
    Cas,
}

impl Hub {
    /// The hub's URL, without a slash at the end.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// `host:port` of the CDN.
    pub fn cdn_authority(&self) -> &str {
        &self.cdn
    }

    /// `host:port` of the CAS.
    pub fn cas_authority(&self) -> &str {
        &self.cas
    }

    /// The CAS's URL, without a slash at the end.
    pub(crate) fn cas_endpoint(&self) -> String {
        format!("http://{}", self.cas)
    }

    /// What there is in Xet.
    pub fn xet(&self) -> &XetStore {
        &self.xet
    }

    /// A file as it is in Xet, if it is there.
    pub fn xet_file(&self, repo: &str, revision: &str, path: &str) -> Option<&XetFile> {
        let Ok(id) = repo.parse();
        let hash = self.repo(&id)?.commit(revision)?.files.get(path)?.xet?;
        self.xet.file(&hash)
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        self.tally.snapshot(self.rules.stats())
    }

    /// The newest requests that are over, oldest first; at most 65 536.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.tally.requests()
    }

    /// A file as it is at a revision, with its bytes and digests.
    pub fn file(&self, repo: &str, revision: &str, path: &str) -> Option<RepoFile> {
        let Ok(id) = repo.parse();
        self.repo(&id)?.commit(revision)?.files.get(path).cloned()
    }

    /// The commit that a revision names now.
    pub fn commit_of(&self, repo: &str, revision: &str) -> Option<String> {
        let Ok(id) = repo.parse();
        Some(self.repo(&id)?.commit(revision)?.sha.clone())
    }

    /// Clears the counters, rearms the rules, opens the doors and takes changes back.
    pub fn reset(&self) {
        self.tally.reset();
        self.rules.rearm();
        self.link.reset();
        self.repos.values().for_each(Repo::rewind);
        self.open_doors();
    }

    /// Tells no more lies: no rule meets a later request, and all hosts listen. What was begun
    /// goes on as it was.
    pub fn calm(&self) {
        self.rules.disarm();
        self.open_doors();
    }

    /// Whether a host listens: `refuse` closes its door, and whoever accepts has to obey it.
    pub fn door(&self, host: Host) -> &Door {
        match host {
            Host::Hub => &self.hub_door,
            Host::Cdn => &self.cdn_door,
            Host::Cas => &self.cas_door,
        }
    }

    fn open_doors(&self) {
        self.hub_door.open();
        self.cdn_door.open();
        self.cas_door.open();
    }

    /// Whether a `Host` header names another host of the service than this one. Names that are
    /// none of theirs, as of a tunnel, may be any.
    pub(crate) fn is_elsewhere(&self, authority: &str, host: Host) -> bool {
        let name = match host {
            Host::Hub => &self.authority,
            Host::Cdn => &self.cdn,
            Host::Cas => &self.cas,
        };
        let all = [&self.authority, &self.cdn, &self.cas];
        authority != name && all.iter().any(|name| *name == authority)
    }

    /// The host that a `Host` header names.
    pub(crate) fn host(&self, authority: &str) -> Host {
        match authority {
            _ if authority == self.cdn => Host::Cdn,
            _ if authority == self.cas && self.cas != self.authority => Host::Cas,
            _ => Host::Hub,
        }
    }

    pub(crate) fn repo(&self, id: &RepoId) -> Option<&Repo> {
        self.repos.get(id)
    }

    /// The repository that a request is about.
    pub(crate) fn repo_of(&self, target: &Target) -> Option<&Repo> {
        match target {
            Target::Resolve(file) | Target::ResolveCache(file) | Target::Tree(file) => {
                self.repo(&file.repo)
            }
            Target::Info { repo, .. }
            | Target::PathsInfo { repo, .. }
            | Target::XetToken { repo, .. } => self.repo(repo),
            Target::Blob { sha256 } => self.blob(sha256).map(|(repo, _)| repo),
            Target::Whoami
            | Target::Reconstruction { .. }
            | Target::Xorb { .. }
            | Target::Chunk { .. }
            | Target::Telemetry
            | Target::Portal
            | Target::Stats
            | Target::Reset
            | Target::Unknown { .. } => None,
        }
    }

    /// The path in its repository of the file that is asked for, and its length if it exists.
    pub(crate) fn file_of(&self, target: &Target) -> Option<(String, Option<u64>)> {
        if let Target::Blob { sha256 } = target {
            let (_, file) = self.blob(sha256)?;
            return Some((file.path.clone(), Some(file.content.len())));
        }
        let (Target::Resolve(wanted) | Target::ResolveCache(wanted)) = target else {
            return None;
        };
        let commit = self.repo(&wanted.repo).and_then(|repo| repo.commit(&wanted.revision));
        let file = commit.and_then(|commit| commit.files.get(&wanted.path));
        Some((wanted.path.clone(), file.map(|file| file.content.len())))
    }

    /// How many bytes there are to take a range of.
    pub(crate) fn len_of(&self, target: &Target) -> Option<u64> {
        let named = |hash: &str| XetHash::from_hex(hash);
        match target {
            Target::Xorb { hash } => {
                let bytes = self.xet.xorb(&named(hash)?)?.bytes().ok()?;
                Some(bytes.len() as u64)
            }
            Target::Reconstruction { hash, .. } => Some(self.xet.file(&named(hash)?)?.len),
            Target::Resolve(_)
            | Target::ResolveCache(_)
            | Target::Info { .. }
            | Target::Tree(_)
            | Target::PathsInfo { .. }
            | Target::Whoami
            | Target::Blob { .. }
            | Target::XetToken { .. }
            | Target::Chunk { .. }
            | Target::Telemetry
            | Target::Portal
            | Target::Stats
            | Target::Reset
            | Target::Unknown { .. } => self.file_of(target)?.1,
        }
    }

    pub(crate) fn commit<'a>(
        &self,
        repo: &'a Repo,
        revision: &str,
    ) -> Result<&'a Arc<Commit>, Refusal> {
        let unknown = || Refusal::RevisionNotFound { revision: revision.to_owned() };
        repo.commit(revision).ok_or_else(unknown)
    }

    /// The repository and the file that have this SHA-256.
    pub(crate) fn blob(&self, sha256: &str) -> Option<(&Repo, &RepoFile)> {
        let (id, file) = self.blobs.get(sha256)?;
        Some((self.repo(id)?, file))
    }
}
