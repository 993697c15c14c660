//! Worlds whose files are in Xet: chunks, tokens, proofs, and what is done when they fail.
//!
//! Asserts nothing, like the others.

use engine::time::Duration;
use fake_hub::{Kind, Packing, Shards};

use super::super::{Scenario, Storage};
use super::{MB, Named, at, calm, cut, kill, seconds, with};
use crate::sometimes::Sometimes;

pub(super) fn all() -> Vec<Named> {
    let mut all = honest();
    all.extend(damaged());
    all.extend(other_way());
    all
}

/// Nobody sends a wrong byte.
fn honest() -> Vec<Named> {
    let falls =
        (1..9).map(|n| at(2 * n, if n % 2 == 0 { kill(7 * n as u32 % 19) } else { cut(3) }));
    let mut tunes =
        told("xorbs that two files share", "what they share is vouched for in both", "");
    tunes.scenario.sizes = vec![2 * MB, 2 * MB + 1000];
    tunes.scenario.xet = Some(Storage { is_deduplicated: true, ..STORAGE });
    tunes.shows = &[Sometimes::XetDeduplicated, Sometimes::XetVouched];
    let mut ends = told("xet tokens and URLs that end", "who is refused asks for new ones", "");
    ends.scenario.url_lifetime = seconds(4);
    ends.scenario.xet = Some(Storage { token_lifetime: seconds(4), ..STORAGE });
    ends.shows = &[Sometimes::XetTokenRefreshed];
    let mut fallen = told("xet killed and power cut", "what is vouched for stays so", "");
    fallen.scenario.script = falls.collect();
    fallen.shows = &[Sometimes::XetVouched, Sometimes::CrashAfterRecord];
    fallen.within = seconds(120);
    let plain = told("xet plain", "packed chunks are fewer bytes, and prove themselves", "");
    let cut_off = Named {
        shows: &[Sometimes::LinkReset, Sometimes::XetVouched],
        ..told(
            "xet reset in every chunk",
            "a reset costs no more than the chunk that was coming",
            "rst every=50KB route=xorb",
        )
    };
    vec![plain, tunes, ends, fallen, cut_off]
}

/// Wrong bytes, and wrong words about them.
fn damaged() -> Vec<Named> {
    let flip = "flip at=200000 bit=3 route=xorb times=1";
    let mut search = Named {
        shows: &[Sometimes::Corrupted, Sometimes::XetRepairedBySearch],
        ..told("xet bit searched for", "without names a xorb is fetched again, not the file", flip)
    };
    search.scenario.xet = Some(Storage { shards: Shards::None, ..STORAGE });
    vec![
        Named {
            shows: &[Sometimes::Corrupted, Sometimes::XetRepairedByShard],
            ..told(
                "xet bit named",
                "names tell which chunk is wrong, and only it comes again",
                flip,
            )
        },
        search,
        Named {
            shows: &[Sometimes::Corrupted],
            ..told(
                "xet of another file",
                "its chunks prove themselves, and the file as a whole is wrong",
                "etag-change route=reconstruction",
            )
        },
        Named {
            shows: &[],
            ..told(
                "xet described with a wrong bit",
                "a description is believed only as far as it proves itself",
                "flip at=120 bit=2 route=reconstruction times=3",
            )
        },
    ]
}

/// Chunks are not to be had, and plain HTTP is.
fn other_way() -> Vec<Named> {
    let mut back = told(
        "xet fails midway",
        "what has come stays, the rest comes as it is, and in chunks when they are there again",
        "status 500 route=reconstruction past=400KB times=6",
    );
    back.shows = &[Sometimes::XetFellBack, Sometimes::XetCameBack, Sometimes::XetVouched];
    back.scenario = Scenario { rules: back.scenario.rules, link: "weak-87k", ..back.scenario };
    back.scenario.profile = calm("weak-87k", 0).profile;
    back.scenario.config.request_bytes_min = 256 << 10;
    back.scenario.config.request_bytes_max = 256 << 10;
    back.within = seconds(90);
    vec![
        Named {
            shows: &[Sometimes::XetFellBack],
            ..told(
                "xet storage dead",
                "who knows the file by its chunks is away, and its bytes are not",
                "status 503 route=reconstruction",
            )
        },
        back,
    ]
}

/// A world of 4 MB in Xet with at most one lie.
fn told(name: &'static str, why: &'static str, rule: &str) -> Named {
    let rules = (!rule.is_empty()).then(|| rule.to_owned()).into_iter().collect();
    Named {
        name,
        why,
        scenario: Scenario { xet: Some(STORAGE), rules, ..with("dsl", 4 * MB, []) },
        shows: &[Sometimes::XetVouched],
        within: seconds(60),
    }
}

/// Files of 4 MB have eight xorbs or so.
const STORAGE: Storage = Storage {
    xorb_bytes: 512 << 10,
    kind: Kind::Bf16,
    packing: Packing::Auto,
    shards: Shards::Keyed,
    is_deduplicated: false,
    token_lifetime: Duration::from_secs(3600),
    has_v2: true,
};
