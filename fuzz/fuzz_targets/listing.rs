//! A hub's answers about a revision, in any bytes: what is listed is safe to create.
#![no_main]

use engine::hub::answer::Answer;
use engine::hub::asked::Asked;
use engine::hub::head::Head;
use engine::hub::listing::{check_paths_info, check_revision};
use engine::hub::repo::{RepoId, RepoKind};
use engine::hub::revision::Revision;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let asked = Asked {
        endpoint: "https://hub.example".parse().expect("an endpoint"),
        repo: RepoId::new(RepoKind::Model, "org/name").expect("a name"),
        revision: Revision::main(),
        has_token: false,
    };
    let url = Url::parse("https://hub.example/api/models/org/name").expect("an address");
    let head = Head::new(200, [("content-type", "application/json")]);
    let answer = Answer { url, head, body: bytes.to_vec() };
    let listings = [
        check_paths_info(&asked, &answer, &|_| true),
        check_revision(&asked, &answer, &|_| true).map(|revision| revision.listing),
    ];
    for entry in listings.into_iter().flatten().flat_map(|listing| listing.entries) {
        assert!(entry.path.segments().all(|part| !matches!(part, "" | "." | "..")));
    }
});
