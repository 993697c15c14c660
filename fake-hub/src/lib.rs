//! A Hugging Face hub that real clients cannot tell from the real one, and that lies on request.
//!
//! None of it is meant for production, and nothing can be uploaded.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use fake_hub::{FakeHub, RepoSpec};
//!
//! let hub = FakeHub::builder()
//!     .repo(RepoSpec::synthetic("org/name", 10_000_000))
//!     .rule("rst after=3MB route=cdn times=1".parse().unwrap())
//!     .start()
//!     .await
//!     .unwrap();
//! println!("HF_ENDPOINT={}", hub.endpoint());
//! assert_eq!(hub.stats().fired("rst"), 0);
//! # });
//! ```

mod access;
mod answer;
mod body;
mod builder;
mod call;
mod clock;
mod connection;
mod content;
mod delivery;
mod digest;
mod door;
mod exchange;
mod fault;
mod fields;
mod gzip;
mod hub;
mod inject;
mod interface;
mod link;
mod mark;
mod moved;
mod path;
mod quantity;
mod quota;
mod range;
mod reply;
mod repo;
mod repo_id;
mod route;
mod routes;
mod rule;
mod server;
mod shape;
mod sign;
mod socket;
mod spoilt;
mod stats;
mod storage;
mod subject;
mod wire;
mod xet;

pub use builder::{BuildError, Builder};
pub use content::edit::Edit;
pub use content::{Content, ContentReader, Kind, fill_synthetic};
pub use door::Door;
pub use fault::{BodyFault, Cut, Fault, HeadFault, ReplyFault, RequestFault, Trigger, WireFault};
pub use fields::RuleError;
pub use hub::{Host, Hub};
pub use interface::Interface;
pub use link::{LinkSpec, Outage};
pub use quantity::{QuantityError, parse_bytes, parse_duration, parse_rate};
pub use quota::Group;
pub use repo::commit::RepoFile;
pub use repo::spec::{Access, RepoSpec, RepoSpecError};
pub use repo_id::{RepoId, RepoKind};
pub use route::Route;
pub use rule::Rule;
pub use server::FakeHub;
pub use socket::Socket;
pub use stats::{RequestRecord, RuleStats, Stats};
pub use storage::{IfRange, StorageEtag, StorageSpec, Words};

pub use xet::{PackedChunk, Packing, Shards, Term, XetFile, XetSpec, XetStore, Xorb};
