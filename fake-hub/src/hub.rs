//! The hub without its sockets: repositories, rules, link and counters in one place.
//!
//! It answers requests and serves streams that somebody else accepted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use axum::Router;
use axum::extract::FromRef;

use crate::access::{Refusal, Tokens};
use crate::clock::Clock;
use crate::content::mix;
use crate::door::Door;
use crate::link::Link;
use crate::quota::Quotas;
use crate::repo::Repo;
use crate::repo::commit::{Commit, RepoFile};
use crate::repo_id::RepoId;
use crate::rule::book::RuleBook;
use crate::sign::Signer;
use crate::stats::{RequestRecord, Stats, Tally};
use crate::storage::StorageSpec;
use crate::xet::{Passes, XetFile, XetStore};

/// A hub that is bound to no socket. Made by [`Builder::build`](crate::Builder::build).
#[derive(Debug)]
pub struct Hub {
    /// `host:port` of the hub.
    pub(crate) authority: String,
    /// `host:port` of the hosts that keep the bytes: one, or two between which URLs change.
    pub(crate) storages: Vec<String>,
    /// `host:port` of the CAS.
    pub(crate) cas: String,
    pub(crate) clock: Clock,
    pub(crate) signer: Signer,
    pub(crate) tokens: Tokens,
    pub(crate) page_size: usize,
    pub(crate) storage: StorageSpec,
    pub(crate) quotas: Quotas,
    /// What `Link` headers name instead of the endpoint.
    pub(crate) link_origin: Option<String>,
    /// Other names of repositories.
    pub(crate) aliases: BTreeMap<RepoId, RepoId>,
    /// How many URLs were signed.
    pub(crate) picks: AtomicU64,
    pub(crate) seed: u64,
    pub(crate) rules: RuleBook,
    pub(crate) link: Arc<Link>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) repos: BTreeMap<RepoId, Repo>,
    /// LFS files by what the storage calls them: their repository and path there.
    pub(crate) blobs: BTreeMap<String, (RepoId, RepoFile)>,
    pub(crate) hub_door: Door,
    pub(crate) xet: XetStore,
    pub(crate) passes: Passes,
    /// Hides the names of chunks in shards.
    pub(crate) shard_key: [u8; 32],
    /// Whether the CAS knows the second version of reconstructions.
    pub(crate) has_v2: bool,
    pub(crate) cdn_door: Door,
    pub(crate) second_cdn_door: Door,
    pub(crate) cas_door: Door,
    /// Answers requests with all this.
    pub(crate) router: Router,
}

/// The hub as its router holds it, which is a part of it.
#[derive(Debug, Clone)]
pub(crate) struct HubRef(pub(crate) Weak<Hub>);

impl FromRef<HubRef> for Arc<Hub> {
    fn from_ref(hub: &HubRef) -> Self {
        hub.0.upgrade().expect("whoever serves a hub has it")
    }
}

/// The hosts of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Knows the repositories.
    Hub,
    /// Has the bytes of LFS files and of xorbs.
    Cdn,
    /// Has the same, with another provider.
    SecondCdn,
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
        &self.storages[0]
    }

    /// `host:port` of all hosts that keep bytes.
    pub fn storage_authorities(&self) -> &[String] {
        &self.storages
    }

    /// The storage host for one more URL: of two, either.
    pub(crate) fn pick_storage(&self) -> &str {
        let number = self.picks.fetch_add(1, Ordering::Relaxed);
        let drawn = mix(self.seed ^ mix(number));
        &self.storages[drawn as usize % self.storages.len()]
    }

    /// The origin that `Link` headers name.
    pub(crate) fn links_to(&self) -> String {
        self.link_origin.clone().unwrap_or_else(|| self.endpoint())
    }

    /// Whether a host is one that keeps bytes.
    pub(crate) fn is_storage(&self, authority: &str) -> bool {
        self.storages.iter().any(|storage| storage == authority)
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
        self.quotas.reset();
        self.picks.store(0, Ordering::Relaxed);
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
            Host::SecondCdn => &self.second_cdn_door,
            Host::Cas => &self.cas_door,
        }
    }

    fn open_doors(&self) {
        self.hub_door.open();
        self.cdn_door.open();
        self.second_cdn_door.open();
        self.cas_door.open();
    }

    /// Whether a `Host` header names another host of the service than this one. Names that are
    /// none of theirs, as of a tunnel, may be any.
    pub(crate) fn is_elsewhere(&self, authority: &str, host: Host) -> bool {
        let name = match host {
            Host::Hub => Some(&self.authority),
            Host::Cdn => self.storages.first(),
            Host::SecondCdn => self.storages.get(1),
            Host::Cas => Some(&self.cas),
        };
        let is_known =
            self.is_storage(authority) || authority == self.authority || authority == self.cas;
        is_known && name.is_none_or(|name| name != authority)
    }

    /// The host that a `Host` header names.
    pub(crate) fn host(&self, authority: &str) -> Host {
        match authority {
            _ if authority == self.storages[0] => Host::Cdn,
            _ if self.is_storage(authority) => Host::SecondCdn,
            _ if authority == self.cas && self.cas != self.authority => Host::Cas,
            _ => Host::Hub,
        }
    }

    pub(crate) fn repo(&self, id: &RepoId) -> Option<&Repo> {
        self.repos.get(id)
    }

    pub(crate) fn commit<'a>(
        &self,
        repo: &'a Repo,
        revision: &str,
    ) -> Result<&'a Arc<Commit>, Refusal> {
        let unknown = || Refusal::RevisionNotFound { revision: revision.to_owned() };
        repo.commit(revision).ok_or_else(unknown)
    }

    /// The repository and the file that the storage calls by this name.
    pub(crate) fn blob(&self, name: &str) -> Option<(&Repo, &RepoFile)> {
        let (id, file) = self.blobs.get(name)?;
        Some((self.repo(id)?, file))
    }
}
