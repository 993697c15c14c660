//! The JSON of listings, as the hub sends it.
//!
//! Judges nothing of it.

use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, de};

#[derive(Deserialize)]
pub(super) struct RevisionJson {
    pub(super) sha: String,
    pub(super) siblings: Option<Vec<SiblingJson>>,
}

/// With `blobs=true` there is more than the name.
#[derive(Deserialize)]
pub(super) struct SiblingJson {
    pub(super) rfilename: Name,
    pub(super) size: Option<u64>,
    #[serde(rename = "blobId")]
    pub(super) blob_id: Option<String>,
    pub(super) lfs: Option<BlobLfsJson>,
}

#[derive(Deserialize)]
pub(super) struct BlobLfsJson {
    pub(super) sha256: String,
    pub(super) size: u64,
}

#[derive(Deserialize)]
pub(super) struct EntryJson {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) path: Name,
    pub(super) oid: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) lfs: Option<LfsJson>,
    #[serde(rename = "xetHash")]
    pub(super) xet_hash: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LfsJson {
    pub(super) oid: String,
    pub(super) size: u64,
}

/// A name in JSON, or what can be shown of one that is no Unicode: half a surrogate pair, which
/// JSON can write.
pub(super) struct Name(pub(super) Result<String, String>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes, since half of a pair is an error only in text.
        deserializer.deserialize_bytes(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
        Ok(Name(Ok(text.to_owned())))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Name, E> {
        let text = str::from_utf8(bytes).map(str::to_owned);
        Ok(Name(text.map_err(|_| String::from_utf8_lossy(bytes).into_owned())))
    }
}
