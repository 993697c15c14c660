//! Worlds whose files are in Xet: chunks, tokens, proofs, and what is done when they fail.
//!
//! Asserts nothing, like the others.

use engine::time::Duration;
use engine::xet::chunk::Scheme;
use fake_hub::{Kind, Packing, Shards};
use simnet::profile::Profile;

use super::super::{Scenario, Storage};
use super::{MB, Named, at, calm, cut, kill, seconds};
use crate::sometimes::Sometimes;

pub(super) fn all() -> Vec<Named> {
    let mut all = honest();
    all.extend(damaged());
    all.extend(other_way());
    all
}

/// Nobody sends a wrong byte.
fn honest() -> Vec<Named> {
    let mut plain = told("xet plain", "packed chunks are fewer bytes, and prove themselves", "");
    plain.shows = &[Sometimes::XetVouched];
    let mut tunes = told("xet shared", "what files share is vouched for in each of them", "");
    tunes.scenario.sizes = vec![6 * MB, 6 * MB + 1000];
    tunes.scenario.xet = Some(Storage { is_deduplicated: true, ..STORAGE });
    tunes.shows = &[Sometimes::XetDeduplicated, Sometimes::XetVouched];
    let mut ends = told("xet token ends", "who is refused asks for another token", "");
    ends.scenario.url_lifetime = seconds(4);
    ends.scenario.xet = Some(Storage { token_lifetime: seconds(4), ..STORAGE });
    ends.shows = &[Sometimes::XetTokenRefreshed];
    let mut fallen = told("xet killed and power cut", "what is vouched for stays so", "");
    let fall =
        |n: u64| at(4 * n, if n.is_multiple_of(2) { kill(7 * n as u32 % 19) } else { cut(3) });
    fallen.scenario.script = (1..9).map(fall).collect();
    fallen.shows = &[Sometimes::XetVouched, Sometimes::CrashAfterRecord];
    fallen.within = seconds(150);
    let mut torn = told(
        "xet reset in every chunk",
        "a reset costs no more than the chunk that was coming",
        "rst every=150KB route=xorb",
    );
    torn.shows = &[Sometimes::LinkReset, Sometimes::XetVouched];
    let mut paused = told(
        "xet told to wait midway",
        "who is told to wait by one request asks for nothing more on the others",
        "status 429 retry-after=10 route=xorb past=2000000 times=1",
    );
    // Each of several requests is for many xorbs, one after the other.
    paused.scenario.sizes = vec![24 * MB];
    paused.scenario.link = "capped-1m";
    paused.scenario.profile = Profile::named("capped-1m").expect("the name of a built-in link");
    paused.scenario.xet = Some(Storage { xorb_bytes: 128 << 10, ..STORAGE });
    paused.shows = &[Sometimes::ToldToWait, Sometimes::XetVouched];
    vec![plain, tunes, ends, fallen, torn, paused]
}

/// Wrong bytes, and wrong words about them.
fn damaged() -> Vec<Named> {
    let flip = "flip at=200000 bit=3 route=xorb times=1";
    // A wrong bit of packed content would often show when it is unpacked.
    let stored = Storage { packing: Packing::Always(Scheme::Stored), ..STORAGE };
    let mut named =
        told("xet bit named", "names tell which chunk is wrong, and only it comes again", flip);
    named.scenario.xet = Some(stored);
    named.shows = &[Sometimes::Corrupted, Sometimes::XetRepairedByShard];
    let mut later =
        told("xet names later", "who is told to wait asks for no other name meanwhile", flip);
    later.scenario.xet = Some(stored);
    later.scenario.rules.push("status 429 retry-after=15 route=chunks times=1".to_owned());
    later.shows = &[Sometimes::Corrupted, Sometimes::ToldToWait, Sometimes::XetRepairedByShard];
    let mut sought =
        told("xet bit sought", "without names a xorb is fetched again, not the file", flip);
    sought.scenario.xet = Some(Storage { shards: Shards::None, ..stored });
    sought.shows = &[Sometimes::Corrupted, Sometimes::XetRepairedBySearch];
    let mut other = told(
        "xet of another file",
        "its chunks prove themselves, and the file as a whole is wrong",
        "etag-change route=reconstruction",
    );
    other.shows = &[Sometimes::Corrupted, Sometimes::XetFellBack];
    let mut shifted = told(
        "xet shifted by a byte",
        "what a description says of places is believed only as far as it proves itself",
        "flip at=27 bit=0 route=reconstruction from=2 times=2",
    );
    // Of several windows, so that those within the file end within a chunk.
    shifted.scenario.config.request_bytes_max = 1 << 20;
    shifted.shows = &[Sometimes::Corrupted];
    vec![named, later, sought, other, shifted]
}

/// Chunks are not to be had, and plain HTTP is.
fn other_way() -> Vec<Named> {
    let mut dead = told(
        "xet storage dead",
        "who knows the file by its chunks is away, and its bytes are not",
        "status 503 route=reconstruction",
    );
    dead.shows = &[Sometimes::XetFellBack];
    let mut silent = told(
        "xet storage silent",
        "who never answered is left alone by all files, after five seconds and not for each",
        "stall after=0 route=reconstruction",
    );
    silent.scenario.sizes = vec![MB; 6];
    silent.shows = &[Sometimes::XetFellBack];
    silent.within = seconds(60);
    let mut back = told(
        "xet fails midway",
        "what has come stays, the rest comes as it is, and in chunks when they are there again",
        "status 500 route=reconstruction past=400KB times=6",
    );
    back.scenario.link = "weak-87k";
    back.scenario.profile = Profile::named("weak-87k").expect("the name of a built-in link");
    back.scenario.config.workers_max = 2;
    back.scenario.config.request_bytes_min = 256 << 10;
    back.scenario.config.request_bytes_max = 256 << 10;
    back.shows = &[Sometimes::XetFellBack, Sometimes::XetCameBack];
    back.within = seconds(150);
    vec![dead, silent, back]
}

/// A world in Xet with at most one lie.
fn told(name: &'static str, why: &'static str, rule: &str) -> Named {
    let rules = (!rule.is_empty()).then(|| rule.to_owned()).into_iter().collect();
    let scenario = Scenario { xet: Some(STORAGE), rules, ..calm("dsl", 10 * MB) };
    let (shows, within) = (&[][..], seconds(120));
    Named { name, why, scenario, shows, within, costs: u64::MAX }
}

/// Files of 10 MB have about twenty xorbs.
const STORAGE: Storage = Storage {
    xorb_bytes: 512 << 10,
    kind: Kind::Bf16,
    packing: Packing::Auto,
    shards: Shards::Keyed,
    is_deduplicated: false,
    token_lifetime: Duration::from_secs(3600),
    has_v2: true,
};
