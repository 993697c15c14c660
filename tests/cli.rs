//! What a person sees: the exit code, stdout and stderr of whole runs of the command.
//!
//! Not how bytes come; here the link is as good as loopback, and only the hub misbehaves.

#[path = "cli/stage.rs"]
mod stage;

use std::process::Stdio;

use fake_hub::LinkSpec;
use insta::assert_snapshot;
use stage::{FILE, Stage};

/// Compares a whole run with its snapshot, without times, rates and digests.
fn check(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_filters(FILTERS.to_vec());
    settings.bind(|| assert_snapshot!(name, shown));
}

#[tokio::test]
async fn a_file() {
    let stage = Stage::new(&[]).await;
    check("a_file", &stage.download(&["org/name", FILE]).await);
    check("a_file_again", &stage.download(&["org/name", FILE]).await);
}

#[tokio::test]
async fn a_file_in_chunks() {
    let stage = Stage::in_chunks(LinkSpec::default()).await;
    check("a_file_in_chunks", &stage.download(&["org/name", FILE]).await);
}

#[tokio::test]
async fn a_repository() {
    let stage = Stage::new(&[]).await;
    check("a_dry_run", &stage.download(&["org/name", "--dry-run"]).await);
    check("some_of_a_repository", &stage.download(&["org/name", "--include", "*.json"]).await);
    check("a_repository", &stage.download(&["org/name"]).await);
    check("a_dry_run_when_all_is_there", &stage.download(&["org/name", "--dry-run"]).await);
}

#[tokio::test]
async fn into_a_folder() {
    let stage = Stage::new(&[]).await;
    let folder = stage.path("models");
    let shown = stage.download(&["org/name", "config.json", "--local-dir", &folder]).await;
    check("into_a_folder", &shown);
}

#[tokio::test]
async fn a_plain_address() {
    let stage = Stage::new(&[]).await;
    let (address, digest) = (stage.address(FILE), stage.digest(FILE));
    let folder = stage.path("models");
    check("a_plain_address_without_a_digest", &stage.download(&[&address]).await);
    let arguments = [address.as_str(), "--sha256", &digest, "--local-dir", &folder];
    check("a_plain_address", &stage.download(&arguments).await);
}

#[tokio::test]
async fn a_signature_in_an_address_is_shown_and_kept_nowhere() {
    let stage = Stage::new(&[]).await;
    let (good, digest) = (stage.address(FILE), stage.digest(FILE));
    let bad = stage.address("nothing.bin");
    let folder = stage.path("models");
    for (address, flags) in
        [(&good, "--dry-run"), (&good, "--json"), (&good, "--quiet"), (&bad, "--json")]
    {
        let address = format!("{address}?X-Amz-Signature=5ecret");
        let arguments = [&address, "--sha256", &digest, "--local-dir", &folder, flags];
        let shown = stage.download(&arguments).await;
        assert!(!shown.contains("5ecret"), "{shown}");
    }
    let shown = stage.run(&["status", "--json", "--local-dir", &folder]).await;
    assert!(!shown.contains("5ecret"), "{shown}");
    for entry in std::fs::read_dir(stage.path("models/.cache/huggingface/download")).unwrap() {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains("5ecret"));
    }
}

#[tokio::test]
async fn options_that_mean_nothing_here() {
    let stage = Stage::new(&[]).await;
    let old = ["--resume-download", "--local-dir-use-symlinks", "False"];
    let shown = stage.download(&[&["org/name", "config.json"], &old[..]].concat()).await;
    check("options_that_mean_nothing_here", &shown);
}

#[tokio::test]
async fn several_globs_after_one_option() {
    let stage = Stage::new(&[]).await;
    let arguments = ["org/name", "--dry-run", "--include", "*.json", "*.txt", "*.md"];
    check("several_globs_after_one_option", &stage.download(&arguments).await);
}

#[tokio::test]
async fn files_that_are_looked_at_again() {
    let stage = Stage::new(&[]).await;
    check("looking_at_nothing", &stage.run(&["verify", "org/name"]).await);
    stage.download(&["org/name", "--cache-dir", &stage.path("cache")]).await;
    let looking = ["verify", "org/name", "--cache-dir", &stage.path("cache")];
    check("looking_at_what_is_intact", &stage.run(&looking).await);
    let blob = stage.path(&format!("cache/models--org--name/blobs/{}", stage.digest(FILE)));
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&blob, &bytes).unwrap();
    check("looking_at_damage", &stage.run(&looking).await);
    let repair = [&looking[..], &["--repair", "--json"]].concat();
    let shown = stage.run(&repair).await;
    assert!(shown.contains(r#"{"event":"intact","files":3}"#), "{shown}");
    let part = stage.path("part");
    std::fs::write(&part, &bytes[..1_000]).unwrap();
    let partial = [&looking[..], &[FILE, "--path", &part]].concat();
    check("looking_at_a_part_of_another_tool", &stage.run(&partial).await);
}

#[tokio::test]
async fn in_silence() {
    let stage = Stage::new(&[]).await;
    check("in_silence", &stage.download(&["org/name", "config.json", "--quiet"]).await);
}

#[tokio::test]
async fn as_json() {
    let stage = Stage::new(&[]).await;
    check("as_json", &stage.download(&["org/name", "config.json", "--json"]).await);
    check("an_error_as_json", &stage.download(&["org/name", "nothing.bin", "--json"]).await);
}

#[tokio::test]
async fn no_such_repository() {
    let stage = Stage::new(&[]).await;
    check("no_such_repository", &stage.download(&["org/nothing", FILE]).await);
}

#[tokio::test]
async fn no_such_file() {
    let stage = Stage::new(&[]).await;
    check("no_such_file", &stage.download(&["org/name", "nothing.bin"]).await);
}

#[tokio::test]
async fn no_such_revision() {
    let stage = Stage::new(&[]).await;
    check("no_such_revision", &stage.download(&["org/name", "--revision", "nothing"]).await);
}

#[tokio::test]
async fn nothing_that_matches() {
    let stage = Stage::new(&[]).await;
    check("nothing_that_matches", &stage.download(&["org/name", "--include", "*.gguf"]).await);
}

#[tokio::test]
async fn a_private_repository() {
    let stage = Stage::new(&[]).await;
    check("a_private_repository", &stage.download(&["org/private", FILE]).await);
    let shown = stage.download(&["org/private", "config.json", "--token", "hf_member"]).await;
    check("a_private_repository_with_a_token", &shown);
}

#[tokio::test]
async fn a_gated_repository() {
    let stage = Stage::new(&[]).await;
    check("a_gated_repository", &stage.download(&["org/gated", FILE]).await);
    let shown = stage.download(&["org/gated", FILE, "--token", "hf_outsider"]).await;
    check("a_gated_repository_without_access", &shown);
}

#[tokio::test]
async fn a_wrong_token() {
    let stage = Stage::new(&[]).await;
    check("a_wrong_token", &stage.download(&["org/name", FILE, "--token", "hf_wrong"]).await);
}

#[tokio::test]
async fn nobody_listens() {
    let stage = Stage::with_nobody().await;
    let shown = stage.download(&["org/name", FILE, "--retry-max", "100ms"]).await;
    check("nobody_listens", &shown);
    let arguments = ["org/name", FILE, "--retry-max", "100ms", "--give-up-after", "1s"];
    check("nobody_listens_until_patience_ends", &stage.download(&arguments).await);
}

#[tokio::test]
async fn a_captive_portal() {
    let stage = Stage::new(&["portal"]).await;
    let arguments = ["org/name", FILE, "--retry-max", "100ms", "--give-up-after", "1s"];
    check("a_captive_portal", &stage.download(&arguments).await);
}

#[tokio::test]
async fn a_hub_that_fails_for_a_while() {
    let stage = Stage::new(&["status 503 times=2 retry-after=0 route=resolve"]).await;
    check("a_hub_that_fails_for_a_while", &stage.download(&["org/name", FILE]).await);
}

#[tokio::test]
async fn connections_that_are_reset() {
    let stage = Stage::new(&["rst after=300KB times=2 route=cdn"]).await;
    let shown = stage.download(&["org/name", FILE, "--max-workers", "1"]).await;
    check("connections_that_are_reset", &shown);
}

#[tokio::test]
async fn a_digest_that_never_fits() {
    let stage = Stage::new(&["flip at=1000 route=cdn"]).await;
    let shown = stage.download(&["org/name", FILE, "--max-workers", "1"]).await;
    check("a_digest_that_never_fits", &shown);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written() {
    let stage = Stage::new(&[]).await;
    // Below a file there can be no folder, not even for root.
    std::fs::write(stage.path("file"), "").unwrap();
    let cache = stage.path("file/cache");
    let shown = stage.download(&["org/name", "config.json", "--cache-dir", &cache]).await;
    check("a_cache_that_cannot_be_written", &shown);
}

#[cfg(unix)]
#[tokio::test]
async fn a_disk_that_takes_no_more() {
    let stage = Stage::new(&[]).await;
    check("a_disk_that_takes_no_more", &stage.download_with_small_files(&["org/name", FILE]).await);
}

#[tokio::test]
async fn requests_that_make_no_sense() {
    let stage = Stage::new(&[]).await;
    for (name, arguments) in [
        ("no_repository", &[][..]),
        ("a_flag_that_does_not_exist", &["org/name", "--fast"]),
        ("a_size_without_sense", &["org/name", "--chunk-size", "50 parsecs"]),
        ("a_chunk_too_small", &["org/name", "--chunk-size", "64KiB"]),
        ("a_time_without_unit", &["org/name", "--stall-timeout", "30"]),
        ("a_link_of_no_kind", &["org/name", "--link", "wet-string"]),
        ("a_repository_of_no_kind", &["org/name", "--repo-type", "models"]),
        ("a_name_that_cannot_be", &["org/na me"]),
        ("a_file_outside", &["org/name", "../secret"]),
        ("files_and_globs", &["org/name", FILE, "--include", "*.json"]),
        ("two_places", &["org/name", "--cache-dir", "a", "--local-dir", "b"]),
    ] {
        let shown = stage.download(arguments).await;
        check(name, &shown);
    }
}

#[tokio::test]
async fn help() {
    let stage = Stage::new(&[]).await;
    check("help", &stage.run(&["--help"]).await);
    check("help_for_status", &stage.run(&["status", "--help"]).await);
    check("help_for_download", &stage.run(&["download", "--help"]).await);
    check("help_for_verify", &stage.run(&["verify", "--help"]).await);
    check("help_for_demo", &stage.run(&["demo", "--help"]).await);
}

#[tokio::test]
async fn completions() {
    let stage = Stage::new(&[]).await;
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let shown = stage.run(&["completions", shell]).await;
        assert!(shown.starts_with("exit code: 0"), "{shown}");
        assert!(shown.contains("give-up-after"), "{shell}");
    }
}

#[tokio::test]
async fn nobody_reads_the_result() {
    let stage = Stage::new(&[]).await;
    let mut command = stage.command(&["download", "org/name", "config.json", "--json"]);
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn an_interruption() {
    let link = LinkSpec { rate: Some(2_000_000), ..LinkSpec::default() };
    let stage = Stage::with_link(&[], link).await;
    let shown = stage.interrupt("progress").await;
    assert!(!shown.contains("hf_member"), "a token is never shown");
    check("an_interruption", &shown);
    check("status_of_what_was_interrupted", &stage.run(&["status"]).await);
    check("status_as_json", &stage.run(&["status", "--json"]).await);
    assert!(stage.download(&["org/name", FILE]).await.contains("continuing"));
    check("status_when_nothing_is_unfinished", &stage.run(&["status"]).await);
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_publisher_vouches_for() {
    // The publisher vouches for the first of it after a few of the ten seconds that it takes.
    let link = LinkSpec { rate: Some(4_000_000), ..LinkSpec::default() };
    let stage = Stage::in_chunks(link).await;
    let shown = stage.interrupt("vouched").await;
    assert!(shown.starts_with("exit code: 130"), "{shown}");
    check("status_of_what_is_vouched_for", &stage.run(&["status"]).await);
    let object = stage.run(&["status", "--json"]).await;
    assert!(object.contains(r#","vouched":"#) && !object.contains(r#","vouched":0,"#), "{object}");
}

#[tokio::test]
async fn a_log_tells_what_happens_and_no_secret() {
    let stage = Stage::in_chunks(LinkSpec::default()).await;
    for arguments in [&["org/name", FILE][..], &["org/name", FILE, "--no-xet", "--force-download"]]
    {
        let arguments = [arguments, &["--token", "hf_member"]].concat();
        let log = stage.download_logged(&arguments).await;
        for told in ["send", "answer", "request", "receive", "written", "append", "mark", "seal"] {
            assert!(log.contains(&format!(" {told} ")), "{told}: {log}");
        }
        for secret in ["hf_member", "Signature", "Policy", "xet_"] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
}

/// What differs from run to run, or from one content to the next.
const FILTERS: &[(&str, &str)] = &[
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r"\b[0-9a-f]{40}\b", "[SHA1]"),
    (r"commit [0-9a-f]{12}\b", "commit [COMMIT]"),
    (r"[0-9.]+ [KMG]?B/s", "[RATE]"),
    (r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT", "[DATE]"),
    (r#""verified":[0-9]+"#, r#""verified":[DATE]"#),
    (r"in [0-9.]+ s\b", "in [TIME]"),
    (r"after [0-9.]+ s\b", "after [TIME]"),
    (r"tried: [0-9]+ times", "tried: [COUNT] times"),
    (r"[0-9.]+ [KM]?B of ", "[SIZE] of "),
    (r"; [0-9.]+ K?B came in vain", ""),
    (r"[0-9.]+ % are proven", "[SHARE] are proven"),
    // Whoever writes sooner on a slow link records smaller ranges.
    (r"bytes 0–[0-9]+ \([0-9.]+ [KM]B\)", "bytes 0–[END] ([SIZE])"),
    (r"[0-9.]+ [KM]?B are missing", "[SIZE] are missing"),
    (r"last moved [0-9.]+ s", "last moved [TIME]"),
    (r#""missing":[0-9]+"#, r#""missing":[SIZE]"#),
    (r#""idle":[0-9]+"#, r#""idle":[TIME]"#),
    (r#""seconds":[0-9.]+"#, r#""seconds":[TIME]"#),
    (r#""bytes":[0-9]+,("vouched":|"total":5000000)"#, r#""bytes":[SIZE],$1"#),
];
