//! SHA-256 and git blob SHA-1 of contents, computed once.
//!
//! Digests of made-up contents are kept in the temporary directory, because the same gigabytes
//! are served again and again; anything that can change under us is never cached.

use std::io;
use std::path::PathBuf;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::content::Content;

/// The SHA-256 of a content, in hex.
pub(crate) fn sha256(content: &Content) -> io::Result<String> {
    let Some(recipe) = content.recipe().filter(|_| content.len() >= CACHED_FROM) else {
        return hash::<Sha256>(content, b"");
    };
    let path = cache_path(content, &recipe)?;
    if let Ok(known) = std::fs::read_to_string(&path)
        && known.len() == 64
    {
        return Ok(known);
    }
    let digest = hash::<Sha256>(content, b"")?;
    let own = path.with_extension(std::process::id().to_string());
    // A cache that cannot be written only costs time.
    let _ = std::fs::write(&own, &digest).and_then(|()| std::fs::rename(&own, &path));
    Ok(digest)
}

/// The SHA-1 that git gives a blob with this content, in hex.
pub(crate) fn git_blob_sha1(content: &Content) -> io::Result<String> {
    hash::<Sha1>(content, format!("blob {}\0", content.len()).as_bytes())
}

/// The SHA-1 of a few bytes, in hex.
pub(crate) fn sha1_of(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

/// The SHA-256 of a few bytes, in hex.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hash<D: Digest>(content: &Content, prefix: &[u8]) -> io::Result<String> {
    let mut reader = content.open()?;
    let mut digest = D::new();
    digest.update(prefix);
    let mut offset = 0;
    while offset < content.len() {
        let len = (content.len() - offset).min(STEP) as usize;
        digest.update(&reader.read_at(offset, len)?);
        offset += len as u64;
    }
    Ok(hex(&digest.finalize()))
}

/// The cache key holds the content's own first bytes too: a changed generator finds no stale
/// digest.
fn cache_path(content: &Content, recipe: &str) -> io::Result<PathBuf> {
    let head = content.open()?.read_at(0, content.len().min(4096) as usize)?;
    let key = sha256_of(&[recipe.as_bytes(), &head].concat());
    let name = format!("fake-hub-sha256-{}-{}", &key[..32], content.len());
    Ok(std::env::temp_dir().join(name))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const STEP: u64 = 256 << 10;
const CACHED_FROM: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_match_the_tools() {
        let content = Content::memory(&b"hello\n"[..]);
        // `printf 'hello\n' | sha256sum` and `printf 'hello\n' | git hash-object --stdin`
        let sha256_hex = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert_eq!(sha256(&content).unwrap(), sha256_hex);
        let sha1_hex = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert_eq!(git_blob_sha1(&content).unwrap(), sha1_hex);
    }
}
