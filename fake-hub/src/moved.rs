//! Names of repositories that are not, or no longer, their own.
//!
//! Only whether there is such a repository counts here; who may see it is asked where it is.

use axum::http::Uri;

use crate::hub::Hub;
use crate::path::encode;
use crate::repo::spec::Access;
use crate::repo_id::RepoId;

impl Hub {
    /// Where a request under another name of a repository is to go: the same place under its own
    /// name. A name that differs in case alone is another name, too.
    pub(crate) fn moved(&self, asked: &RepoId, uri: &Uri) -> Option<String> {
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
        let path = uri.path();
        let at = path.find(&from)?;
        let (before, after) = (&path[..at], &path[at + from.len()..]);
        let query = uri.query().filter(|query| !query.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("{before}/{}{after}{query}", encode(&to.name)))
    }
}
