//! How the files of a world are kept in Xet, beside being what they are.
//!
//! Says nothing of what goes wrong there: those are rules, like all others.

use std::fmt;

use engine::time::Duration;
use fake_hub::{Kind, Packing, Shards, XetSpec};

/// Content-addressed storage with the files of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The most bytes of content in a xorb: small, so that small files have several.
    pub xorb_bytes: u64,
    /// What the content looks like, which decides how well it packs.
    pub kind: Kind,
    /// How chunks are packed.
    pub packing: Packing,
    /// Whether the storage tells the names of the chunks beside one.
    pub shards: Shards,
    /// All files after the first are fine-tunes of it, and mostly consist of its chunks.
    pub is_deduplicated: bool,
    /// How long access tokens are good.
    pub token_lifetime: Duration,
    /// Whether it knows the second version of its interface.
    pub has_v2: bool,
}

impl Storage {
    /// How the hub is to be told so.
    pub(crate) fn spec(self) -> XetSpec {
        XetSpec {
            xorb_bytes: self.xorb_bytes,
            packing: self.packing,
            shards: self.shards,
            ..XetSpec::default()
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { xorb_bytes, kind, packing, shards, .. } = self;
        write!(f, "in Xet: {kind:?} in xorbs of {xorb_bytes} bytes, packed {packing:?}, ")?;
        write!(f, "shards {shards:?}, tokens good for {:?}", self.token_lifetime)?;
        f.write_str(if self.is_deduplicated { ", deduplicated" } else { "" })?;
        f.write_str(if self.has_v2 { "" } else { ", first version only" })
    }
}
