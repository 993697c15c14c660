//! Worlds whose files are in Xet: chunks, tokens, proofs, and what is done when they fail.
//!
//! Asserts nothing, like the others.

use engine::time::Duration;
use fake_hub::{Kind, Packing, Shards};

use super::super::{Scenario, Storage};
use super::{MB, Named, calm, seconds};

pub(super) fn all() -> Vec<Named> {
    vec![Named {
        name: "xet plain",
        why: "packed chunks are fewer bytes, and all of them are vouched for on the way",
        scenario: Scenario { xet: Some(STORAGE), ..calm("dsl", 4 * MB) },
        shows: &[],
        within: seconds(20),
    }]
}

/// Files of 4 MB have eight xorbs or so.
const STORAGE: Storage = Storage {
    xorb_bytes: 512 << 10,
    kind: Kind::Bf16,
    packing: Packing::Auto,
    shards: Shards::Keyed,
    is_deduplicated: false,
    token_lifetime: Duration::from_secs(3600),
    has_v2: true,
};
