//! Storage that is hostile: whatever it says, the file is right, it comes in the end, and no
//! secret goes to whom it is none of the business of.
//!
//! What the parsers make of noise is asked where they are.

use std::time::Duration;

use engine::config::Config;
use fake_hub::{Builder, FakeHub, Kind, RepoSpec, XetSpec};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::liar::{Liar, Lie, Places, SECRET};
use crate::support::{FILE, MIB, REPO, World, patience};
use crate::{check_fetch, with_rules};

const SIZE: u64 = 3 * MIB;
/// The hub's own secret.
const MEMBER: &str = "hf_a_member_of_the_hub";

type Bend = fn(&mut Value, &Places);
type MakeBody = fn() -> Vec<u8>;

fn weights() -> Builder {
    let spec = XetSpec { xorb_bytes: MIB / 2, ..XetSpec::default() };
    FakeHub::builder()
        .repo(RepoSpec::made(REPO, Kind::Bf16, SIZE).xet(spec))
        .token(MEMBER)
        .without_v2()
}

/// Fetches a file of whose storage somebody lies.
async fn check(what: &str, lie: Lie, rules: &[&str]) -> World {
    let mut liar = Liar::bind(lie).await.expect("a loopback port is free");
    let rule = liar.rule();
    let rules = [&[rule.as_str()], rules].concat();
    let world = World::start(with_rules(weights(), &rules), SIZE).await;
    let hub = world.hub.endpoint();
    let url = format!("{hub}/api/models/{REPO}/xet-read-token/main");
    let token = reqwest::get(url).await.expect(EXPECTED).text().await.expect(EXPECTED);
    let token: Value = serde_json::from_str(&token).expect(EXPECTED);
    let token = token["accessToken"].as_str().expect(EXPECTED).to_owned();
    liar.answer(hub.strip_prefix("http://").expect(EXPECTED), world.hub.cas_authority(), token);
    let pause = Duration::from_millis(200);
    let config = Config { backoff_max: pause, ..patience() };
    let fetch = check_fetch(&world, FILE, world.fetch().token(MEMBER).config(config));
    // The limit is for fetches that would hang.
    let fetched = tokio::time::timeout(Duration::from_secs(60), fetch).await;
    fetched.unwrap_or_else(|_| panic!("{what}: it hangs: {:#?}", liar.log()));
    if let Lie::Plan(_) = lie {
        assert!(liar.told() > 0, "{what}: no plan was bent: {:#?}", liar.log());
    }
    let log = liar.log();
    assert!(log.iter().any(|asked| !asked.is_stranger), "{what}: nobody was lied to");
    for asked in &log {
        let shown = asked.authorization.as_deref().unwrap_or_default();
        assert!(!shown.contains(MEMBER), "{what}: {asked:?}");
        assert!(!asked.is_stranger || !shown.contains(SECRET), "{what}: {asked:?}");
    }
    world
}

/// The same, and the liar has not brought all of the file.
async fn check_refused(what: &str, lie: Lie) {
    let world = check(what, lie, &[]).await;
    assert!(world.wire() > 0, "{what}: {:#?}", world.hub.requests());
}

#[tokio::test]
async fn an_honest_liar_is_believed() {
    let world = check("nothing", Lie::Plan(|_, _| {}), &[]).await;
    assert_eq!(world.wire(), 0, "{:#?}", world.hub.requests());
}

#[tokio::test]
async fn lengths_and_orders_that_are_wrong() {
    let lies: [(&str, Bend); 13] = [
        ("a longer term", |plan, _| add(&mut plan["terms"][0]["unpacked_length"], 1000)),
        ("a shorter term", |plan, _| add(&mut plan["terms"][0]["unpacked_length"], -1000)),
        ("an endless term", |plan, _| plan["terms"][0]["unpacked_length"] = json!(u64::MAX)),
        ("a negative term", |plan, _| plan["terms"][0]["unpacked_length"] = json!(-1)),
        ("no terms", |plan, _| plan["terms"] = json!([])),
        ("a term twice", |plan, _| {
            let term = plan["terms"][0].clone();
            plan["terms"].as_array_mut().expect(EXPECTED).insert(0, term);
        }),
        ("a term too few", |plan, _| drop(plan["terms"].as_array_mut().expect(EXPECTED).pop())),
        ("terms backwards", |plan, _| plan["terms"].as_array_mut().expect(EXPECTED).reverse()),
        ("terms beyond the file", |plan, _| {
            let terms = plan["terms"].as_array_mut().expect(EXPECTED);
            let more: Vec<Value> = terms.iter().cycle().take(terms.len() * 9).cloned().collect();
            terms.extend(more);
        }),
        ("a hundred thousand terms", |plan, _| {
            let mut term = plan["terms"][0].clone();
            term["unpacked_length"] = json!(1);
            let start = term["range"]["start"].as_u64().expect(EXPECTED);
            term["range"]["end"] = json!(start + 1);
            plan["terms"] = json!(vec![term; 100_000]);
        }),
        ("everything is skipped", |plan, _| plan["offset_into_first_range"] = json!(u64::MAX)),
        ("a byte is skipped", |plan, _| add(&mut plan["offset_into_first_range"], 1)),
        ("fractions", |plan, _| plan["offset_into_first_range"] = json!(0.5)),
    ];
    join_all(lies.map(|(what, lie)| check_refused(what, Lie::Plan(lie)))).await;
}

#[tokio::test]
async fn chunks_and_bytes_that_are_not_there() {
    let lies: [(&str, Bend); 7] = [
        ("chunks without end", |plan, _| {
            plan["terms"][0]["range"]["end"] = json!(u32::MAX);
            each_fetch(plan, |fetch| fetch["range"]["end"] = json!(u32::MAX));
        }),
        ("chunks backwards", |plan, _| {
            plan["terms"][0]["range"] = json!({ "start": 5, "end": 1 });
        }),
        ("bytes without end", |plan, _| {
            each_fetch(plan, |fetch| fetch["url_range"]["end"] = json!(u64::MAX));
        }),
        ("bytes one later", |plan, _| {
            each_fetch(plan, |fetch| add(&mut fetch["url_range"]["start"], 1));
        }),
        ("a xorb of no name", |plan, _| {
            let none = "0".repeat(64);
            let fetches: Vec<Value> =
                plan["fetch_info"].as_object().expect(EXPECTED).values().cloned().collect();
            plan["fetch_info"] = json!({ none.as_str(): fetches[0] });
            for term in plan["terms"].as_array_mut().expect(EXPECTED) {
                term["hash"] = json!(none);
            }
        }),
        ("nothing to fetch", |plan, _| plan["fetch_info"] = json!({})),
        ("a hundred thousand fetches", |plan, _| {
            for fetches in plan["fetch_info"].as_object_mut().expect(EXPECTED).values_mut() {
                let first = fetches[0].clone();
                *fetches = json!(vec![first; 20_000]);
            }
            plan["terms"][0]["hash"] = json!("f".repeat(64));
        }),
    ];
    join_all(lies.map(|(what, lie)| check_refused(what, Lie::Plan(lie)))).await;
}

#[tokio::test]
async fn addresses_that_lead_elsewhere() {
    let lies: [(&str, Bend); 8] = [
        ("a file of ours", |plan, _| lead(plan, "file:///etc/passwd")),
        ("no address", |plan, _| lead(plan, "not an address")),
        ("bytes in the address", |plan, _| lead(plan, "data:text/plain,abc")),
        ("a name and a password", |plan, places| {
            lead(plan, &format!("http://us:them@{}/x", places.stranger));
        }),
        ("the hub", |plan, places| lead(plan, &format!("http://{}/api/whoami-v2", places.hub))),
        ("the liar", |plan, places| lead(plan, &format!("http://{}/x", places.liar))),
        ("a stranger", |plan, places| lead(plan, &format!("http://{}/x", places.stranger))),
        ("nobody", |plan, _| lead(plan, "http://127.0.0.7:9/x")),
    ];
    join_all(lies.map(|(what, lie)| check_refused(what, Lie::Plan(lie)))).await;
    check_refused("a redirect to a stranger", Lie::Elsewhere).await;
}

#[tokio::test]
async fn answers_that_are_none() {
    let bodies: [(&str, MakeBody); 7] = [
        ("nothing", Vec::new),
        ("null", || b"null".to_vec()),
        ("half of it", || br#"{"offset_into_first_range":0,"terms":["#.to_vec()),
        ("brackets", || vec![b'['; 2_000_000]),
        ("a portal", || b"<html><body>welcome</body></html>".to_vec()),
        ("bytes that are no text", || vec![0xFF; 1_000]),
        ("blanks", || vec![b' '; 5_000_000]),
    ];
    join_all(bodies.map(|(what, body)| check_refused(what, Lie::Body(body)))).await;
}

#[tokio::test]
async fn answers_without_end() {
    let begin = r#"{"offset_into_first_range":0,"terms":["#;
    check_refused("terms without end", Lie::Endless(begin, TERM)).await;
    check_refused("blanks without end", Lie::Endless("", " ")).await;
}

#[tokio::test]
async fn rights_that_are_none() {
    let lies: [(&str, Bend); 6] = [
        ("a storage in a file", |token, _| token["casUrl"] = json!("file:///etc")),
        ("a storage that is nobody", |token, _| token["casUrl"] = json!("http://127.0.0.7:9")),
        ("the hub as its storage", |token, places| {
            token["casUrl"] = json!(format!("http://{}", places.hub));
        }),
        ("a secret of two lines", |token, _| token["accessToken"] = json!("a\r\nb: c")),
        ("no end", |token, _| token["exp"] = json!(-1)),
        ("no secret", |token, _| {
            drop(token.as_object_mut().expect(EXPECTED).remove("accessToken"))
        }),
    ];
    join_all(lies.map(|(what, lie)| check_refused(what, Lie::Token(lie)))).await;
}

#[tokio::test]
async fn names_of_chunks_that_are_none() {
    for (what, shard) in [("blanks", &b" "[..]), ("zeros", &[0; 48]), ("ones", &[0xFF; 48])] {
        let flips = ["flip at=100000 bit=3 route=xorb times=1"];
        let world = check(what, Lie::Shard(shard), &flips).await;
        let flip = &world.stats().rules[1];
        assert_eq!(flip.fired, 1, "{what}: {}", flip.rule);
    }
}

fn add(number: &mut Value, more: i64) {
    *number = json!(number.as_i64().expect(EXPECTED) + more);
}

fn each_fetch(plan: &mut Value, bend: fn(&mut Value)) {
    let fetches = plan["fetch_info"].as_object_mut().expect(EXPECTED).values_mut();
    fetches.flat_map(|fetches| fetches.as_array_mut().expect(EXPECTED)).for_each(bend);
}

fn lead(plan: &mut Value, url: &str) {
    for fetches in plan["fetch_info"].as_object_mut().expect(EXPECTED).values_mut() {
        for fetch in fetches.as_array_mut().expect(EXPECTED) {
            fetch["url"] = json!(url);
        }
    }
}

/// Why what a hub answers can be read.
const EXPECTED: &str = "the hub answers in its own words";
const TERM: &str = concat!(
    r#"{"hash":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","#,
    r#""range":{"start":0,"end":1},"unpacked_length":1},"#
);
