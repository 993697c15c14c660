//! Hubs that are not the public one: mirrors that lack parts of its interface, lead elsewhere or
//! pass on what they should not; and servers that are no hub at all.
//!
//! Where a shape was seen on a real server, its date stands beside it.

#[path = "mirrors/harm.rs"]
mod harm;
#[path = "support/mirror.rs"]
mod mirror;
mod support;

use std::path::PathBuf;
use std::time::Duration;

use engine::config::Config;
use engine::fault::Fault;
use fake_hub::{FakeHub, RepoSpec};
use mirror::{Answer, Asked, Mirror, Reply};
use moshi_fetch::cache::environment::Environment;
use moshi_fetch::error::{Error, ErrorKind};
use moshi_fetch::fetch::{Fetch, FetchBuilder};
use moshi_fetch::news::{News, Report};
use support::{Fetched, patience, run};
use tempfile::TempDir;

/// A hub with a few files, a server before it, and an empty cache.
struct Place {
    hub: FakeHub,
    mirror: Mirror,
    folder: TempDir,
}

/// Paths and contents, of which those of 64 KiB and more are large files to the hub.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let large = (0..300_000_u32).map(|at| (at.wrapping_mul(0x9E37_79B9) >> 16) as u8).collect();
    vec![
        ("config.json", b"{}\n".to_vec()),
        ("sub/a.txt", b"a".to_vec()),
        ("sub/deep/b.txt", b"b".to_vec()),
        ("subject.txt", b"not below it".to_vec()),
        ("model.safetensors", large),
    ]
}

impl Place {
    async fn new(rule: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let spec = RepoSpec::files("org/name", files());
        let hub = FakeHub::builder().repo(spec).token("hf_member").lfs_from(1 << 16);
        let hub = hub.start().await.expect("a loopback port is free");
        let mirror = Mirror::start(hub.endpoint(), rule).await.expect("a loopback port is free");
        Self { hub, mirror, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn fetch(&self, files: &[&str]) -> FetchBuilder {
        self.fetch_of("org/name", files)
    }

    fn fetch_of(&self, repo: &str, files: &[&str]) -> FetchBuilder {
        let endpoint = self.mirror.endpoint();
        let home = self.folder.path().join("home");
        let environment = Environment::read(
            |name| match name {
                "HF_ENDPOINT" => Some(endpoint.clone().into()),
                "HF_HOME" => Some(home.clone().into_os_string()),
                _ => None,
            },
            self.folder.path(),
        );
        let config = Config { backoff_max: Duration::from_millis(300), ..patience() };
        let fetch = Fetch::builder(repo).environment(environment).config(config).seed(7);
        let fetch = fetch.local_dir(self.out());
        files.iter().fold(fetch, |fetch, file| fetch.file(*file))
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Exactly these files are there, with what they hold on the hub.
    #[track_caller]
    fn check_files(&self, names: &[&str]) {
        for (name, content) in files() {
            let found = std::fs::read(self.out().join(name)).ok();
            let expected = names.contains(&name).then_some(content);
            assert!(found == expected, "{name}: {:?}", found.map(|found| found.len()));
        }
    }
}

#[track_caller]
fn report(fetched: Fetched, place: &Place) -> Report {
    match fetched.result {
        Ok(report) => report,
        Err(error) => panic!("{error}: {:#?}", place.mirror.log()),
    }
}

#[track_caller]
fn failure(fetched: Fetched) -> Error {
    fetched.result.expect_err("it cannot work")
}

const ALL: [&str; 5] =
    ["config.json", "sub/a.txt", "sub/deep/b.txt", "subject.txt", "model.safetensors"];

fn nothing() -> Reply {
    Reply::Say(Answer::html(404, "<h1>Not Found</h1>"))
}

#[tokio::test]
async fn a_mirror_that_has_nothing_but_files() {
    let place = Place::new(|asked| match asked {
        Asked { target, .. } if target.starts_with("/api/models/") => nothing(),
        Asked { method, .. } if method == "HEAD" => Reply::Say(Answer::new(405, "no HEAD")),
        _ => Reply::Pass,
    })
    .await;
    report(run(place.fetch(&["config.json", "model.safetensors"])).await, &place);
    place.check_files(&["config.json", "model.safetensors"]);
    let error = failure(run(place.fetch(&[])).await);
    assert!(matches!(error.kind, ErrorKind::Fault(Fault::NoListing)), "{error:?}");
}

#[tokio::test]
async fn a_mirror_that_knows_no_more_than_names() {
    let place = Place::new(|asked| {
        if asked.target.contains("/tree/") {
            // A page of its own for whatever it does not know.
            return Reply::Say(Answer::html(200, "<h1>Mirror</h1>"));
        }
        if asked.target.contains("/paths-info/") {
            return Reply::Say(Answer::new(405, ""));
        }
        if asked.target.contains("/revision/") {
            return Reply::Bend(|answer| {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                for sibling in json["siblings"].as_array_mut().expect("there are some") {
                    let name = sibling["rfilename"].clone();
                    *sibling = serde_json::json!({ "rfilename": name });
                }
                answer.without("content-length");
                answer.body = json.to_string().into_bytes();
            });
        }
        Reply::Pass
    })
    .await;
    report(run(place.fetch(&[])).await, &place);
    place.check_files(&ALL);
}

/// hf-mirror.com from some places, since 2026-05: nothing but the way to the hub.
#[tokio::test]
async fn a_mirror_that_leads_to_the_hub() {
    let hub = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let to = std::sync::Arc::clone(&hub);
    let place = Place::new(move |asked| {
        let location = format!("{}{}", to.get().expect("it is set"), asked.target);
        Reply::Say(Answer::new(308, "").with("Location", location))
    })
    .await;
    hub.set(place.hub.endpoint()).expect("it was not set");
    for (files, expected) in [(&["model.safetensors"][..], &ALL[4..]), (&[], &ALL)] {
        let fetched = run(place.fetch(files).token("hf_member")).await;
        let told = fetched.news.iter().filter(|news| matches!(news, News::Elsewhere { .. }));
        assert_eq!(told.count(), 1);
        report(fetched, &place);
        place.check_files(expected);
    }
    assert!(place.mirror.log().iter().any(|asked| asked.header("authorization").is_some()));
    for request in place.hub.requests() {
        assert!(!format!("{request:?}").contains("hf_member"), "{request:?}");
    }
}

/// As a mirror passes it on of the hub's own answer, 2026-04-09.
#[tokio::test]
async fn the_next_page_is_said_to_be_on_another_host() {
    let page = |names: &[&str]| {
        let entries = names.iter().map(|name| {
            let sha1 = "b98f5ae7a0a4ff7d4d6b9f1ba8b0f4e5e3a8d1c2";
            serde_json::json!({ "type": "file", "path": name, "oid": sha1, "size": 1 })
        });
        Answer::new(200, serde_json::Value::from_iter(entries).to_string())
            .with("Content-Type", "application/json")
    };
    let place = Place::new(move |asked| {
        if !asked.target.contains("/tree/") {
            return Reply::Pass;
        }
        if asked.target.contains("cursor=ZX%3D%3D") {
            // Pages that fail are asked for again, and only they.
            let is_first = asked.index.is_multiple_of(2);
            return Reply::Say(if is_first { Answer::new(503, "") } else { page(&["b"]) });
        }
        let next =
            format!("<https://huggingface.co{}&cursor=ZX%3D%3D>; rel=\"next\"", asked.target);
        Reply::Say(page(&["a"]).with("Link", next))
    })
    .await;
    let fetched = run(place.fetch(&[]).dry_run(true)).await;
    let of = |news: &News| {
        if let News::Planned { files, .. } = news { Some(files.clone()) } else { None }
    };
    let planned = fetched.news.iter().find_map(of);
    let names: Vec<_> = planned.expect("a plan").into_iter().map(|file| file.path).collect();
    assert_eq!(names, ["a", "b"].map(Into::into), "{:?}", fetched.result);
    let first = |asked: &&Asked| asked.target.ends_with("recursive=true");
    assert_eq!(place.mirror.log().iter().filter(first).count(), 1);
}

#[tokio::test]
async fn one_file_that_cannot_be_had_keeps_none_of_the_others() {
    let place = Place::new(|asked| {
        if asked.target.ends_with("/main/subject.txt") || asked.target.ends_with("/subject.txt") {
            return Reply::Say(Answer::new(403, "denied").with("Content-Type", "text/css"));
        }
        Reply::Pass
    })
    .await;
    let names = ["nothing.bin", "config.json", "subject.txt", "model.safetensors"];
    let error = failure(run(place.fetch(&names)).await);
    place.check_files(&["config.json", "model.safetensors"]);
    let ErrorKind::Some { failed, of: 4 } = error.kind else { panic!("{error:?}") };
    let why = |name: &str| failed.iter().find(|(path, _)| path == name).map(|(_, fault)| fault);
    assert!(matches!(why("nothing.bin"), Some(Fault::NoSuchFile(_))), "{failed:?}");
    assert!(
        why("subject.txt").is_some_and(|fault| fault.to_string().contains("403")),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_name_that_is_not_safe_keeps_none_of_the_others() {
    let place = Place::new(|asked| {
        if !asked.target.contains("/tree/") {
            return Reply::Pass;
        }
        Reply::Bend(|answer| {
            let text = String::from_utf8_lossy(&answer.body).replace("sub/a.txt", "../a.txt");
            answer.without("content-length");
            answer.body = text.into_bytes();
        })
    })
    .await;
    let error = failure(run(place.fetch(&[])).await);
    place.check_files(&["config.json", "sub/deep/b.txt", "subject.txt", "model.safetensors"]);
    assert!(error.to_string().contains("../a.txt"), "{error}");
    report(run(place.fetch(&[]).exclude("../*")).await, &place);
}

#[tokio::test]
async fn a_folder_stands_for_what_is_below_it() {
    for name in ["sub/", "sub"] {
        let place = Place::new(|_| Reply::Pass).await;
        report(run(place.fetch(&[name])).await, &place);
        place.check_files(&["sub/a.txt", "sub/deep/b.txt"]);
    }
    let place = Place::new(|_| Reply::Pass).await;
    let error = failure(run(place.fetch(&["nothing/"])).await);
    assert!(matches!(error.kind, ErrorKind::Fault(Fault::NoSuchFile(_))), "{error:?}");
}

#[tokio::test]
async fn servers_that_are_no_hub_are_left_soon() {
    let rules: [fn(&Asked) -> Reply; 3] = [
        // `python3 -m http.server`
        |asked| match asked.method.as_str() {
            "POST" => Reply::Say(Answer::html(501, "<p>Error code: 501</p>")),
            _ => Reply::Say(Answer::html(404, "<p>Error code: 404</p>")),
        },
        // A page of an application for every address.
        |_| Reply::Say(Answer::html(200, "<div id=root></div>")),
        // An address that has moved.
        |asked| match asked.target.as_str() {
            "/elsewhere" => Reply::Say(Answer::html(404, "<p>Nothing here</p>")),
            _ => Reply::Say(Answer::new(301, "").with("Location", "/elsewhere")),
        },
    ];
    for rule in rules {
        for files in [&["model.safetensors"][..], &[]] {
            let place = Place::new(rule).await;
            let error = failure(run(place.fetch(files)).await);
            assert!(matches!(error.kind, ErrorKind::Fault(Fault::NotAHub)), "{error:?}");
            assert!(error.hint().is_some_and(|hint| hint.contains("HF_ENDPOINT")), "{error:?}");
            let asked = place.mirror.log().len();
            assert!(asked <= 40, "{asked} requests");
        }
    }
}

#[tokio::test]
async fn a_login_page_that_goes_away() {
    let pages: [fn() -> Answer; 3] = [
        || Answer::html(200, "<h1>Welcome to the guest network</h1><p>Please accept the terms."),
        || Answer::html(511, "<p>Sign in</p>"),
        || Answer::new(302, "").with("Location", "http://localhost:1/login"),
    ];
    for (page, count) in pages.into_iter().zip([40, 40, 0]) {
        let place = Place::new(
            move |asked| {
                if asked.index < count { Reply::Say(page()) } else { Reply::Pass }
            },
        )
        .await;
        let fetched = run(place.fetch(&["config.json"])).await;
        let told = fetched
            .news
            .iter()
            .any(|news| matches!(news, News::AskingFailed { fault: Fault::Portal, .. }));
        assert_eq!(told, count > 0);
        report(fetched, &place);
        place.check_files(&["config.json"]);
    }
}

#[tokio::test]
async fn a_server_that_says_again_at_once_is_not_asked_without_a_pause() {
    let place = Place::new(|_| Reply::Say(Answer::new(503, "").with("Retry-After", "0"))).await;
    let config = Config { give_up_after: Some(Duration::from_secs(2)), ..patience() };
    let error = failure(run(place.fetch(&["config.json"]).config(config)).await);
    assert!(matches!(error.kind, ErrorKind::GaveUp { .. }), "{error:?}");
    let asked = place.mirror.log().len();
    assert!((2..20).contains(&asked), "{asked} requests");
}

#[tokio::test]
async fn json_that_a_proxy_compresses() {
    let place = Place::new(|asked| {
        if !asked.target.starts_with("/api/models/") {
            return Reply::Pass;
        }
        Reply::Bend(|answer| {
            use std::io::Write;
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(&answer.body).expect("it goes into memory");
            answer.body = encoder.finish().expect("it goes into memory");
            answer.without("content-length");
            answer.headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
        })
    })
    .await;
    report(run(place.fetch(&[]).include("*.txt")).await, &place);
    place.check_files(&["sub/a.txt", "sub/deep/b.txt", "subject.txt"]);
}

#[tokio::test]
async fn a_head_that_says_nothing_of_the_file() {
    let bends: [fn(&mut Answer); 3] = [
        // A proxy that makes up its own head.
        |answer| {
            answer.without("etag");
            answer.without("content-length");
            answer.headers.push(("Content-Length".to_owned(), "0".to_owned()));
        },
        |answer| {
            answer.without("etag");
            answer.headers.push(("ETag".to_owned(), "W/\"8c-x\"".to_owned()));
        },
        |answer| answer.without("x-repo-commit"),
    ];
    for bend in bends {
        let place =
            Place::new(
                move |asked| {
                    if asked.method == "HEAD" { Reply::Bend(bend) } else { Reply::Pass }
                },
            )
            .await;
        report(run(place.fetch(&["config.json"])).await, &place);
        place.check_files(&["config.json"]);
    }
}

#[tokio::test]
async fn a_plain_url_may_hide_its_length_and_say_its_name() {
    let place = Place::new(|asked| {
        let mut answer = Answer::new(200, files().swap_remove(4).1)
            .with("Content-Disposition", "attachment; filename=\"the model.bin\"");
        answer.is_chunked = asked.method == "GET";
        if asked.method == "HEAD" { Reply::Say(Answer::new(405, "")) } else { Reply::Say(answer) }
    })
    .await;
    let digest = place.hub.file("org/name", "main", "model.safetensors").expect("it is there");
    let url = place.mirror.endpoint() + "/x/download?sig=5ecret";
    let fetch = place.fetch_of(&url, &[]).environment(Environment::read(|_| None, &place.out()));
    let fetched = run(fetch.sha256(digest.etag())).await;
    let told = fetched.news.iter().any(|news| matches!(news, News::Measuring { .. }));
    assert!(told, "{:?}", fetched.news);
    let report = report(fetched, &place);
    assert!(report.path.ends_with("the model.bin"), "{report:?}");
}
