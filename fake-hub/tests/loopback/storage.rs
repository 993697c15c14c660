//! Xet storage: what a reconstruction promises is what the xorbs hold.
//!
//! The real client's view of it is checked by hand, with the command in the README.

use std::time::Duration;

use fake_hub::{Content, FakeHub, Kind, RepoSpec, Route, XetSpec};

use crate::client::{ask, get};

mod reader;

use reader::{Reader, bytes_of};

/// A hub with these contents in Xet, in xorbs of at most a megabyte.
fn hub(files: &[(&str, Content)]) -> fake_hub::Builder {
    let files = files.iter().map(|(path, content)| ((*path).to_owned(), content.clone()));
    let spec = XetSpec { xorb_bytes: 1 << 20, ..XetSpec::default() };
    FakeHub::builder().repo(RepoSpec::contents("o/n", files).xet(spec)).seed(7)
}

/// One file of each kind, and a fine-tune of another.
fn files() -> Vec<(&'static str, Content)> {
    let bf16 = Content::made(Kind::Bf16, 1, 3_000_000);
    vec![
        ("bf16.bin", bf16.clone()),
        ("f32.bin", Content::made(Kind::F32, 2, 300_001)),
        ("noise.bin", Content::synthetic(3, 2_500_000)),
        ("small.bin", Content::synthetic(4, 5)),
        ("text.bin", Content::made(Kind::Text, 5, 700_000)),
        ("tuned.bin", bf16.fine_tuned(6)),
        ("zeros.bin", Content::made(Kind::Zeros, 0, 1_000_000)),
    ]
}

#[tokio::test]
async fn reconstructions_bring_the_content() {
    for has_v2 in [true, false] {
        let builder = hub(&files());
        let builder = if has_v2 { builder } else { builder.without_v2() };
        let hub = builder.start().await.unwrap();
        let reader = Reader::new(&hub, "o/n").await;
        for (path, content) in files() {
            let whole = bytes_of(&content);
            let hash = hub.xet_file("o/n", "main", path).unwrap().hash;
            assert!(reader.read(&hash, None).await == whole, "{path}");
            let len = whole.len() as u64;
            for range in [0..1, len / 2..len / 2 + 1, len / 3..len - 1, len - 1..len + 9] {
                if range.start < range.end {
                    let part = &whole[range.start as usize..range.end.min(len) as usize];
                    assert!(reader.read(&hash, Some(range.clone())).await == part, "{path}");
                }
            }
        }
        assert!(hub.stats().body_bytes_on(Route::Xorb) > 0);
        assert_eq!(hub.stats().tokens_on_cdn, 0);
    }
}

#[tokio::test]
async fn the_hub_says_that_a_file_is_in_xet() {
    let hub = hub(&files()).start().await.unwrap();
    let hash = hub.xet_file("o/n", "main", "bf16.bin").unwrap().hash.to_string();
    let url = format!("{}/o/n/resolve/main/bf16.bin", hub.endpoint());
    let answer = ask("HEAD", &url, &[], "").await;
    assert_eq!(answer.header("x-xet-hash"), hash);
    let commit = hub.commit_of("o/n", "main").unwrap();
    let links = format!(
        "<{}/api/models/o/n/xet-read-token/{commit}>; rel=\"xet-auth\", \
         <http://{}/v1/reconstructions/{hash}>; rel=\"xet-reconstruction-info\"",
        hub.endpoint(),
        hub.cas_authority(),
    );
    assert_eq!(answer.header("link"), links);
    let tree = get(&format!("{}/api/models/o/n/tree/main", hub.endpoint()), "").await;
    assert!(tree.text().contains(&format!("\"xetHash\":\"{hash}\"")), "{}", tree.text());
}

#[tokio::test]
async fn tokens_and_urls_end() {
    let hub = hub(&files())
        .epoch(Duration::from_secs(1_700_000_000))
        .pass_lifetime(Duration::ZERO)
        .url_lifetime(Duration::ZERO)
        .start()
        .await
        .unwrap();
    let reader = Reader::new(&hub, "o/n").await;
    let hash = hub.xet_file("o/n", "main", "bf16.bin").unwrap().hash;
    assert_eq!(reader.ask(&hash, None).await.status, 401);
}
