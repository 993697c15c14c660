//! Every bug in `tests/bugs/` can still be planted: its patch applies, and the test that is to
//! find it exists.
//!
//! Plants none and runs no test: `tests/bugs/run` does, which takes longer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_bug_can_still_be_planted() {
    for patch in patches() {
        let output = Command::new("git")
            // The checkout may be somebody else's, as in a container.
            .args(["-c", "safe.directory=*", "apply", "--check"])
            .arg(&patch)
            .current_dir(root())
            .output()
            .expect("git can be run");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {words}", patch.display());
    }
}

#[test]
fn every_bug_is_in_what_people_run() {
    for patch in patches() {
        for path in Header::read(&patch).paths {
            let is_product = ["bin/", "engine/src/", "fake-hub/src/"];
            let is_test = path.contains("/tests") || path.ends_with("tests.rs");
            let is_ours = is_product.iter().any(|folder| path.starts_with(folder)) && !is_test;
            assert!(is_ours, "{} changes {path}", patch.display());
        }
    }
}

#[test]
fn every_bug_is_told_in_a_sentence_and_names_a_test_that_exists() {
    for patch in patches() {
        let Header { bug, caught_by, .. } = Header::read(&patch);
        assert!(bug.ends_with('.') && bug.len() > 20, "{}: {bug:?}", patch.display());
        let [package, target, name] = caught_by.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{}: {caught_by:?}", patch.display());
        };
        let folder = match package {
            "moshi-fetch" => root().to_owned(),
            "world" => root().join("tests/world"),
            other => root().join(other),
        };
        let source = match (target, package) {
            ("lib", "moshi-fetch") => folder.join("bin"),
            ("lib", _) => folder.join("src"),
            _ => folder.join("tests").join(target),
        };
        let modules: Vec<&str> = name.split("::").collect();
        let text = text_of_module(&source, &modules[..modules.len() - 1]);
        let function = format!("fn {}(", name.rsplit("::").next().unwrap());
        assert!(text.contains(&function), "{}: no {function}) there", patch.display());
    }
}

#[test]
fn the_bugs_are_many_and_all_different() {
    let bugs: BTreeSet<String> = patches().iter().map(|patch| Header::read(patch).bug).collect();
    assert!(bugs.len() >= 18 && bugs.len() == patches().len(), "{bugs:#?}");
}

/// What stands before the first file of a patch, and which files it changes.
struct Header {
    bug: String,
    caught_by: String,
    paths: Vec<String>,
}

impl Header {
    fn read(patch: &Path) -> Self {
        let text = fs::read_to_string(patch).expect("a patch is text");
        let (header, _) = text.split_once("\n\n").expect("a header and an empty line");
        let field = |name: &str| {
            let line = header.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("{}: no {name}", patch.display())).to_owned()
        };
        let paths = text.lines().filter_map(|line| line.strip_prefix("+++ b/"));
        let paths = paths.map(str::to_owned).collect();
        Self { bug: field("Bug"), caught_by: field("Caught by"), paths }
    }
}

/// The file that a module of tests is in: its own, or that of the module which it is inline in.
fn text_of_module(source: &Path, modules: &[&str]) -> String {
    let paths = (0..=modules.len()).rev().map(|len| {
        let mut path = source.to_owned();
        path.extend(&modules[..len]);
        path.with_extension("rs")
    });
    let path = paths.into_iter().find(|path| path.exists()).expect("a module is a file");
    fs::read_to_string(path).expect("a module is text")
}

fn patches() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/bugs")).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("its entries can be read").path());
    let mut patches: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "patch")).collect();
    patches.sort();
    patches
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
