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
mod body;
mod builder;
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
mod interface;
mod link;
mod quantity;
mod quota;
mod range;
mod reply;
mod repo;
mod routes;
mod rule;
mod server;
mod shape;
mod sign;
mod socket;
mod stats;
mod storage;
mod target;
mod wire;
mod xet;

pub use body::Body;
pub use builder::{BuildError, Builder};
pub use connection::Connection;
pub use content::{Content, ContentReader, Edit, Kind, fill_synthetic};
pub use door::Door;
pub use fault::{AskFault, BodyFault, Cut, Fault, HeadFault, ReplyFault, Trigger, WireFault};
pub use fields::RuleError;
pub use hub::{Host, Hub};
pub use interface::Interface;
pub use link::{LinkSpec, Outage};
pub use quantity::{QuantityError, parse_bytes, parse_duration, parse_rate};
pub use quota::Group;
pub use repo::{Access, RepoFile, RepoId, RepoKind, RepoSpec, RepoSpecError};
pub use rule::Rule;
pub use server::FakeHub;
pub use socket::Socket;
pub use stats::{RequestRecord, RuleStats, Stats};
pub use storage::{IfRange, StorageEtag, StorageSpec, Words};
pub use target::Route;
pub use xet::{PackedChunk, Packing, Shards, Term, XetFile, XetSpec, XetStore, Xorb};
