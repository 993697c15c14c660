//! Hubs that are not quite the real one: mirrors, old names, missing parts, quotas.

use fake_hub::{FakeHub, Group, Interface, RepoSpec, XetSpec};
use tokio::net::TcpStream;

use crate::client::{ask, get, hub, hub_with};

#[tokio::test]
async fn another_name_leads_to_the_repository() {
    let hub = hub().alias("gpt2", "o/n").alias("old/name", "o/n").start().await.unwrap();
    let table = [
        ("/api/models/gpt2", "/api/models/o/n"),
        ("/api/models/gpt2/revision/main?blobs=true", "/api/models/o/n/revision/main?blobs=true"),
        ("/gpt2/resolve/main/config.json", "/o/n/resolve/main/config.json"),
        ("/old/name/resolve/main/a/b", "/o/n/resolve/main/a/b"),
        ("/O/N/resolve/main/config.json", "/o/n/resolve/main/config.json"),
        ("/api/models/O/n/tree/main", "/api/models/o/n/tree/main"),
    ];
    for (path, location) in table {
        let answer = get(&format!("{}{path}", hub.endpoint()), "").await;
        assert_eq!((answer.status, answer.header("location")), (307, location), "{path}");
        assert_eq!(answer.headers.get("x-repo-commit"), None);
    }
}

#[tokio::test]
async fn a_missing_part_is_not_found() {
    let paths = [
        (Interface::Info, "GET", "/api/models/o/n"),
        (Interface::Revision, "GET", "/api/models/o/n/revision/main"),
        (Interface::Tree, "GET", "/api/models/o/n/tree/main"),
        (Interface::PathsInfo, "POST", "/api/models/o/n/paths-info/main"),
        (Interface::XetToken, "GET", "/api/models/o/n/xet-read-token/main"),
    ];
    let spec = || RepoSpec::synthetic("o/n", 100_000).xet(XetSpec::default());
    for (missing, _, _) in paths {
        let hub = FakeHub::builder().repo(spec()).without(missing).start().await.unwrap();
        for (interface, method, path) in paths {
            let answer = ask(method, &format!("{}{path}", hub.endpoint()), &[], "").await;
            let status = if interface == missing { 404 } else { 200 };
            assert_eq!(answer.status, status, "{path} without {missing}");
        }
    }
}

#[tokio::test]
async fn nobody_listens_where_the_cas_would_be() {
    let spec = RepoSpec::synthetic("o/n", 100_000).xet(XetSpec::default());
    let hub = FakeHub::builder().repo(spec).without(Interface::Cas).start().await.unwrap();
    let token = get(&format!("{}/api/models/o/n/xet-read-token/main", hub.endpoint()), "").await;
    let cas = token.header("x-xet-cas-url").strip_prefix("http://").unwrap();
    assert!(TcpStream::connect(cas).await.is_err());
}

#[tokio::test]
async fn links_may_name_another_host() {
    let files = ["a", "b", "w.bin"].map(|path| (path, "x"));
    let spec = RepoSpec::files("o/n", files).xet(XetSpec::default());
    let builder = FakeHub::builder().repo(spec).page_size(1);
    let hub = builder.links_to("https://hub.example").start().await.unwrap();
    let tree = get(&format!("{}/api/models/o/n/tree/main", hub.endpoint()), "").await;
    assert!(
        tree.header("link").starts_with("<https://hub.example/api/models/o/n/tree/main?expand="),
        "{tree:?}"
    );
    let answer = get(&format!("{}/o/n/resolve/main/w.bin", hub.endpoint()), "").await;
    let link = answer.header("link");
    assert!(link.starts_with("<https://hub.example/api/models/o/n/xet-read-token/"), "{link}");
}

#[tokio::test]
async fn a_hub_may_lead_to_another() {
    let hub = hub_with(&["cross-host to=hub.example status=308"]).await;
    let url = format!("{}/o/n/resolve/main/config.json?x=1", hub.endpoint());
    let answer = ask("HEAD", &url, &[], "").await;
    let location = "http://hub.example/o/n/resolve/main/config.json?x=1";
    assert_eq!((answer.status, answer.header("location")), (308, location));
    assert!(answer.headers.keys().all(|name| !name.starts_with("x-")), "{answer:?}");
}

#[tokio::test]
async fn requests_are_counted_and_a_quota_ends() {
    let hub = hub().quota(Group::Resolvers, 2).start().await.unwrap();
    let url = format!("{}/o/n/resolve/main/config.json", hub.endpoint());
    for (status, left) in [(307, 1), (307, 0), (429, 0)] {
        let answer = get(&url, "").await;
        assert_eq!(answer.status, status);
        let limit = answer.header("ratelimit");
        assert!(limit.starts_with(&format!("\"resolvers\";r={left};t=")), "{limit}");
        let policy = "\"fixed window\";\"resolvers\";q=2;w=300";
        assert_eq!(answer.header("ratelimit-policy"), policy);
        assert_eq!(answer.headers.get("retry-after"), None);
    }
    // The API is counted apart.
    let answer = get(&format!("{}/api/models/o/n", hub.endpoint()), "").await;
    assert!(answer.header("ratelimit").starts_with("\"api\";r=499;t="), "{answer:?}");
}

#[tokio::test]
async fn a_size_can_be_stale() {
    let hub = hub_with(&["stale-size by=1000"]).await;
    let url = format!("{}/o/n/resolve/main/model.safetensors", hub.endpoint());
    let answer = get(&url, "").await;
    assert_eq!(answer.header("x-linked-size"), "299000");
    assert_eq!(get(answer.header("location"), "").await.body.len(), 300_000);
    let tree = get(&format!("{}/api/models/o/n/tree/main", hub.endpoint()), "").await;
    assert!(tree.text().contains("\"size\":299000"), "{}", tree.text());
}
