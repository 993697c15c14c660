//! The JSON of listings, as the hub sends it, read entry by entry: what is not kept takes no
//! memory.
//!
//! Judges nothing of it. What makes no sense in one entry is missing from that one alone.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A file as a revision's siblings have it. With `blobs=true` there is more than the name.
#[derive(Deserialize)]
pub(super) struct SiblingJson<'a> {
    #[serde(borrow)]
    pub(super) rfilename: Text<'a>,
    #[serde(default)]
    pub(super) size: Count,
    #[serde(borrow, rename = "blobId")]
    pub(super) blob_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) lfs: Option<BlobLfsJson<'a>>,
}

#[derive(Deserialize)]
pub(super) struct BlobLfsJson<'a> {
    #[serde(borrow)]
    pub(super) sha256: Text<'a>,
    #[serde(default)]
    pub(super) size: Count,
}

/// A file or a folder as a tree has it.
#[derive(Deserialize)]
pub(super) struct EntryJson<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) path: Text<'a>,
    #[serde(borrow)]
    pub(super) oid: Option<Text<'a>>,
    #[serde(default)]
    pub(super) size: Count,
    #[serde(borrow)]
    pub(super) lfs: Option<LfsJson<'a>>,
    #[serde(borrow, rename = "xetHash")]
    pub(super) xet_hash: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct LfsJson<'a> {
    #[serde(borrow)]
    pub(super) oid: Text<'a>,
    #[serde(default)]
    pub(super) size: Count,
}

/// Takes in the entries of a tree, one after the other.
pub(super) struct Entries<F>(pub(super) F);

impl<'de, F: FnMut(EntryJson<'de>)> DeserializeSeed<'de> for Entries<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(EntryJson<'de>)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element()? {
            (self.0)(entry);
        }
        Ok(())
    }
}

/// Takes in the siblings of a revision, one after the other, and says which commit it is.
pub(super) struct Revision<F>(pub(super) F);

impl<'de, F: FnMut(SiblingJson<'de>)> DeserializeSeed<'de> for Revision<F> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(SiblingJson<'de>)> Visitor<'de> for Revision<F> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a revision")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<String, A::Error> {
        let mut commit = None;
        while let Some(name) = fields.next_key::<Text<'de>>()? {
            match name.as_str() {
                Some("sha") => commit = Some(fields.next_value::<String>()?),
                Some("siblings") => fields.next_value_seed(Siblings(&mut self.0))?,
                Some(_) | None => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        commit.ok_or_else(|| de::Error::missing_field("sha"))
    }
}

struct Siblings<'a, F>(&'a mut F);

impl<'de, F: FnMut(SiblingJson<'de>)> DeserializeSeed<'de> for Siblings<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, F: FnMut(SiblingJson<'de>)> Visitor<'de> for Siblings<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(sibling) = list.next_element()? {
            (self.0)(sibling);
        }
        Ok(())
    }
}

/// A text in JSON, as bytes: half of a surrogate pair, which JSON can write, is no text.
pub(super) struct Text<'a>(Cow<'a, [u8]>);

impl Text<'_> {
    /// The text, if it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }

    /// What can be shown of it.
    pub(super) fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(bytes)))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(bytes.to_vec())))
    }
}

/// A number of bytes; `None` for any number that is none.
#[derive(Default)]
pub(super) struct Count(pub(super) Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes")
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Count, E> {
        Ok(Count(Some(count)))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Count, E> {
        Ok(Count(None))
    }
}
