//! What a person asks for, and names that a hub lists: no path that is taken leaves its folder.
#![no_main]

use engine::hub::endpoint::Endpoint;
use engine::hub::path::RepoPath;
use engine::hub::repo::{RepoId, RepoKind};
use engine::hub::revision::Revision;
use engine::hub::target::{Part, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let endpoint: Endpoint = "https://hub.example".parse().expect("an endpoint");
    if let Ok(Target::Repo(target)) = Target::parse(text, None, &endpoint) {
        match &target.part {
            Part::File(path) | Part::Folder(path) => check(path),
            Part::Whole => {}
        }
        assert!(!target.repo.folder_name().contains(['/', '\\']));
    }
    if let Ok(path) = text.parse::<RepoPath>() {
        check(&path);
    }
    if let Ok(revision) = text.parse::<Revision>() {
        assert!(revision.as_str().split('/').all(|part| !matches!(part, "" | "." | "..")));
    }
    if let Ok(repo) = RepoId::new(RepoKind::Model, text) {
        assert!(!repo.folder_name().contains(['/', '\\']));
    }
});

fn check(path: &RepoPath) {
    assert!(path.segments().all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0')));
}
