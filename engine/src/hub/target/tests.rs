//! Tests of `target`, by tables and by hand.
//!
//! No network, no clock.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Target, BadTarget> {
    Target::parse(text, None, &"http://localhost:8080/hf".parse().unwrap())
}

/// A target as `kind:name@revision file`, with a slash after a folder.
fn shown(target: Target) -> String {
    let target = match target {
        Target::Url(url) => return url.to_string(),
        Target::Repo(target) => target,
    };
    let revision = target.revision.map_or(String::new(), |revision| format!("@{revision}"));
    let part = match target.part {
        Part::Whole => String::new(),
        Part::File(path) => format!(" {path}"),
        Part::Folder(path) => format!(" {path}/"),
    };
    format!("{:?}{revision}{part}", target.repo)
}

#[test]
fn targets_are_understood() {
    for (text, expected) in [
        ("org/name", "model:org/name"),
        (" org/name ", "model:org/name"),
        ("gpt2", "model:gpt2"),
        ("org/name@v1", "model:org/name@v1"),
        ("org/name/a/b.bin", "model:org/name a/b.bin"),
        ("datasets/org/name", "dataset:org/name"),
        ("hf://org/name", "model:org/name"),
        ("hf://org/name/", "model:org/name"),
        ("hf://gpt2", "model:gpt2"),
        ("hf://gpt2@main/config.json", "model:gpt2@main config.json"),
        ("hf://models/org/name", "model:org/name"),
        ("hf://datasets/squad", "dataset:squad"),
        ("hf://datasets/org/name@refs/pr/3/train.json", "dataset:org/name@refs/pr/3 train.json"),
        ("hf://spaces/org/name@refs/convert/parquet", "space:org/name@refs/convert/parquet"),
        ("hf://org/name@feature%2Fx/a%20b", "model:org/name@feature/x a%20b"),
        ("hf://org/name/file@1.txt", "model:org/name file@1.txt"),
        ("hf://org/name@main/sub/", "model:org/name@main sub/"),
        ("https://huggingface.co/org/name", "model:org/name"),
        ("https://huggingface.co/org/name/", "model:org/name"),
        ("https://huggingface.co/org/name?library=x#readme", "model:org/name"),
        ("HTTPS://HuggingFace.co/org/name", "model:org/name"),
        ("http://hf.co/org/name", "model:org/name"),
        ("hf.co/org/name", "model:org/name"),
        ("huggingface.co/datasets/org/name", "dataset:org/name"),
        ("https://huggingface.co/gpt2", "model:gpt2"),
        ("https://huggingface.co/gpt2/resolve/main/a.bin", "model:gpt2@main a.bin"),
        (
            "https://huggingface.co/org/name/resolve/main/a/b.bin?download=true",
            "model:org/name@main a/b.bin",
        ),
        ("https://huggingface.co/org/name/blob/v1.0/a%20b.bin", "model:org/name@v1.0 a b.bin"),
        ("https://huggingface.co/org/name/raw/refs%2Fpr%2F1/a", "model:org/name@refs/pr/1 a"),
        ("https://huggingface.co/org/name/blob/refs/pr/1/a", "model:org/name@refs/pr/1 a"),
        ("https://huggingface.co/org/name/tree/main", "model:org/name@main"),
        ("https://huggingface.co/org/name/tree/main/sub", "model:org/name@main sub/"),
        ("https://huggingface.co/org/name/tree", "model:org/name"),
        ("https://huggingface.co/spaces/org/name/blob/main/a", "space:org/name@main a"),
        ("http://localhost:8080/hf/org/name", "model:org/name"),
        ("http://localhost:8080/hf/datasets/org/name/tree/main", "dataset:org/name@main"),
        ("http://localhost:8080/other/x.bin", "http://localhost:8080/other/x.bin"),
        ("http://localhost:9090/hf/org/name", "http://localhost:9090/hf/org/name"),
        ("https://huggingface.co:444/org/name", "https://huggingface.co:444/org/name"),
        ("https://example.org/a.gguf?x=1#y", "https://example.org/a.gguf?x=1"),
        ("https://huggingface.co.evil.example/a/b", "https://huggingface.co.evil.example/a/b"),
    ] {
        assert_eq!(parse(text).map(shown), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn mistakes_are_explained() {
    for (text, expected) in [
        (
            "",
            "\"\" is not the name of a repository: a part of it is empty; it should look like \
            org/name",
        ),
        ("https://", "that is not a web address"),
        ("s3://bucket/key", "s3: is not supported, only hf:, https: and http: are"),
        ("file:///etc/passwd", "file: is not supported, only hf:, https: and http: are"),
        (
            "https://me:secret@example.org/x",
            "there is a user name or password in the address, which would end up in logs",
        ),
        (
            "https://huggingface.co/",
            "the page \"\" holds no files; give org/name, or the address of a repository or of a \
            file in it",
        ),
        (
            "https://huggingface.co/docs/hub/index",
            "the page \"docs\" holds no files; give org/name, or the address of a repository or \
            of a file in it",
        ),
        (
            "https://huggingface.co/org/name/discussions/1",
            "the page \"discussions\" holds no files; give org/name, or the address of a \
            repository or of a file in it",
        ),
        ("dataset/org/name", "write datasets/ instead of dataset/"),
        ("hf://model/org/name", "write models/ instead of model/"),
        ("hf://datasets", "which dataset? Give its name: hf://datasets/org/name"),
        ("https://huggingface.co/spaces/", "which space? Give its name: hf://spaces/org/name"),
        (
            "org/na me",
            "\"org/na me\" is not the name of a repository: it contains ' '; only letters, \
            digits, `-`, `_` and `.` may be in it",
        ),
        (
            "./model",
            "\"./model\" is not the name of a repository: no part of it may begin or end with \
            `-` or `.`",
        ),
        (
            "org/name.git",
            "\"org/name.git\" is not the name of a repository: leave out the `.git` at its end",
        ),
        (
            "org/name@",
            "\"\" cannot be a revision: give a branch, a tag, a commit or refs/pr/NUMBER",
        ),
        (
            "org/name@..%2Fx/a",
            "\"../x\" cannot be a revision: give a branch, a tag, a commit or refs/pr/NUMBER",
        ),
        ("hf://org/name/../x", "\"../x\" is not a safe file name: it has a segment `.` or `..`"),
        (
            "https://huggingface.co/org/name/resolve/main/..%2F..%2Fx",
            "\"../../x\" is not a safe file name: it has a segment `.` or `..`",
        ),
        (
            "https://huggingface.co/org/name/resolve/main//x",
            "\"/x\" is not a safe file name: it is absolute",
        ),
    ] {
        let found = parse(text).map_err(|bad| bad.to_string());
        assert_eq!(found, Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn the_option_names_the_kind_unless_the_word_does() {
    let with = |text, kind| Target::parse(text, Some(kind), &Endpoint::default());
    let repo = with("org/name", RepoKind::Dataset).map(shown);
    assert_eq!(repo, Ok("dataset:org/name".to_owned()));
    let repo = with("hf://datasets/org/name", RepoKind::Dataset).map(shown);
    assert_eq!(repo, Ok("dataset:org/name".to_owned()));
    let kinds = |said, option| Err(BadTarget::Kinds { said, option });
    for (text, said) in [
        ("hf://datasets/org/name", RepoKind::Dataset),
        ("https://huggingface.co/org/name", RepoKind::Model),
    ] {
        assert_eq!(with(text, RepoKind::Space), kinds(said, RepoKind::Space), "{text}");
    }
}

proptest! {
    #[test]
    fn no_word_panics(
        text in any::<String>(),
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "hf://", "https://", "huggingface.co", "localhost:8080", "hf", "datasets", "models",
                "org", "name", "resolve", "tree", "main", "refs", "pr", "1", "@", "/", "//", "%2F",
                "%", "..", "é", "?", "#", ":", "",
            ]),
            0..12,
        ),
    ) {
        let _ = parse(&text);
        let _ = parse(&parts.concat());
        let _ = parse(&parts.join("/"));
        let _ = parse(&format!("https://huggingface.co/{text}"));
        let _ = parse(&format!("hf://org/name@{text}"));
    }
}

#[test]
fn signatures_are_not_shown() {
    for (text, expected) in [
        ("https://h/x?X-Amz-Signature=1#y", "https://h/x?…"),
        ("https://h/x", "https://h/x"),
        ("org/name", "org/name"),
        ("what?", "what?"),
    ] {
        assert_eq!(shown_text(text), expected);
    }
    assert_eq!(super::shown(&"https://h/x?a=b".parse().unwrap()), "https://h/x?…");
}
