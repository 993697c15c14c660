//! What keeps the engine pure: its dependencies, its lints, and that they are run.
//!
//! What stands in its sources is a rule like the others.

use std::env;
use std::process::Command;

/// Crates that do I/O, wait, tell the time or draw randomness from the system; what begins with
/// one of these names and a hyphen is of the same family.
const OUTSIDE: &[&str] = &[
    "async-io",
    "async-std",
    "chrono",
    "coarsetime",
    "crossbeam",
    "curl",
    "dirs",
    "embassy",
    "fastrand",
    "fs-err",
    "fs4",
    "futures",
    "getrandom",
    "h2",
    "h3",
    "hyper",
    "instant",
    "isahc",
    "jiff",
    "memmap2",
    "mio",
    "monoio",
    "nix",
    "openssl",
    "polling",
    "quanta",
    "quinn",
    "rayon",
    "reqwest",
    "rustix",
    "smol",
    "socket2",
    "sysinfo",
    "tempfile",
    "time",
    "tokio",
    "turmoil",
    "uname",
    "ureq",
    "uuid",
    "walkdir",
    "web-time",
];

/// What `engine/clippy.toml` must ban.
const BANS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::env::var",
    "std::collections::HashMap::iter",
    "std::collections::HashMap::keys",
    "std::collections::HashMap::values",
    "std::collections::HashSet::iter",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs::File",
    "std::fs::OpenOptions",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
];

#[test]
fn the_engine_depends_on_nothing_that_reaches_outside() {
    let manifest = crate::read("engine/Cargo.toml");
    for (line, name) in dependencies(&manifest) {
        assert!(!is_outside(&name), "engine/Cargo.toml:{line}: the engine cannot use {name}");
    }
    let names = tree();
    assert!(names.iter().any(|name| name == "crc32c"), "that is not its tree: {names:?}");
    let outside: Vec<_> = names.iter().filter(|name| is_outside(name)).collect();
    assert!(outside.is_empty(), "`cargo tree -p engine` brings {outside:?} into the engine");
}

#[test]
fn clippy_forbids_the_engine_the_outside() {
    let missing = missing_bans(&crate::read("engine/clippy.toml"));
    assert!(missing.is_empty(), "engine/clippy.toml: does not ban {missing:?}");
    assert!(runs_clippy(&crate::read(".ci/run")), ".ci/run: does not run clippy on everything");
    let workflow = crate::read(".github/workflows/ci.yml");
    assert!(workflow.contains("- run: .ci/run\n"), "ci.yml: does not run .ci/run");
}

#[test]
fn all_packages_have_the_lints_of_the_workspace() {
    // The fuzzer's package is no part of the workspace: its macros are not of this style.
    let is_ours = |path: &&String| path.ends_with("Cargo.toml") && !path.starts_with("fuzz/");
    for path in crate::tracked().iter().filter(is_ours) {
        assert!(has_lints(&crate::read(path)), "{path}: lacks `[lints] workspace = true`");
    }
}

/// The names of all packages that the engine is built from, those of its tests not counted.
fn tree() -> Vec<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = "tree --locked --offline -p engine -e normal,build --prefix none -f {p}";
    let output = Command::new(cargo)
        .args(arguments.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("names of packages are text");
    lines.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

fn is_outside(name: &str) -> bool {
    OUTSIDE.iter().any(|outside| {
        name.strip_prefix(outside).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// The lines and names of what a manifest depends on, whatever the target; not for tests.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut dependencies = Vec::new();
    let mut is_inside = false;
    for (line, text) in (1..).zip(manifest.lines()) {
        if let Some(section) = text.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let is_table = |word| section == word || section.ends_with(&format!(".{word}"));
            is_inside = is_table("dependencies") || is_table("build-dependencies");
            if let Some((_, name)) = section.split_once("dependencies.")
                && !section.contains("dev-")
            {
                dependencies.push((line, name.to_owned()));
            }
        } else if is_inside && let Some((key, _)) = text.split_once('=') {
            let name = key.trim().trim_end_matches(".workspace");
            if !name.starts_with('#') {
                dependencies.push((line, name.to_owned()));
            }
        }
    }
    dependencies
}

fn missing_bans(clippy: &str) -> Vec<&'static str> {
    let is_banned = |ban: &str| {
        let entry = format!("{{ path = \"{ban}\",");
        clippy.lines().any(|line| line.trim().starts_with(&entry))
    };
    BANS.iter().copied().filter(|ban| !is_banned(ban)).collect()
}

fn runs_clippy(script: &str) -> bool {
    script.lines().map(str::trim).any(|line| {
        line.contains("cargo clippy")
            && !line.starts_with('#')
            && ["--workspace", "--all-targets", "-- -D warnings"].iter().all(|a| line.contains(a))
            && !line.contains("||")
    })
}

fn has_lints(manifest: &str) -> bool {
    !manifest.contains("\n[package]") && !manifest.starts_with("[package]")
        || manifest.contains("\n[lints]\nworkspace = true\n")
}

#[test]
fn families_of_crates_are_known_by_name() {
    for name in ["tokio", "tokio-util", "hyper-util", "getrandom", "futures-core"] {
        assert!(is_outside(name), "{name}");
    }
    for name in ["crc32c", "httpdate", "rand", "rand_core", "timeless", "tokiox"] {
        assert!(!is_outside(name), "{name}");
    }
}

#[test]
fn dependencies_are_read_from_every_section_but_that_of_tests() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n# b = 1\n\
                    c = { version = \"1\" }\n[dev-dependencies]\nd = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\ne = \"1\"\n[dependencies.f]\n\
                    version = \"1\"\n[dev-dependencies.g]\n[build-dependencies]\nh = \"1\"\n";
    let names: Vec<_> = dependencies(manifest).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["a", "c", "e", "f", "h"]);
}

#[test]
fn a_ban_that_is_missing_or_commented_out_is_missed() {
    let clippy = crate::read("engine/clippy.toml");
    for ban in BANS {
        let line = format!("{{ path = \"{ban}\",");
        assert_eq!(missing_bans(&clippy.replace(&line, &format!("# {line}"))), [*ban]);
    }
}

#[test]
fn clippy_must_be_run_on_everything_and_obeyed() {
    let cases = [
        ("cargo clippy --locked --workspace --all-targets -- -D warnings", true),
        ("  run cargo clippy --workspace --all-targets -- -D warnings", true),
        ("# cargo clippy --workspace --all-targets -- -D warnings", false),
        ("cargo clippy --workspace --all-targets", false),
        ("cargo clippy --all-targets -- -D warnings", false),
        ("cargo clippy --workspace -- -D warnings", false),
        ("cargo clippy --workspace --all-targets -- -D warnings || true", false),
    ];
    for (script, expected) in cases {
        assert_eq!(runs_clippy(script), expected, "{script}");
    }
}

#[test]
fn a_package_without_lints_is_noticed() {
    let cases = [
        ("[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n", true),
        ("[workspace]\n\n[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n", true),
        ("[workspace]\nmembers = []\n", true),
        ("[package]\nname = \"x\"\n", false),
        ("[workspace]\n\n[package]\nname = \"x\"\n\n[lints.rust]\n", false),
    ];
    for (manifest, expected) in cases {
        assert_eq!(has_lints(manifest), expected, "{manifest}");
    }
}
