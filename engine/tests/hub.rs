//! What planning makes of answers as real servers gave them: those of `tests/wire/`, where their
//! sources and dates are.
//!
//! Not what the storage's answers mean in a transfer.

use engine::fault::Fault;
use engine::hub::answer::Answer;
use engine::hub::asked::Asked;
use engine::hub::head::Head;
use engine::hub::listing::{Pages, check_paths_info};
use engine::hub::repo::{RepoId, RepoKind};
use engine::hub::request::Request;
use engine::hub::resolve::{Probe, ResolveAnswer, Resolving};

/// The answer in a fixture, and the path that was asked for.
macro_rules! wire {
    ($name:literal) => {
        read(include_str!(concat!("wire/", $name, ".http")))
    };
}

fn read(text: &str) -> (Answer, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines().skip_while(|line| line.starts_with('#'));
    let address = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a request");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let head = Head::new(status.parse().expect("a number"), headers);
    let url = if address.starts_with('/') { format!("{HUB}{address}") } else { address.to_owned() };
    let url = url.parse().expect("an address");
    (Answer { url, head, body: body.as_bytes().to_vec() }, address.to_owned())
}

fn asked(endpoint: &str) -> Asked {
    Asked {
        endpoint: endpoint.parse().expect("an endpoint"),
        repo: RepoId::new(RepoKind::Model, "org/name").expect("a name"),
        revision: "main".parse().expect("a revision"),
        has_token: false,
    }
}

/// What comes of an answer about a file, in a few words.
fn verdict(endpoint: &str, (mut answer, address): (Answer, String)) -> String {
    let path = address.rsplit('/').next().expect("a file").parse().expect("a path");
    if address.contains("/resolve/") {
        // As the answer to a `HEAD`.
        answer.body.clear();
    }
    let repo: Vec<_> = answer.url.path().split('/').skip(1).take(2).collect();
    let repo = RepoId::new(RepoKind::Model, &repo.join("/")).expect("a name");
    let asked = Asked { repo, ..asked(endpoint) };
    match Resolving::new(asked, path, Probe::Head).check(&answer) {
        Ok(ResolveAnswer::Follow(next)) => format!("asks {}", next.request().url.path()),
        Ok(ResolveAnswer::Resolved(it)) => {
            let host = it.location.url.host_str().unwrap_or_default();
            let (size, digest) = (it.size.unwrap_or(0), it.digest.expect("it is said"));
            let seconds = it.location.ttl.unwrap_or_default().as_secs();
            let xet = it.xet.is_some();
            format!("{size} B of {:.4} at {host} for {seconds} s, xet {xet}", digest.hex())
        }
        Err(fault) => fault.kind().to_owned(),
    }
}

#[test]
fn answers_about_a_file_are_read_as_they_were_meant() {
    let stored = "548105171 B of 248d at us.aws.cdn.hf.co for";
    for (endpoint, answer, expected) in [
        (HUB, wire!("resolve-stored"), format!("{stored} 3600 s, xet true")),
        (MIRROR, wire!("mirror-resolve"), stored.to_owned()),
        (HUB, wire!("resolve-small"), "asks /api/resolve-cache/models/org/name".to_owned()),
        (HUB, wire!("resolve-renamed"), "asks /".to_owned()),
        (MIRROR, wire!("mirror-leads-home"), "asks /org/name/resolve/main/model".to_owned()),
        (MIRROR, wire!("mirror-refuses"), "rejected".to_owned()),
        (HUB, wire!("gated-anonymous"), "gated".to_owned()),
        (HUB, wire!("gated-outsider"), "gated".to_owned()),
        (HUB, wire!("no-repo-anonymous"), "no such repo".to_owned()),
        (HUB, wire!("no-repo-member"), "no such repo".to_owned()),
        (HUB, wire!("no-file"), "no such file".to_owned()),
        (HUB, wire!("no-revision"), "no such revision".to_owned()),
        (HUB, wire!("too-many"), "busy".to_owned()),
    ] {
        let address = answer.1.clone();
        let found = verdict(endpoint, answer);
        assert!(found.starts_with(&expected), "{address}: {found}, not {expected}");
    }
}

#[test]
fn a_mirror_s_listing_goes_on_at_the_mirror() {
    let (answer, address) = wire!("mirror-tree");
    let mut pages = Pages::new(&Request::get(address.parse().expect("an address")));
    pages.on_answer(&asked(MIRROR), &answer, &|_| true).expect("it is good");
    let next = pages.request().expect("there is more").url;
    assert!(next.as_str().starts_with(&format!("{MIRROR}/api/models/org/name/tree/main?")));
    assert!(next.as_str().ends_with("&cursor=ZXlKemRHRnlkQ0k2TTMwPTowMDAwMw%3D%3D"));
    let (answer, _) = wire!("api-tree");
    let listing = check_paths_info(&asked(HUB), &answer, &|_| true).expect("it is good");
    assert!(!listing.entries.is_empty() && listing.vague.is_empty() && listing.refused.is_empty());
    let (answer, _) = wire!("no-repo-anonymous-api");
    let fault = check_paths_info(&asked(HUB), &answer, &|_| true);
    assert!(matches!(fault, Err(Fault::NoSuchRepo(_))), "{fault:?}");
}

const HUB: &str = "https://huggingface.co";
const MIRROR: &str = "https://hub.mirror.example";
