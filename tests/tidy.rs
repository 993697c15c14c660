//! The mechanical rules of how this repository reads, over every tracked file.
//!
//! What it does is for the other tests; here nothing of it is run.

#[path = "tidy/engine.rs"]
mod engine;
#[path = "tidy/rule.rs"]
mod rule;
#[path = "tidy/sample.rs"]
mod sample;
#[path = "tidy/source.rs"]
mod source;

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use rule::RULES;
use source::Source;

#[test]
fn every_tracked_file_keeps_the_rules() {
    let sources = sources();
    let mut report = String::new();
    for source in &sources {
        for rule in RULES {
            for line in rule.broken_by(source) {
                report += &format!("{}:{line}: {}\n", source.path, rule.says);
            }
        }
    }
    assert!(report.is_empty(), "each file\n\n{report}");
}

#[test]
fn the_files_looked_at_are_those_of_the_repository() {
    let sources = sources();
    for path in ["Cargo.lock", "bin/lib.rs", "engine/src/lib.rs", file!()] {
        let source = sources.iter().find(|source| source.path == path).expect(path);
        assert!(source.text.len() > 100 && source.is_rust() != source.code.is_empty(), "{path}");
    }
}

/// All tracked files that are text.
fn sources() -> Vec<Source> {
    let mut sources: Vec<_> = tracked()
        .iter()
        .filter_map(|path| {
            let text = match fs::read_to_string(root().join(path)) {
                Ok(text) => text,
                // Not text, or removed and not committed yet.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return None,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => panic!("{path}: {error}"),
            };
            Some(Source::new(path, &text))
        })
        .collect();
    let test_modules: Vec<_> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs");
        if test_modules.iter().any(|module| Path::new(stem).starts_with(module)) {
            source.set_test();
        }
    }
    sources
}

/// The paths of all tracked files, relative to the root.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        // The checkout may be somebody else's, as in a container.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git can be run: which files are ours is known to it alone");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let paths = String::from_utf8(output.stdout).expect("our paths are text");
    paths.split_terminator('\0').map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
