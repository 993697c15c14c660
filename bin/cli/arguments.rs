//! The arguments that more than one command takes: which files, and where they are kept.
//!
//! Checks the form only; what makes sense together is the library's to judge.

use std::path::PathBuf;

use clap::{ArgMatches, Args};
use engine::hub::repo::RepoKind;
use engine::hub::target::shown_text;
use moshi_fetch::fetch::FetchBuilder;

/// Which files.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// ORG/NAME, an hf:// address, a hub URL, or any https URL with --sha256
    #[arg(value_name = "REPO")]
    pub(crate) repo: String,
    /// Files or folders of the repository; all of it if none is given
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Branch, tag or commit [default: main]
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// model, dataset or space [default: model]
    #[arg(long, value_name = "TYPE", value_parser = parse_kind, hide_possible_values = true)]
    repo_type: Option<RepoKind>,
}

/// Where they are kept.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Keep the files in this cache [default: the cache of the Hugging Face tools]
    #[arg(long, value_name = "DIR", conflicts_with = "local_dir")]
    cache_dir: Option<PathBuf>,
    /// Keep the files in this folder, under their own names
    #[arg(long, value_name = "DIR")]
    local_dir: Option<PathBuf>,
    /// What to call the file behind a plain URL [default: as its server or the URL says]
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
}

impl Files {
    /// What is asked for, as it may be shown: without a signature that an address may end with.
    pub(crate) fn subject(&self) -> String {
        shown_text(&self.repo)
    }

    /// Takes out the words that follow a value of one of these options, one after the other: as
    /// `hf` takes them, they are more values of it.
    pub(crate) fn take_values_of<const N: usize>(
        &mut self,
        options: [&str; N],
        matches: &ArgMatches,
    ) -> [Vec<String>; N] {
        let indices = |id| matches.indices_of(id).map_or_else(Vec::new, Iterator::collect);
        let mut taken: [Vec<usize>; N] = options.map(indices);
        let mut values = [const { Vec::new() }; N];
        let mut files = Vec::new();
        for (text, at) in self.files.drain(..).zip(indices("files")) {
            let before = at.saturating_sub(1);
            match taken.iter().position(|taken| taken.contains(&before)) {
                Some(option) => {
                    taken[option].push(at);
                    values[option].push(text);
                }
                None => files.push(text),
            }
        }
        self.files = files;
        values
    }

    /// Tells the library.
    pub(crate) fn apply(self, mut fetch: FetchBuilder) -> FetchBuilder {
        if let Some(revision) = self.revision {
            fetch = fetch.revision(revision);
        }
        if let Some(kind) = self.repo_type {
            fetch = fetch.kind(kind);
        }
        self.files.into_iter().fold(fetch, FetchBuilder::file)
    }
}

impl Place {
    /// Tells the library.
    pub(crate) fn apply(self, mut fetch: FetchBuilder) -> FetchBuilder {
        if let Some(folder) = self.cache_dir {
            fetch = fetch.cache_dir(folder);
        }
        if let Some(folder) = self.local_dir {
            fetch = fetch.local_dir(folder);
        }
        if let Some(name) = self.output {
            fetch = fetch.output(name);
        }
        fetch
    }
}

fn parse_kind(text: &str) -> Result<RepoKind, engine::hub::repo::BadRepoKind> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        files: Files,
        #[arg(long)]
        include: Vec<String>,
        #[arg(long)]
        exclude: Vec<String>,
        #[arg(long)]
        quiet: bool,
    }

    #[test]
    fn globs_may_follow_each_other() {
        for (line, expected) in [
            ("a/b", "a/b [] [] []"),
            ("a/b x y", "a/b [x y] [] []"),
            ("a/b --include *.json *.txt", "a/b [] [*.json *.txt] []"),
            ("a/b --include=*.json *.txt", "a/b [] [*.json *.txt] []"),
            ("a/b --include x y --exclude z u v", "a/b [] [x y] [z u v]"),
            ("a/b --include x --include y z", "a/b [] [x y z] []"),
            ("--include x a/b", "a/b [] [x] []"),
            ("--include x a/b y", "a/b [y] [x] []"),
            ("a/b f --include x --quiet g", "a/b [f g] [x] []"),
        ] {
            let words = std::iter::once("m").chain(line.split(' '));
            let matches = Typed::command().try_get_matches_from(words).unwrap();
            let mut typed = Typed::from_arg_matches(&matches).unwrap();
            let [include, exclude] = typed.files.take_values_of(["include", "exclude"], &matches);
            typed.include.extend(include);
            typed.exclude.extend(exclude);
            let list = |words: &[String]| format!("[{}]", words.join(" "));
            let (include, exclude) = (list(&typed.include), list(&typed.exclude));
            let files = list(&typed.files.files);
            let found = format!("{} {files} {include} {exclude}", typed.files.repo);
            assert_eq!(found, expected, "{line}");
            assert_eq!(typed.quiet, line.contains("quiet"));
        }
    }
}
