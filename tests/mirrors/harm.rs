//! Hubs that mean harm, or are badly broken: what they can cost at most.
//!
//! Requests are counted, and how a run ends is asserted; not how long anything takes.

use std::time::Duration;

use engine::config::Config;
use engine::fault::Fault;
use fake_hub::{FakeHub, RepoSpec, XetSpec};
use moshi_fetch::cache::environment::Environment;
use moshi_fetch::error::{Error, ErrorKind};
use moshi_fetch::fetch::{Fetch, FetchBuilder};
use moshi_fetch::news::News;
use tempfile::TempDir;

use crate::mirror::{Answer, Asked, Mirror, Reply};
use crate::support::{FILE, Fetched, MIB, REPO, patience, run, sha256};

/// A hub with one large file in Xet, a server before it that lies, and an empty cache.
struct Place {
    hub: FakeHub,
    mirror: Mirror,
    folder: TempDir,
}

impl Place {
    async fn new(rule: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let repo = RepoSpec::synthetic(REPO, 2 * MIB).xet(XetSpec::default());
        let hub = FakeHub::builder().repo(repo).start().await.expect("a loopback port is free");
        let mirror = Mirror::start(hub.endpoint(), rule).await.expect("a loopback port is free");
        Self { hub, mirror, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A fetch of the whole repository, for which there is so much patience.
    fn fetch(&self, seconds: u64) -> FetchBuilder {
        let (endpoint, home) = (self.mirror.endpoint(), self.folder.path().join("home"));
        let lookup = |name: &str| match name {
            "HF_ENDPOINT" => Some(endpoint.clone().into()),
            "HF_HOME" => Some(home.clone().into_os_string()),
            _ => None,
        };
        let environment = Environment::read(lookup, self.folder.path());
        let give_up_after = Some(Duration::from_secs(seconds));
        let config = Config { give_up_after, ..patience() };
        Fetch::builder(REPO).environment(environment).config(config).seed(7)
    }

    fn asked(&self) -> usize {
        self.mirror.log().len()
    }
}

fn failure(fetched: Fetched) -> Error {
    fetched.result.expect_err("it cannot work")
}

fn is_tree(asked: &Asked) -> bool {
    asked.target.contains("/tree/")
}

/// A page of a listing with these names.
fn page(names: &[&str]) -> Answer {
    let sha1 = "b98f5ae7a0a4ff7d4d6b9f1ba8b0f4e5e3a8d1c2";
    let entries = names
        .iter()
        .map(|name| serde_json::json!({"type": "file", "path": name, "oid": sha1, "size": 1}));
    Answer::new(200, serde_json::Value::from_iter(entries).to_string())
        .with("Content-Type", "application/json")
}

/// What RFC 9110 (10.2.3) allows, and what it does not.
#[tokio::test]
async fn a_hub_that_says_at_once_is_asked_twice_a_second_at_most() {
    const SECONDS: u64 = 3;
    for value in ["0", "-1", "", "Thu, 01 Jan 1970 00:00:00 GMT", "0.001"] {
        for status in [429, 503] {
            let place =
                Place::new(move |_| Reply::Say(Answer::new(status, "").with("Retry-After", value)))
                    .await;
            let error = failure(run(place.fetch(SECONDS)).await);
            assert!(matches!(error.kind, ErrorKind::GaveUp { .. }), "{value:?}: {error:?}");
            let asked = place.asked() as u64;
            assert!(asked <= 2 * SECONDS + 2, "{value:?}: asked {asked} times");
        }
    }
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_found_out() {
    let place = Place::new(|asked| {
        if !is_tree(asked) {
            return Reply::Pass;
        }
        let to = if asked.target.contains("cursor=b") { "a" } else { "b" };
        let next =
            format!("<{}?cursor={to}>; rel=\"next\"", asked.target.split('?').next().unwrap());
        Reply::Say(page(&["a"]).with("Link", next))
    })
    .await;
    // The hub has another way to tell what there is, and that one works.
    let fetched = run(place.fetch(30).dry_run(true)).await;
    fetched.result.expect("the files are listed elsewhere, too");
    let pages = place.mirror.log().iter().filter(|asked| is_tree(asked)).count();
    assert!(pages <= 6, "{pages} pages");
}

#[tokio::test]
async fn a_listing_that_dribbles_ends_with_the_patience() {
    let place = Place::new(|asked| match is_tree(asked) {
        true => Reply::Dribble(page(&["a"; 1000])),
        false => Reply::Pass,
    })
    .await;
    let error = failure(run(place.fetch(3)).await);
    assert!(matches!(error.kind, ErrorKind::GaveUp { .. }), "{error:?}");
}

/// A file comes in chunks only if there is a token for their storage; without it as it is.
#[tokio::test]
async fn a_token_that_dribbles_keeps_no_file_back() {
    let place = Place::new(|asked| match asked.target.contains("xet-read-token") {
        true => Reply::Dribble(Answer::new(200, "{\"accessToken\": \"a\"}".repeat(100))),
        false => Reply::Pass,
    })
    .await;
    let fetched = run(place.fetch(60)).await;
    let report = fetched.result.expect("it comes as it is");
    assert_eq!(sha256(&report.path.join(FILE)), place.digest());
    let tokens = place.mirror.log().iter().filter(|it| it.target.contains("token")).count();
    assert_eq!(tokens, 1, "once is enough");
}

#[tokio::test]
async fn names_that_mean_harm_are_left_out_and_cost_the_others_nothing() {
    let long = "n".repeat(1_000_000);
    let harmful = [
        "../up",
        "/etc/passwd",
        ".git/hooks/post-checkout",
        "GIT~1/hooks/x",
        "CACHE~1",
        ".ca\u{200d}che/huggingface/x",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        &long,
    ];
    let body = {
        let mut entries: serde_json::Value =
            serde_json::from_slice(&page(&harmful).body).expect("JSON");
        let half = serde_json::json!({"type": "file", "path": "SURROGATE", "size": 1});
        entries.as_array_mut().expect("a list").push(half);
        entries.to_string().replace("SURROGATE", "half\\ud800")
    };
    let place = Place::new(move |asked| {
        if !is_tree(asked) {
            return Reply::Pass;
        }
        let next = format!("<{}&cursor=x>; rel=\"next\"", asked.target);
        match asked.target.contains("cursor") {
            true => Reply::Say(page(&["fine.txt"])),
            false => Reply::Say(Answer::new(200, body.clone()).with("Link", next)),
        }
    })
    .await;
    let fetched = run(place.fetch(30).dry_run(true)).await;
    let files_of = |news: &News| {
        if let News::Planned { files, .. } = news { Some(files.clone()) } else { None }
    };
    let planned = fetched.news.iter().find_map(files_of);
    assert_eq!(planned.expect("a plan").len(), 1);
    let error = failure(fetched);
    let ErrorKind::Some { failed, of } = error.kind else { panic!("{error:?}") };
    assert_eq!((failed.len(), of), (harmful.len() + 1, harmful.len() + 2));
    for (path, fault) in &failed {
        assert!(matches!(fault, Fault::UnsafeName(_)), "{path:?}: {fault}");
        assert!(path.len() < 1_000, "{} bytes of a name are kept", path.len());
    }
}

impl Place {
    /// What the hub says that its file hashes to.
    fn digest(&self) -> String {
        self.hub.file(REPO, "main", FILE).expect("the file is there").etag().to_owned()
    }
}
