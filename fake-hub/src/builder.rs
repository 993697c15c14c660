//! Building a hub, setting by setting.
//!
//! Repositories are read and digested here, once; nothing listens yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::iter;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use crate::access::Tokens;
use crate::clock::Clock;
use crate::content::{fill_synthetic, mix};
use crate::door::Door;
use crate::exchange;
use crate::hub::{Hub, HubRef};
use crate::interface::Interface;
use crate::link::{Link, LinkSpec};
use crate::quota::{Group, Quotas};
use crate::repo::Repo;
use crate::repo::commit::LoadOptions;
use crate::repo::spec::RepoSpec;
use crate::repo_id::RepoId;
use crate::rule::Rule;
use crate::rule::book::RuleBook;
use crate::sign::Signer;
use crate::stats::Tally;
use crate::storage::StorageSpec;
use crate::xet::{Passes, XetStore};

/// The settings of a hub.
#[derive(Debug, Clone)]
pub struct Builder {
    repos: Vec<RepoSpec>,
    rules: Vec<Rule>,
    link: LinkSpec,
    tokens: Tokens,
    seed: u64,
    epoch: Option<Duration>,
    url_lifetime: Duration,
    cas: Option<String>,
    pass_lifetime: Duration,
    has_v2: bool,
    lfs_from: u64,
    page_size: usize,
    storage: StorageSpec,
    second_storage: Option<String>,
    pub(crate) has_two_storages: bool,
    quotas: BTreeMap<Group, u64>,
    link_origin: Option<String>,
    pub(crate) lacks: BTreeSet<Interface>,
    aliases: BTreeMap<RepoId, RepoId>,
    request_log: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    pub(crate) send_buffer_bytes: usize,
}

/// Why a hub cannot be built or started.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A repository's files cannot be read.
    #[error("cannot read the files of {repo}")]
    Repo {
        /// The repository.
        repo: String,
        /// Why.
        source: io::Error,
    },
    /// The request log cannot be created.
    #[error("cannot create the request log {path}")]
    RequestLog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The hosts cannot be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            repos: Vec::new(),
            rules: Vec::new(),
            link: LinkSpec::default(),
            tokens: Tokens::default(),
            seed: 0,
            epoch: None,
            url_lifetime: Duration::from_secs(3600),
            cas: None,
            pass_lifetime: Duration::from_secs(3600),
            has_v2: true,
            lfs_from: 1 << 20,
            page_size: 1000,
            storage: StorageSpec::default(),
            second_storage: None,
            has_two_storages: false,
            quotas: BTreeMap::new(),
            link_origin: None,
            lacks: BTreeSet::new(),
            aliases: BTreeMap::new(),
            request_log: None,
            listen: ([127, 0, 0, 1], 0).into(),
            send_buffer_bytes: 64 << 10,
        }
    }
}

impl Builder {
    /// Serves a repository.
    pub fn repo(mut self, spec: RepoSpec) -> Self {
        self.repos.push(spec);
        self
    }

    /// Adds a rule after those already there.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Makes the link weak.
    pub fn link(mut self, link: LinkSpec) -> Self {
        self.link = link;
        self
    }

    /// Accepts a token that may read everything.
    pub fn token(mut self, token: &str) -> Self {
        self.tokens.members.insert(token.to_owned());
        self
    }

    /// Accepts a token that may read only what is public.
    pub fn outsider(mut self, token: &str) -> Self {
        self.tokens.outsiders.insert(token.to_owned());
        self
    }

    /// From what synthetic bytes, signatures and chances are drawn; 0 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The date at the start, since 1970; the system's date unless set.
    pub fn epoch(mut self, epoch: Duration) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// How long signed URLs are good; an hour unless set.
    pub fn url_lifetime(mut self, lifetime: Duration) -> Self {
        self.url_lifetime = lifetime;
        self
    }

    /// `host:port` of the CAS; the hub's unless set. [`start`](Self::start) sets it.
    pub fn cas(mut self, authority: &str) -> Self {
        self.cas = Some(authority.to_owned());
        self
    }

    /// How long access tokens of the CAS are good; an hour unless set.
    pub fn pass_lifetime(mut self, lifetime: Duration) -> Self {
        self.pass_lifetime = lifetime;
        self
    }

    /// The CAS answers 404 to whoever asks for the second version of a reconstruction.
    pub fn without_v2(mut self) -> Self {
        self.has_v2 = false;
        self
    }

    /// Whether some repository is in Xet.
    pub(crate) fn has_xet(&self) -> bool {
        self.repos.iter().any(|repo| repo.xet.is_some())
    }

    /// From how many bytes on a file is in LFS whatever its name; 1 MiB unless set.
    pub fn lfs_from(mut self, bytes: u64) -> Self {
        self.lfs_from = bytes;
        self
    }

    /// Entries per page of a listing; 1000 unless set.
    pub fn page_size(mut self, count: usize) -> Self {
        self.page_size = count.max(1);
        self
    }

    /// How the hosts that keep the bytes behave where real ones differ.
    pub fn storage(mut self, spec: StorageSpec) -> Self {
        self.storage = spec;
        self
    }

    /// A second host that keeps the same bytes, at `host:port`: each URL names either of the two.
    pub fn second_storage(mut self, authority: &str) -> Self {
        self.second_storage = Some(authority.to_owned());
        self
    }

    /// The same, where [`start`](Self::start) says.
    pub fn two_storages(mut self) -> Self {
        self.has_two_storages = true;
        self
    }

    /// Refuses more requests of a group than this in a window of five minutes; none unless set.
    pub fn quota(mut self, group: Group, count: u64) -> Self {
        self.quotas.insert(group, count);
        self
    }

    /// What `Link` headers name instead of the endpoint, as a mirror does that hands on what it
    /// got: `https://host`, without a slash at the end.
    pub fn links_to(mut self, origin: &str) -> Self {
        self.link_origin = Some(origin.to_owned());
        self
    }

    /// Lacks a part of the interface, as mirrors and old servers do.
    pub fn without(mut self, interface: Interface) -> Self {
        self.lacks.insert(interface);
        self
    }

    /// Leads from another name of a repository, such as a former one, to its own.
    pub fn alias(mut self, from: &str, to: &str) -> Self {
        let (Ok(from), Ok(to)) = (from.parse(), to.parse());
        self.aliases.insert(from, to);
        self
    }

    /// Writes every request to a file, one line of JSON each.
    pub fn request_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.request_log = Some(path.into());
        self
    }

    /// Where [`start`](Self::start) listens; a free port of 127.0.0.1 unless set.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// The send buffer of accepted sockets; 64 KiB unless set, which the kernel doubles.
    ///
    /// A small one keeps the counters honest: what is counted has nearly left.
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer_bytes = bytes;
        self
    }

    /// Builds a hub that others serve, at `host:port` of the hub and of its CDN.
    pub fn build(self, hub_at: &str, cdn_at: &str) -> Result<Arc<Hub>, BuildError> {
        let options = LoadOptions {
            seed: self.seed,
            lfs_from: self.lfs_from,
            with_successor: self.rules.iter().any(|rule| rule.fault().is_change()),
        };
        let mut xet = XetStore::default();
        let mut repos = BTreeMap::new();
        for spec in &self.repos {
            let failed = |source| BuildError::Repo { repo: spec.id.to_string(), source };
            let repo = Repo::load(spec, &options, &mut xet).map_err(failed)?;
            repos.insert(spec.id.clone(), repo);
        }
        let mut blobs = BTreeMap::new();
        for (id, repo) in &repos {
            for file in repo.commits().iter().flat_map(|commit| commit.files.values()) {
                if file.sha256.is_some() {
                    blobs.entry(file.storage_name()).or_insert_with(|| (id.clone(), file.clone()));
                }
            }
        }
        let log = self.request_log.map(create_log).transpose()?;
        Ok(Arc::new_cyclic(|hub| Hub {
            authority: hub_at.to_owned(),
            storages: iter::once(cdn_at.to_owned()).chain(self.second_storage).collect(),
            cas: self.cas.unwrap_or_else(|| hub_at.to_owned()),
            clock: Clock::starting_at(self.epoch.unwrap_or_else(system_date)),
            signer: Signer::new(mix(self.seed ^ SIGNER), self.url_lifetime),
            tokens: self.tokens,
            page_size: self.page_size,
            storage: self.storage,
            quotas: Quotas::new(self.quotas),
            link_origin: self.link_origin,
            aliases: self.aliases,
            picks: AtomicU64::new(0),
            seed: self.seed,
            rules: RuleBook::new(self.rules, self.seed),
            link: Arc::new(Link::new(self.link)),
            tally: Arc::new(Tally::new(log)),
            repos,
            blobs,
            hub_door: Door::default(),
            xet,
            passes: Passes::new(mix(self.seed ^ PASSES), self.pass_lifetime),
            shard_key: shard_key(self.seed),
            has_v2: self.has_v2,
            cdn_door: Door::default(),
            second_cdn_door: Door::default(),
            cas_door: Door::default(),
            router: exchange::router(&HubRef(hub.clone()), &self.lacks),
        }))
    }
}

fn create_log(path: PathBuf) -> Result<Box<dyn Write + Send>, BuildError> {
    match File::create(&path) {
        Ok(file) => Ok(Box::new(file)),
        Err(source) => Err(BuildError::RequestLog { path, source }),
    }
}

fn shard_key(seed: u64) -> [u8; 32] {
    let mut key = [0; 32];
    fill_synthetic(mix(seed ^ SHARDS), 0, &mut key);
    key
}

#[expect(clippy::disallowed_methods, reason = "this is where the clock is set")]
fn system_date() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Keeps the signer's secret apart from other uses of the seed.
const SIGNER: u64 = 0x7369_676e_6572;
/// The same for access tokens.
const PASSES: u64 = 0x7061_7373_6573;
/// The same for the key of shards.
const SHARDS: u64 = 0x7368_6172_6473;
