//! What the CAS tells of the chunks beside one.
//!
//! The format is the engine's to read.

use engine::xet::hash::XetHash;
use engine::xet::shard::Shard;
use fake_hub::{Content, FakeHub, RepoSpec, Shards, XetSpec};

use super::reader::Reader;
use crate::client::get;

#[tokio::test]
async fn shards_list_the_chunks_of_all_xorbs_of_a_file() {
    for (shards, is_keyed) in [(Shards::Keyed, true), (Shards::Plain, false)] {
        let (hub, reader) = hub(shards).await;
        let file = hub.xet_file("o/n", "main", "w.bin").unwrap();
        let answer = reader.get(&path(&file.chunks[0].hash), None).await;
        assert_eq!(answer.status, 200);
        let shard = Shard::read(&answer.body).unwrap();
        assert_eq!(shard.key.is_some(), is_keyed);
        assert_eq!(shard.xorbs.len(), file.terms.len());
        for term in &file.terms {
            let listed = shard.xorb(term.xorb).unwrap();
            assert_eq!(listed.is_proven(), !is_keyed);
            let nodes = hub.xet().xorb(&term.xorb).unwrap().nodes();
            assert_eq!(listed.chunks.len(), nodes.len());
            for (chunk, node) in listed.chunks.iter().zip(nodes) {
                assert_eq!(chunk.hash, shard.written(node.hash));
                assert_eq!(u64::from(chunk.len), node.len);
            }
        }
        let url = format!("http://{}{}", hub.cas_authority(), path(&file.chunks[0].hash));
        assert_eq!(get(&url, "").await.status, 401);
    }
}

#[tokio::test]
async fn few_chunks_may_be_asked_about() {
    let (hub, reader) = hub(Shards::Keyed).await;
    let file = hub.xet_file("o/n", "main", "w.bin").unwrap();
    let is_eligible = |hash: &XetHash| hash.last_word().is_multiple_of(1024);
    for (at, chunk) in file.chunks.iter().enumerate().take(40) {
        let is_known = at == 0 || is_eligible(&chunk.hash);
        let status = if is_known { 200 } else { 404 };
        assert_eq!(reader.get(&path(&chunk.hash), None).await.status, status, "{at}");
    }
    assert_eq!(reader.get("/v1/chunks/default-merkledb/xyz", None).await.status, 404);
    let (hub, reader) = self::hub(Shards::None).await;
    let file = hub.xet_file("o/n", "main", "w.bin").unwrap();
    assert_eq!(reader.get(&path(&file.chunks[0].hash), None).await.status, 404);
}

async fn hub(shards: Shards) -> (FakeHub, Reader) {
    let files = [("w.bin".to_owned(), Content::synthetic(1, 3_000_000))];
    let spec = XetSpec { xorb_bytes: 1 << 20, shards, ..XetSpec::default() };
    let repo = RepoSpec::contents("o/n", files).xet(spec);
    let hub = FakeHub::builder().repo(repo).start().await.unwrap();
    let reader = Reader::new(&hub, "o/n").await;
    (hub, reader)
}

fn path(chunk: &XetHash) -> String {
    format!("/v1/chunks/default-merkledb/{chunk}")
}
