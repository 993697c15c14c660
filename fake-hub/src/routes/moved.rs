//! Names of repositories that are not, or no longer, their own.
//!
//! Only whether there is such a repository counts here; who may see it is asked where it is.

use crate::hub::Hub;
use crate::repo::{Access, RepoId};
use crate::routes::Ask;
use crate::target::{Target, encode};

impl Hub {
    /// Where a request under another name of a repository is to go: the same place under its own
    /// name. A name that differs in case alone is another name, too.
    pub(crate) fn moved(&self, ask: &Ask) -> Option<String> {
        let asked = repo_of(&ask.target)?;
        if self.repos.contains_key(asked) {
            return None;
        }
        let is_spelt_so =
            |id: &&RepoId| id.kind == asked.kind && id.name.eq_ignore_ascii_case(&asked.name);
        let to = self.aliases.get(asked).or_else(|| self.repos.keys().find(is_spelt_so))?;
        if self.repo(to)?.access == Access::Private {
            return None;
        }
        let from = format!("/{}", encode(&asked.name));
        let at = ask.path.find(&from)?;
        let (before, after) = (&ask.path[..at], &ask.path[at + from.len()..]);
        let query = if ask.query.is_empty() { String::new() } else { format!("?{}", ask.query) };
        Some(format!("{before}/{}{after}{query}", encode(&to.name)))
    }
}

fn repo_of(target: &Target) -> Option<&RepoId> {
    match target {
        Target::Resolve(file) | Target::ResolveCache(file) | Target::Tree(file) => Some(&file.repo),
        Target::Info { repo, .. }
        | Target::PathsInfo { repo, .. }
        | Target::XetToken { repo, .. } => Some(repo),
        Target::Whoami
        | Target::Blob { .. }
        | Target::Reconstruction { .. }
        | Target::Xorb { .. }
        | Target::Chunk { .. }
        | Target::Telemetry
        | Target::Portal
        | Target::Stats
        | Target::Reset
        | Target::Unknown { .. } => None,
    }
}
