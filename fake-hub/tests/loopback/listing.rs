//! The API's listings, by which clients learn what there is.

use fake_hub::{FakeHub, RepoSpec};
use serde_json::Value;

use crate::client::{Answer, ask, get};

async fn hub() -> FakeHub {
    let files = ["a/b/c.txt", "a/d.txt", "e.txt", "w.bin"].map(|path| (path, path.as_bytes()));
    let spec = RepoSpec::files("o/n", files);
    FakeHub::builder().repo(spec).page_size(2).start().await.unwrap()
}

fn paths(answer: &Answer) -> Vec<String> {
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    let paths = value.as_array().unwrap().iter();
    paths.map(|entry| format!("{} {}", entry["type"], entry["path"]).replace('"', "")).collect()
}

#[tokio::test]
async fn trees_come_in_pages() {
    let hub = hub().await;
    let table: [(&str, &[&str]); 3] = [
        (
            "?recursive=true&expand=false",
            &[
                "directory a",
                "directory a/b",
                "file a/b/c.txt",
                "file a/d.txt",
                "file e.txt",
                "file w.bin",
            ],
        ),
        ("", &["directory a", "file e.txt", "file w.bin"]),
        ("/a?recursive=false", &["directory a/b", "file a/d.txt"]),
    ];
    for (query, expected) in table {
        let mut url = format!("{}/api/models/o/n/tree/main{query}", hub.endpoint());
        let mut found = Vec::new();
        loop {
            let answer = get(&url, "").await;
            found.extend(paths(&answer));
            let Some(next) = answer.headers.get("link") else {
                break;
            };
            assert_eq!(found.len() % 2, 0);
            url = next.strip_prefix('<').unwrap().split_once(">; rel=\"next\"").unwrap().0.into();
        }
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn entries_can_be_asked_by_path() {
    let hub = hub().await;
    let url = format!("{}/api/models/o/n/paths-info/main", hub.endpoint());
    let json = ("application/json", r#"{"paths":["w.bin","a","none"],"expand":true}"#);
    let form = ("application/x-www-form-urlencoded", "paths=w.bin&paths=a&paths=none&expand=True");
    for (content_type, body) in [json, form] {
        let answer = ask("POST", &url, &[("Content-Type", content_type)], body).await;
        assert_eq!(paths(&answer), ["file w.bin", "directory a"]);
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        let file = hub.file("o/n", "main", "w.bin").unwrap();
        assert_eq!(value[0]["oid"], file.oid);
        assert_eq!(value[0]["lfs"]["oid"], file.sha256.unwrap());
        assert_eq!(value[0]["lfs"]["size"], 5);
        assert_eq!(value[0]["lastCommit"]["id"], hub.commit_of("o/n", "main").unwrap());
    }
    assert_eq!(get(&url, "").await.status, 405);
}

#[tokio::test]
async fn a_revision_names_its_commit_and_files() {
    let hub = hub().await;
    for path in ["", "/revision/main"] {
        let answer = get(&format!("{}/api/models/o/n{path}?blobs=true", hub.endpoint()), "").await;
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(value["sha"], hub.commit_of("o/n", "main").unwrap());
        assert_eq!(value["id"], "o/n");
        assert_eq!(value["siblings"][3]["rfilename"], "w.bin");
        assert_eq!(value["siblings"][3]["size"], 5);
        assert_eq!(value["gated"], false);
    }
}
