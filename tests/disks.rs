//! Disks that are full, small, odd or read-only, names that they cannot hold, and shells that
//! allow little: what the command then says, with which code it ends, and what it leaves.
//!
//! The disks are real filesystems, mounted in a namespace of their own; where that is not allowed,
//! the test says so and looks at nothing.
#![cfg(target_os = "linux")]

#[path = "disks/shell.rs"]
mod shell;

use fake_hub::{FakeHub, RepoSpec, Route};
use shell::{Ran, Site};

const MB: usize = 1_000_000;

fn files(count: usize) -> RepoSpec {
    let name = |number| format!("part-{}/file-{number:04}.json", number % 7);
    RepoSpec::files("org/name", (0..count).map(|it| (name(it), format!("{{\"number\": {it}}}"))))
}

async fn site(files: &[(&str, usize)]) -> Site {
    let content =
        |seed: usize, len| -> Vec<u8> { (0..len).map(|it| (it * 7 + seed) as u8).collect() };
    let files = files.iter().enumerate();
    let files = files.map(|(seed, (name, len))| ((*name).to_owned(), content(seed, *len)));
    Site::new(FakeHub::builder().repo(RepoSpec::files("org/name", files))).await
}

#[tokio::test]
async fn few_descriptors_are_enough_for_many_files() {
    let site = Site::new(FakeHub::builder().repo(files(300))).await;
    for descriptors in [128, 64] {
        let limited = format!(
            "ulimit -n {descriptors}; \"$MF\" download org/name --cache-dir c{descriptors}"
        );
        let ran = site.shell(&limited).await;
        assert_eq!(ran.code, 0, "{ran}");
        let count =
            site.shell(&format!("find c{descriptors}/models--*/snapshots -type l | wc -l")).await;
        assert_eq!(count.said.trim(), "300", "{count}");
        assert!(!ran.complained.contains("open files"), "{ran}");
    }
}

#[tokio::test]
async fn a_soft_limit_is_raised() {
    let site = Site::new(FakeHub::builder().repo(files(3))).await;
    let script = "ulimit -Sn 32; \"$MF\" download org/name";
    let ran = site.shell(script).await;
    assert_eq!(ran.code, 0, "{ran}");
}

#[tokio::test]
async fn a_name_that_is_never_safe_is_left_out_and_named() {
    let site = site(&[("a.txt", 10), (".git/hooks/post-checkout", 10), ("z.txt", 10)]).await;
    let ran = site.shell("\"$MF\" download org/name --local-dir here").await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.complained.contains(".git/hooks/post-checkout"), "{ran}");
    let left = site.shell("find here -name '*.txt' | sort; ls -A here").await;
    assert_eq!(left.said, "here/a.txt\nhere/z.txt\n.cache\na.txt\nz.txt\n");
}

#[tokio::test]
async fn names_that_this_system_allows_are_fetched() {
    let names = [
        "a: b?.txt",
        "<x>|\"y\"*.bin",
        "aux.txt",
        "dot.",
        "space ",
        "back\\slash",
        "C:\\x",
        "...",
        "con/nul",
        "émoji 🤗.txt",
        "%2e%2e",
    ];
    let files: Vec<_> = names.iter().map(|name| (*name, 100)).collect();
    let site = site(&files).await;
    for place in ["--cache-dir cache", "--local-dir here"] {
        let ran = site.shell(&format!("\"$MF\" download org/name {place}")).await;
        assert_eq!(ran.code, 0, "{ran}");
        for name in names {
            let path = site.path(ran.said.trim()).join(name);
            assert_eq!(std::fs::read(&path).map(|it| it.len()).ok(), Some(100), "{path:?}");
        }
        let again = site.shell(&format!("\"$MF\" download org/name {place}")).await;
        assert_eq!(again.code, 0, "{again}");
    }
}

#[tokio::test]
async fn names_that_look_like_our_records_are_fetched() {
    let site = site(&[("x", 10), ("x.lock/y", 11), ("x.metadata/z", 12), ("x.lock", 13)]).await;
    // Of these, git could hold only some together; the hub is not git.
    let ran =
        site.shell("\"$MF\" download org/name x x.lock/y x.metadata/z --local-dir here").await;
    assert_eq!(ran.code, 0, "{ran}");
    let again =
        site.shell("\"$MF\" download org/name x x.lock/y x.metadata/z --local-dir here").await;
    assert_eq!(again.code, 0, "{again}");
}

#[tokio::test]
async fn a_folder_in_the_way_of_one_file_stops_no_other() {
    let site = site(&[("a.txt", 10), ("b.txt", 10), ("c/d.txt", 10), ("z.txt", 10)]).await;
    let ran = site
        .shell(
            "mkdir -p here/b.txt; echo mine > here/c; \"$MF\" download org/name --local-dir here",
        )
        .await;
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.complained.contains("here/b.txt is a folder, where a file is to be"), "{ran}");
    assert!(ran.complained.contains("here/c is a file, where a folder is to be"), "{ran}");
    let left = site.shell("find here -name '?.txt' -type f | sort; cat here/c").await;
    assert_eq!(left.said, "here/a.txt\nhere/z.txt\nmine\n");
}

#[tokio::test]
async fn a_place_that_is_none_is_said_before_the_hub_is_asked() {
    let site = site(&[("a.txt", 10)]).await;
    for (script, words) in [
        (
            "echo > f; \"$MF\" download org/name --local-dir f",
            "f is a file, where a folder is to be",
        ),
        (
            "echo > f; \"$MF\" download org/name --cache-dir f/c",
            "f is a file, where a folder is to be",
        ),
        (
            "ln -sf nowhere l; \"$MF\" download org/name --local-dir l",
            "l is a link that leads nowhere",
        ),
        (
            "ln -sf f t; \"$MF\" download org/name --cache-dir t",
            "t leads to a file, where a folder is to be",
        ),
    ] {
        let ran = site.shell(script).await;
        assert_eq!(ran.code, 6, "{ran}");
        assert!(ran.complained.contains(words), "{ran}");
        assert!(!ran.complained.contains("asking"), "{ran}");
    }
    assert_eq!(site.hub.stats().requests, 0);
}

#[tokio::test]
async fn the_sum_is_compared_with_what_is_free() {
    let site = site(&[("a.bin", 2 * MB), ("b.bin", 2 * MB)]).await;
    let script = "mkdir m; mount -t tmpfs -o size=3m none m; \
                  \"$MF\" download org/name --cache-dir m; code=$?; find m -mindepth 1; exit $code";
    let Some(ran) = site.mounting(script).await else { return };
    assert_eq!((ran.code, ran.said.as_str()), (6, ""), "nothing is left: {ran}");
    assert!(ran.complained.contains("needs 4.00 MB, but only 3.14 MB are free in m"), "{ran}");
    assert_eq!(site.hub.stats().body_bytes_on(Route::Resolve), 0);
    assert_eq!(site.hub.stats().body_bytes_on(Route::Cdn), 0);
    // What is there already is not needed again.
    let script = "mount -t tmpfs -o size=5m none m; \
                  \"$MF\" download org/name a.bin --cache-dir m && \
                  head -c 1200000 /dev/zero > m/fill && \"$MF\" download org/name --cache-dir m";
    let ran = site.mounting(script).await.expect("it was allowed before");
    assert_eq!(ran.code, 0, "{ran}");
}

#[tokio::test]
async fn a_filesystem_without_inodes_is_not_called_full() {
    let site = site(&[("a.bin", 1000), ("b.bin", 1001), ("c.bin", 1002)]).await;
    let script = "mkdir m; mount -t tmpfs -o size=30m,nr_inodes=14 none m; \
                  \"$MF\" download org/name --cache-dir m";
    let Some(ran) = site.mounting(script).await else { return };
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.complained.contains("can hold no more files"), "{ran}");
    assert!(!ran.complained.contains("no space"), "{ran}");
}

#[tokio::test]
async fn a_limit_on_the_length_of_files_is_a_sentence() {
    let site = site(&[("large.bin", 3 * MB), ("small.bin", 1000)]).await;
    let ran = site.shell("ulimit -f 1000; \"$MF\" download org/name --cache-dir c").await;
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.complained.contains("large.bin"), "{ran}");
    assert!(ran.complained.contains("(ulimit -f)"), "{ran}");
    let left =
        site.shell("ls -L c/models--*/snapshots/*; ls c/models--*/blobs | grep -c part").await;
    assert_eq!(left.said, "small.bin\n0\n", "{left}");
}

#[tokio::test]
async fn a_read_only_cache_that_is_complete_is_as_good() {
    let site = site(&[("a.bin", 1000), ("b.bin", 2000)]).await;
    // Also one that was filled by another program, which leaves no journals.
    let read_only = "mkdir c; \"$MF\" download org/name --cache-dir c && \
                  mount --bind c c && mount -o remount,ro,bind c && \
                  \"$MF\" download org/name --cache-dir c && mount -o remount,rw,bind c && \
                  rm c/models--*/blobs/*.journal && mount -o remount,ro,bind c && \
                  \"$MF\" download org/name --cache-dir c";
    let Some(ran) = site.mounting(read_only).await else { return };
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.said.lines().count(), 3, "{ran}");
    let incomplete = "mkdir i; \"$MF\" download org/name a.bin --cache-dir i && \
                      mount --bind i i && mount -o remount,ro,bind i; \
                      \"$MF\" download org/name --cache-dir i";
    let ran = site.mounting(incomplete).await.expect("it was allowed before");
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.complained.contains("read-only"), "{ran}");
}

#[tokio::test]
async fn an_exfat_disk_has_no_links_no_colons_and_no_file_twice() {
    let names = ["a:b.txt", "c/d?/e.txt", "plain.bin", "twin.bin", "z.txt"];
    let content = |name: &str| if name.ends_with("bin") { "x".repeat(3 * MB) } else { name.into() };
    let files = names.map(|name| (name, content(name)));
    let site = Site::new(FakeHub::builder().repo(RepoSpec::files("org/name", files))).await;
    // 12 MB: room for two files of 3 MB, but not for four.
    let script = "truncate -s 12M image && mkfs.exfat image > /dev/null && mkdir m || exit 77; \
                  device=$(losetup -f --show image) && mount.exfat-fuse $device m > /dev/null; \
                  mount | grep -q ' fuseblk ' || { losetup -d $device; exit 77; }; \
                  \"$MF\" download org/name --cache-dir m; code=$?; \
                  cd m/models--*/snapshots/*; wc -c *.bin z.txt | head -3; cd /; \
                  umount $device; losetup -d $device; exit $code";
    let Some(ran) = site.mounting(script).await.filter(|ran| ran.code != 77) else { return };
    assert_eq!(ran.code, 6, "{ran}");
    for name in &names[..2] {
        assert!(ran.complained.contains(&format!("{name} cannot be had")), "{ran}");
    }
    assert_eq!(ran.said, "3000000 plain.bin\n3000000 twin.bin\n      5 z.txt\n", "{ran}");
}

#[tokio::test]
async fn names_that_turn_the_text_are_shown_escaped_and_kept_as_they_are() {
    let names = ["exe.\u{202e}txt", "z\u{200b}.txt"];
    let site = site(&names.map(|name| (name, 10))).await;
    for (option, escaped) in [
        ("--dry-run", "exe.\\u{202e}txt"),
        ("--dry-run --json", "exe.\\u202etxt"),
        ("--json", "z\\u200b.txt"),
        ("--force-download", "z\\u{200b}.txt"),
    ] {
        let ran = site.shell(&format!("\"$MF\" download org/name --local-dir d {option}")).await;
        let shown = format!("{}{}", ran.said, ran.complained);
        assert_eq!(ran.code, 0, "{ran}");
        assert!(shown.contains(escaped), "{option}: {ran}");
        assert!(!shown.contains(['\u{202e}', '\u{200b}']), "{option}: {shown:?}");
    }
    for name in names {
        assert!(site.path("d").join(name).exists(), "{name:?}");
    }
}

#[tokio::test]
async fn two_names_that_are_one_on_this_filesystem_are_not_both_put_there() {
    let site = site(&[("Sub/Read.md", 10), ("sub/read.md", 10), ("z.txt", 10)]).await;
    let script = "truncate -s 12M image && mkfs.exfat image > /dev/null && mkdir m || exit 77; \
                  device=$(losetup -f --show image) && mount.exfat-fuse $device m > /dev/null; \
                  mount | grep -q ' fuseblk ' || { losetup -d $device; exit 77; }; \
                  for files in Sub/Read.md '' ''; do \
                      \"$MF\" download org/name $files --local-dir m > /dev/null; code=$?; \
                      sha256sum < m/Sub/Read.md; \
                  done; ls m/z.txt; umount $device; losetup -d $device; exit $code";
    let Some(ran) = site.mounting(script).await.filter(|ran| ran.code != 77) else { return };
    assert_eq!(ran.code, 6, "{ran}");
    let told = "sub/read.md is, on this filesystem, another name of what is there already";
    assert!(ran.complained.contains(told), "{ran}");
    let lines: Vec<_> = ran.said.lines().collect();
    let [first, second, third, "m/z.txt"] = lines[..] else { panic!("{ran}") };
    assert_eq!((first, first), (second, third), "nothing is put in its place");
}

/// A link that leads to itself is no reason to say nothing of the other files, nor to leave it.
#[tokio::test]
async fn a_link_in_a_circle_is_one_file_that_is_missing() {
    let site = site(&[("a.txt", 10), ("b.txt", 10), ("c.txt", 10)]).await;
    let ran = site
        .shell(
            "\"$MF\" download org/name --cache-dir c; cd c/models--*/snapshots/*; \
                          rm b.txt; ln -s b.txt b.txt",
        )
        .await;
    assert_eq!(ran.code, 0, "{ran}");
    let ran = site.shell("\"$MF\" verify org/name --cache-dir c").await;
    assert_eq!(ran.code, 3, "{ran}");
    for (name, verdict) in [("a.txt", "intact"), ("b.txt", "missing"), ("c.txt", "intact")] {
        assert!(ran.said.contains(&format!("{name}: {verdict}")), "{ran}");
    }
    let ran = site
        .shell(
            "\"$MF\" download org/name --cache-dir c && cat c/models--*/snapshots/*/b.txt | wc -c",
        )
        .await;
    assert_eq!((ran.code, ran.said.lines().last()), (0, Some("10")), "{ran}");
}

/// Whoever may write to a shared cache can put a file there that says: this process has it.
#[tokio::test]
async fn somebody_who_never_ends_is_waited_for_as_long_as_there_is_patience() {
    let site = site(&[("a.txt", 10)]).await;
    let plant = r#"
        "$MF" download org/name --local-dir other
        blob=$(sed -n 2p other/.cache/huggingface/download/a.txt.metadata)
        mkdir -p here/.cache/huggingface/download
        {
            printf '{"nonce":"%032d","host":"h","pid":1,"lock":null,' 1
            printf '"boot":"%s",' "$(cat /proc/sys/kernel/random/boot_id)"
            printf '"namespace":"%s",' "$(readlink /proc/self/ns/pid)"
            printf '"started":%s}' "$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)"
        } > "here/.cache/huggingface/download/a.txt.$blob.owner"
        "$MF" download org/name --local-dir here --give-up-after 2s"#;
    let ran = site.shell(plant).await;
    assert_eq!(ran.code, 7, "{ran}");
    assert!(ran.complained.contains("is being fetched by process 1"), "{ran}");
}

#[tokio::test]
async fn the_same_content_under_several_names_is_fetched_once() {
    let one = "0123456789".repeat(50_000);
    let names = ["a.bin", "b/c.bin", "d.bin"];
    let empty = ["e/__init__.py", "f/__init__.py"].map(|name| (name, String::new()));
    let files = names.map(|name| (name, one.clone())).into_iter().chain(empty);
    let site = Site::new(FakeHub::builder().repo(RepoSpec::files("org/name", files))).await;
    for place in ["--cache-dir c", "--local-dir l"] {
        site.hub.reset();
        let ran = site.shell(&format!("\"$MF\" download org/name {place}")).await;
        assert_eq!(ran.code, 0, "{ran}");
        assert!(!ran.complained.contains("being fetched by"), "{ran}");
        for name in names {
            let path = site.path(ran.said.trim()).join(name);
            let is_same = std::fs::read_to_string(&path).is_ok_and(|content| content == one);
            assert!(is_same, "{path:?}");
        }
        let sent = site.hub.stats().body_bytes_on(Route::Resolve)
            + site.hub.stats().body_bytes_on(Route::Cdn);
        assert_eq!(sent, one.len() as u64, "{place}");
    }
    // Under --local-dir each is a file of its own: a change of one is none of the others.
    let ran = site.shell("echo >> l/a.bin; wc -c < l/d.bin").await;
    assert_eq!(ran.said.trim(), "500000");
}

#[tokio::test]
async fn two_signals_at_once_are_one_wish() {
    let link = fake_hub::LinkSpec { rate: Some(500_000), ..fake_hub::LinkSpec::default() };
    let repo = RepoSpec::synthetic("org/name", 8 * MB as u64);
    let site = Site::new(FakeHub::builder().repo(repo).link(link)).await;
    let script = "\"$MF\" download org/name --json > news & pid=$!; \
                  until grep -q '\"event\":\"progress\"' news; do sleep 0.05; done; \
                  kill -INT $pid; kill -INT $pid; kill -TERM $pid; wait $pid";
    let ran = site.shell(script).await;
    assert_eq!(ran.code, 130, "{ran}");
    assert!(ran.complained.contains("what has arrived is saved"), "{ran}");
    assert!(!ran.complained.contains("stopped at once"), "{ran}");
}

#[tokio::test]
async fn a_token_file_that_cannot_be_read_is_no_reason_to_stop() {
    let site = site(&[("a.bin", 100)]).await;
    for (script, words) in [
        ("mkdir -p t; HF_TOKEN_PATH=t \"$MF\" download org/name", "going on without a token: "),
        ("HF_TOKEN='two words' \"$MF\" download org/name --cache-dir u", "HF_TOKEN"),
    ] {
        let ran = site.shell(script).await;
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(ran.complained.matches("without a token").count(), 1, "{ran}");
        assert!(ran.complained.contains(words), "{ran}");
    }
}

/// So that a failing assertion shows all there is.
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n{}\n{}", self.code, self.said, self.complained)
    }
}
