//! What the hub answers as long as nobody asks it to lie.

use fake_hub::{Access, FakeHub, RepoSpec, Route};

use crate::client::{Client, End, ask, get, hub, locate, split, weights};

#[tokio::test]
async fn a_large_file_is_on_another_host() {
    let hub = hub().start().await.unwrap();
    let url = format!("{}/o/n/resolve/main/model.safetensors", hub.endpoint());
    let answer = ask("HEAD", &url, &[], "").await;
    let file = hub.file("o/n", "main", "model.safetensors").unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("x-repo-commit"), hub.commit_of("o/n", "main").unwrap());
    assert_eq!(answer.header("x-linked-etag"), format!("\"{}\"", file.etag()));
    assert_eq!(answer.header("x-linked-size"), "300000");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    let location = answer.header("location");
    assert_eq!(split(location).0, hub.cdn_authority());
    assert_ne!(split(location).0, split(&url).0);

    let answer = get(location, "").await;
    assert_eq!((answer.status, answer.end), (200, End::Complete));
    assert!(answer.body == weights(&hub));
    assert_eq!(answer.header("etag"), format!("\"{}\"", file.storage_name()));
    assert_eq!(hub.stats().body_bytes_on(Route::Cdn), 300_000);
    assert_eq!(hub.stats().file_bytes["model.safetensors"], 300_000);
}

#[tokio::test]
async fn a_small_file_is_behind_a_relative_redirect() {
    let hub = hub().start().await.unwrap();
    let commit = hub.commit_of("o/n", "main").unwrap();
    for revision in ["main", &commit] {
        let url = format!("{}/o/n/resolve/{revision}/config.json", hub.endpoint());
        let answer = ask("HEAD", &url, &[], "").await;
        assert_eq!(answer.status, 307);
        let location = answer.header("location");
        let oid = hub.file("o/n", "main", "config.json").unwrap().oid;
        let place = format!("/api/resolve-cache/models/o/n/{commit}/config.json");
        let query = format!("%2Fo%2Fn%2Fresolve%2F{revision}%2Fconfig.json=&etag=%22{oid}%22");
        assert_eq!(location, format!("{place}?{query}"));

        let answer = get(&format!("{}{location}", hub.endpoint()), "bytes=2-5").await;
        assert_eq!(answer.status, 206);
        assert_eq!(answer.text(), "  \"a");
        assert_eq!(answer.header("x-repo-commit"), commit);
        let etag = format!("\"{oid}\"");
        assert_eq!(answer.header("etag"), etag);
        let url = format!("{}{location}", hub.endpoint());
        let answer = ask("GET", &url, &[("If-None-Match", &etag)], "").await;
        assert_eq!((answer.status, answer.body.len()), (304, 0));
        // The hf of years drops the query, and needs the commit.
        let answer = get(&format!("{}{place}", hub.endpoint()), "").await;
        assert_eq!((answer.status, answer.header("x-repo-commit")), (200, &*commit));
    }
}

#[tokio::test]
async fn small_files_that_no_cache_holds_are_answered_in_place() {
    let files = || [("config.json", "{}"), ("empty.txt", "")];
    let hub = FakeHub::builder()
        .repo(RepoSpec::files("o/n", files()))
        .repo(RepoSpec::files("legacy", files()))
        .repo(RepoSpec::files("o/gated", files()).access(Access::Gated))
        .token("hf_member")
        .start()
        .await
        .unwrap();
    let table = [
        ("/o/n/resolve/main/config.json", 307, ""),
        ("/o/n/resolve/main/empty.txt", 200, ""),
        ("/legacy/resolve/main/config.json", 200, "{}"),
        ("/o/gated/resolve/main/config.json", 200, "{}"),
    ];
    for (path, status, body) in table {
        let bearer = [("Authorization", "Bearer hf_member")];
        let answer = ask("GET", &format!("{}{path}", hub.endpoint()), &bearer, "").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-repo-commit").len(), 40);
        assert!(status == 307 || answer.text() == body, "{path}");
    }
}

#[tokio::test]
async fn ranges_are_exact() {
    let hub = hub().start().await.unwrap();
    let all = weights(&hub);
    let location = locate(&hub).await;
    let (host, path) = split(&location);
    let mut client = Client::connect(host).await;
    let table = [
        ("bytes=0-0", 206, 0..1, "bytes 0-0/300000"),
        ("bytes=100-99999", 206, 100..100_000, "bytes 100-99999/300000"),
        ("bytes=299990-", 206, 299_990..300_000, "bytes 299990-299999/300000"),
        ("bytes=-5", 206, 299_995..300_000, "bytes 299995-299999/300000"),
        ("", 200, 0..300_000, ""),
    ];
    for (range, status, span, content_range) in table {
        let answer = client.get(path, range).await;
        assert_eq!(answer.status, status, "{range}");
        assert_eq!(answer.header("content-range"), content_range);
        assert!(answer.body == all[span], "{range}");
    }
    let answer = client.get(path, "bytes=300000-").await;
    assert_eq!((answer.status, answer.headers.get("content-range")), (416, None));
    let answer = client.ask("HEAD", path, &[], "").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, "300000"));

    let etag = answer.header("etag");
    for (if_range, status) in [(etag, 206), ("\"other\"", 200)] {
        let headers = [("Range", "bytes=0-9"), ("If-Range", if_range)];
        assert_eq!(client.ask("GET", path, &headers, "").await.status, status);
    }
    assert_eq!(hub.stats().connections, 2);
}

#[tokio::test]
async fn directories_are_streamed_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let bytes: Vec<u8> = (0..2_000_000u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(dir.path().join("sub/ä b.bin"), &bytes).unwrap();
    let spec = RepoSpec::directory("datasets/o/d", dir.path()).tag("v1");
    let hub = FakeHub::builder().repo(spec).start().await.unwrap();
    let url = format!("{}/datasets/o/d/resolve/v1/sub/%C3%A4%20b.bin", hub.endpoint());
    let location = get(&url, "").await.header("location").to_owned();
    let answer = get(&location, "bytes=1000000-6999999").await;
    assert!(answer.body == bytes[1_000_000..7_000_000]);
    assert_eq!(hub.stats().file_bytes["sub/ä b.bin"], 6_000_000);
}

#[tokio::test]
async fn requests_are_logged_when_they_are_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let hub = hub().request_log(&path).start().await.unwrap();
    let location = locate(&hub).await;
    let headers = [("Range", "bytes=0-99"), ("Authorization", "Bearer hf_x")];
    ask("GET", &location, &headers, "").await;
    let requests = hub.requests();
    assert_eq!(requests.len(), 2);
    let last = &requests[1];
    assert_eq!((last.route, last.status, last.body_bytes), (Route::Cdn, 206, 100));
    assert_eq!(last.range.as_deref(), Some("bytes=0-99"));
    assert_eq!(last.file.as_deref(), Some("model.safetensors"));
    assert_eq!(last.connection, 2);
    assert!(last.is_authorized);
    assert_eq!(hub.stats().tokens_on_cdn, 1);
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("\"range\":\"bytes=0-99\""));
}

#[tokio::test]
async fn stats_can_be_asked_and_reset() {
    let hub = crate::client::hub_with(&["status 503 route=cdn times=1"]).await;
    let location = locate(&hub).await;
    let stats = format!("{}/__fake_hub/stats", hub.endpoint());
    let reset = format!("{}/__fake_hub/reset", hub.endpoint());
    for _ in 0..2 {
        assert_eq!(get(&location, "").await.status, 503);
        assert_eq!(get(&location, "bytes=0-9").await.status, 206);
        let text = get(&stats, "").await;
        assert!(text.text().contains("\"faults\":{\"status\":1}"), "{}", text.text());
        assert_eq!(ask("POST", &reset, &[], "").await.status, 200);
        assert_eq!(hub.stats().requests, 0);
    }
}
