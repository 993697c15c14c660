//! The arguments that more than one command takes: which files, and where they are kept.
//!
//! Checks the form only; what makes sense together is the library's to judge.

use std::path::PathBuf;

use clap::Args;
use engine::hub::repo::RepoKind;
use moshi_fetch::fetch::FetchBuilder;

/// Which files.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// ORG/NAME, an hf:// address, a hub URL, or any https URL with --sha256
    #[arg(value_name = "REPO")]
    pub(crate) repo: String,
    /// Files of the repository; all of it if none is given
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
}

impl Files {
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
        fetch
    }
}

fn parse_kind(text: &str) -> Result<RepoKind, engine::hub::repo::BadRepoKind> {
    text.parse()
}
