//! Tests of `path`, by tables and by hand.
//!
//! No network, no clock.

use proptest::prelude::*;

use super::*;

#[test]
fn ordinary_paths_pass() {
    for path in [
        "config.json",
        "model-00001-of-00002.safetensors",
        "a/b/c.bin",
        ".gitattributes",
        ".cache/other",
        "x/.cache/huggingface/y",
        "console.log",
        "com.txt",
        "COM10",
        "nul_.bin",
        "with space/and émoji 🤗.txt",
        "a%2F..%2Fb",
        "file@1.txt",
        "a..b",
        ".gitignore",
        ".github/x",
        "cache~1/x",
        "git~x",
        "gi12~1",
        "a\u{200d}b",
        "...",
    ] {
        let parsed = path.parse::<RepoPath>();
        assert_eq!(parsed.as_ref().map(RepoPath::as_str), Ok(path));
    }
    let parsed = "a/b/c.bin".parse::<RepoPath>().unwrap();
    assert_eq!(parsed.file_name(), "c.bin");
    assert_eq!(parsed.segments().collect::<Vec<_>>(), ["a", "b", "c.bin"]);
}

#[test]
fn unsafe_paths_are_refused_with_the_reason() {
    let long_segment = "s".repeat(256);
    let long_path = "abc/".repeat(1024) + "d";
    for (path, flaw) in [
        ("", PathFlaw::Empty),
        ("/etc/passwd", PathFlaw::Absolute),
        ("//server/share", PathFlaw::Absolute),
        ("\\\\server\\share", PathFlaw::Absolute),
        ("\\x", PathFlaw::Absolute),
        ("a//b", PathFlaw::EmptySegment),
        ("a/", PathFlaw::EmptySegment),
        (".", PathFlaw::Dots),
        ("./a", PathFlaw::Dots),
        ("..", PathFlaw::Dots),
        ("../a", PathFlaw::Dots),
        ("a/../../b", PathFlaw::Dots),
        ("a/..", PathFlaw::Dots),
        ("a\\..\\b", PathFlaw::Dots),
        ("..\\b", PathFlaw::Dots),
        ("a\0b", PathFlaw::Control),
        ("a\nb", PathFlaw::Control),
        ("a\u{1b}[31mb", PathFlaw::Control),
        ("a\u{85}b", PathFlaw::Control),
        (&long_segment, PathFlaw::Long),
        (&long_path, PathFlaw::Long),
        (".cache", PathFlaw::Ours),
        (".cache/huggingface", PathFlaw::Ours),
        (".cache/huggingface/download/a.metadata", PathFlaw::Ours),
        (".Cache/HuggingFace/x", PathFlaw::Ours),
        ("CACHE~1/HUGGIN~1/x", PathFlaw::Ours),
        (".cache./huggingface /x", PathFlaw::Ours),
        (".ca\u{200d}che/huggingface\u{feff}/x", PathFlaw::Ours),
        (".git", PathFlaw::Git),
        (".git/config", PathFlaw::Git),
        ("a/.GIT/hooks/post-checkout", PathFlaw::Git),
        ("GIT~1/config", PathFlaw::Git),
        ("gi7EB8~1/config", PathFlaw::Git),
        ("CACHE~1", PathFlaw::Ours),
        ("cache~2/HUGGIN~1/x", PathFlaw::Ours),
        ("CA0F3C~1/hu12ab~9/x", PathFlaw::Ours),
        (".ca\u{200d}che/hugg\u{200b}ingface", PathFlaw::Ours),
        (".git::$INDEX_ALLOCATION/config", PathFlaw::Git),
        (".g\u{200c}it/config", PathFlaw::Git),
        (".git. ./config", PathFlaw::Git),
        ("a\\.git\\config", PathFlaw::Git),
    ] {
        let bad = path.parse::<RepoPath>().unwrap_err();
        assert_eq!(bad, BadPath::new(path, flaw), "{path:?}");
        assert!(bad.path.chars().count() <= SHOWN_MAX + 1, "{path:?}");
    }
}

#[test]
fn what_windows_cannot_hold_is_refused_there_only() {
    for (path, flaw) in [
        ("a\\b", PathFlaw::Separator),
        ("C:\\x", PathFlaw::Absolute),
        ("c:x", PathFlaw::Absolute),
        ("a.txt:stream", PathFlaw::Colon),
        ("a/C:/b", PathFlaw::Colon),
        ("a?b", PathFlaw::Wildcard),
        ("a/<b>", PathFlaw::Wildcard),
        ("CON", PathFlaw::Device),
        ("nul.txt", PathFlaw::Device),
        ("a/Com1.tar.gz", PathFlaw::Device),
        ("LPT9", PathFlaw::Device),
        ("com¹", PathFlaw::Device),
        ("aux .h", PathFlaw::Device),
        ("CONIN$", PathFlaw::Device),
        ("a.", PathFlaw::Ending),
        ("a /b", PathFlaw::Ending),
    ] {
        let parsed = path.parse::<RepoPath>();
        let expected = if cfg!(windows) { Some(flaw) } else { None };
        assert_eq!(parsed.err().map(|bad| bad.flaw), expected, "{path:?}");
        // The rules themselves are the same everywhere; a drive is one only at the beginning.
        let rule = path.split('/').find_map(windows_flaw);
        let is_rule = rule == Some(flaw) || flaw == PathFlaw::Absolute && has_drive(path);
        assert!(is_rule, "{path:?}: {rule:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_backslash_separates_nothing() {
    let path = "a\\b/c".parse::<RepoPath>().unwrap();
    assert_eq!(path.segments().collect::<Vec<_>>(), ["a\\b", "c"]);
}

#[test]
fn a_plain_url_names_its_file() {
    for (url, expected) in [
        ("https://a.example/x/model.bin?download=true#top", Ok("model.bin")),
        ("https://a.example/a%20b.bin", Ok("a b.bin")),
        ("https://a.example/%F0%9F%A4%97", Ok("🤗")),
        ("https://a.example/", Err(PathFlaw::Empty)),
        ("https://a.example/x/", Err(PathFlaw::Empty)),
        ("https://a.example/..%2Fx", Err(PathFlaw::Separator)),
        ("https://a.example/..%5Cx", Err(PathFlaw::Dots)),
        ("https://a.example/%00", Err(PathFlaw::Control)),
        ("https://a.example/%ff", Err(PathFlaw::NotText)),
        ("https://a.example/.git", Err(PathFlaw::Git)),
    ] {
        let name = file_name_of(&url.parse().unwrap());
        let name = name.as_ref().map(RepoPath::as_str).map_err(|bad| bad.flaw);
        assert_eq!(name, expected, "{url}");
    }
}

#[test]
fn only_plain_etags_name_blobs() {
    let sha256 = "0".repeat(64);
    let longest = "a".repeat(128);
    for name in [sha256.as_str(), "d41d8cd98f00b204e9800998ecf8427e-12", "a", "a.b_c", &longest] {
        assert_eq!(name.parse::<BlobName>().as_ref().map(BlobName::as_str), Ok(name));
    }
    let long = "a".repeat(129);
    for name in [
        "",
        ".",
        "..",
        ".a",
        "../a",
        "a/b",
        "a\\b",
        "a:b",
        "a b",
        "é",
        "a\0",
        "con",
        "nul.x",
        "a.",
        "abc.part",
        "abc.journal",
        "abc.Lock",
        "abc.12345678.incomplete",
        &long,
    ] {
        assert!(name.parse::<BlobName>().is_err(), "{name:?}");
    }
}

proptest! {
    #[test]
    fn an_accepted_path_stays_below_its_folder(path in "[a-c./\\\\: ]{0,12}") {
        if let Ok(path) = path.parse::<RepoPath>() {
            for segment in path.segments() {
                prop_assert!(!segment.is_empty() && segment != "." && segment != "..");
                prop_assert!(segment.split('\\').all(|piece| piece != ".."));
                prop_assert!(cfg!(not(windows)) || !segment.contains(['\\', ':']));
            }
        }
    }

    #[test]
    fn no_name_panics(name in any::<String>()) {
        let _ = name.parse::<RepoPath>();
        let _ = name.parse::<BlobName>();
        if let Ok(mut url) = Url::parse("https://a.example/") {
            url.set_path(&name);
            let _ = file_name_of(&url);
        }
    }
}
