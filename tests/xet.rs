//! Files that come in chunks from content-addressed storage: what flips, kills, cut links and
//! liars cost, counted where the bytes were sent.
//!
//! Needs no other program; what the publisher's own programs make of the same is asked elsewhere.

#[path = "support/liar.rs"]
mod liar;
#[path = "support/process.rs"]
mod process;
mod support;

#[path = "xet/cost.rs"]
mod cost;
#[path = "xet/flips.rs"]
mod flips;
#[path = "xet/killed.rs"]
mod killed;
#[path = "xet/liars.rs"]
mod liars;
#[path = "xet/referee.rs"]
mod referee;
#[path = "xet/ways.rs"]
mod ways;
#[path = "xet/wire.rs"]
mod wire;

use engine::event::Event;
use fake_hub::{Builder, FakeHub, Kind, RepoSpec, XetSpec};
use moshi_fetch::fetch::FetchBuilder;
use moshi_fetch::news::News;
use support::{Fetched, REPO, World, run, sha256};

/// A hub with one file, whose content is of a kind, in Xet.
fn hub(kind: Kind, size: u64, spec: XetSpec) -> Builder {
    FakeHub::builder().repo(RepoSpec::made(REPO, kind, size).xet(spec))
}

/// The same, with rules of misbehaviour.
fn with_rules(builder: Builder, rules: &[&str]) -> Builder {
    let parse = |rule: &&str| rule.parse().expect("the rule is written right");
    rules.iter().map(parse).fold(builder, Builder::rule)
}

/// Runs a fetch of a file of the hub's, which must bring the right bytes.
async fn check_fetch(world: &World, file: &str, builder: FetchBuilder) -> Fetched {
    let fetched = run(builder).await;
    let report = match &fetched.result {
        Ok(report) => report,
        Err(error) => panic!("{error}: {:#?}", world.hub.requests()),
    };
    let truth = world.hub.file(REPO, "main", file).expect("the file is there");
    assert_eq!(sha256(&report.path), truth.etag());
    assert_eq!(world.stats().tokens_on_cdn, 0);
    fetched
}

/// Every rule must have met what it was written for.
fn check_fired(world: &World) {
    for rule in &world.stats().rules {
        assert!(rule.fired > 0, "{} never fired", rule.rule);
    }
}

/// How many bytes of the only file the publisher vouched for at the end.
fn vouched(fetched: &Fetched) -> u64 {
    let told = fetched.news.iter().rev().find_map(|news| {
        let News::Transfer { event: Event::Vouched { vouched, .. }, .. } = news else {
            return None;
        };
        Some(*vouched)
    });
    told.unwrap_or(0)
}
