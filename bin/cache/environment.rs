//! What the environment says, read as `huggingface_hub` reads it, so that both use one cache.
//!
//! Asks the operating system nothing: `main` passes the variables in, once. The defaults and their
//! order are those of `huggingface_hub/constants.py` (2.4). Unlike there, an empty variable is one
//! that is not set, whichever it is: an `HF_HOME=` in a script means no cache in whatever folder
//! the script runs in.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::config::Config;
use engine::fault::DiskFault;

use crate::disk::{At, Disk, FileKind, if_there};
use crate::http::Network;

/// The settings that come from environment variables.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    /// `HF_HOME`: where everything of Hugging Face is kept.
    pub home: PathBuf,
    /// `HF_HUB_CACHE`: the cache.
    pub hub_cache: PathBuf,
    /// `HF_TOKEN_PATH`: the file that `hf auth login` writes.
    pub token_path: PathBuf,
    /// `HF_TOKEN`.
    pub token: Option<String>,
    /// `HF_HUB_DISABLE_IMPLICIT_TOKEN`: send a token only when told to by an argument.
    pub is_token_explicit: bool,
    /// `HF_ENDPOINT`, without a slash at its end.
    pub endpoint: Option<String>,
    /// `HF_HUB_OFFLINE`: ask no hub anything.
    pub is_offline: bool,
    /// `HF_HUB_DISABLE_XET`.
    pub is_xet_disabled: bool,
    /// `HF_HUB_DISABLE_SYMLINKS`: snapshots hold copies.
    pub are_symlinks_disabled: bool,
    /// `HF_HUB_DISABLE_PROGRESS_BARS`, if it is set at all.
    pub are_bars_disabled: Option<bool>,
    /// `NO_COLOR` is set to anything.
    pub is_colorless: bool,
    /// `HF_HUB_DOWNLOAD_TIMEOUT`: a connection may be silent for so long before it is closed.
    pub silence_timeout: Option<Duration>,
    /// `HF_HUB_ETAG_TIMEOUT`: the hub may take so long for an answer.
    pub answer_timeout: Option<Duration>,
    /// Proxies, and certificate authorities.
    pub network: Network,
    /// Variables that ask for something which is always so here, or never.
    pub idle_variables: Vec<&'static str>,
}

impl Environment {
    /// Reads all variables through `lookup`. `user_home` is the user's own folder.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>, user_home: &Path) -> Self {
        let variables = Variables { lookup, user_home };
        let home = variables.path("HF_HOME").unwrap_or_else(|| {
            let caches = variables
                .value("XDG_CACHE_HOME")
                .map_or_else(|| user_home.join(".cache"), PathBuf::from);
            variables.expand(caches.join("huggingface").as_os_str())
        });
        let hub_cache = variables
            .path("HF_HUB_CACHE")
            .or_else(|| variables.path("HUGGINGFACE_HUB_CACHE"))
            .unwrap_or_else(|| home.join("hub"));
        let token_path = variables.path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let token = |name| variables.text(name).and_then(|token| clean_token(&token));
        let token = token("HF_TOKEN").or_else(|| token("HUGGING_FACE_HUB_TOKEN"));
        let endpoint = variables.text("HF_ENDPOINT");
        let offline =
            variables.text("HF_HUB_OFFLINE").or_else(|| variables.text("TRANSFORMERS_OFFLINE"));
        Self {
            home,
            hub_cache,
            token_path,
            token,
            is_token_explicit: variables.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"),
            endpoint: endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
            is_offline: offline.is_some_and(|value| is_true(&value)),
            is_xet_disabled: variables.is_true("HF_HUB_DISABLE_XET"),
            are_symlinks_disabled: variables.is_true("HF_HUB_DISABLE_SYMLINKS"),
            are_bars_disabled: variables
                .value("HF_HUB_DISABLE_PROGRESS_BARS")
                .map(|value| value.to_str().is_some_and(is_true)),
            is_colorless: variables.text("NO_COLOR").is_some(),
            silence_timeout: variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT"),
            answer_timeout: variables.seconds("HF_HUB_ETAG_TIMEOUT"),
            network: Network::read(&variables.lookup),
            idle_variables: IDLE_VARIABLES
                .into_iter()
                .filter(|name| variables.is_true(name))
                .collect(),
        }
    }

    /// The settings, with the patience that the variables ask for. A timeout of theirs is how long
    /// we wait at least: what is set to help a slow link must not end what would have gone well,
    /// and the default of `huggingface_hub`, 10 s, changes nothing.
    pub fn with_patience(&self, mut config: Config) -> Config {
        config.stall_at_least = config.stall_at_least.or(self.silence_timeout);
        config.answer_within = config.answer_within.or(self.answer_timeout);
        config
    }

    /// The token to send: the variable, or else what `hf auth login` left. Blocks.
    ///
    /// # Errors
    ///
    /// When there is a file for the token and it cannot be read.
    pub fn implicit_token<D: Disk>(&self, disk: &D) -> Result<Option<String>, DiskFault> {
        if self.is_token_explicit {
            return Ok(None);
        }
        if self.token.is_some() {
            return Ok(self.token.clone());
        }
        // Secrets are often mounted, or kept elsewhere, as symbolic links.
        let path = follow(disk, &self.token_path)?;
        let Some(bytes) = if_there(disk.read(&path, TOKEN_FILE_MAX)).at(&path)? else {
            return Ok(None);
        };
        Ok(clean_token(&String::from_utf8_lossy(&bytes)))
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the token.
        f.debug_struct("Environment")
            .field("hub_cache", &self.hub_cache)
            .field("token_path", &self.token_path)
            .field("has_token", &self.token.is_some())
            .field("endpoint", &self.endpoint)
            .field("is_offline", &self.is_offline)
            .finish_non_exhaustive()
    }
}

/// The file that `path` leads to, through symbolic links at its end. Blocks.
///
/// # Errors
///
/// When they cannot be read, or lead in a circle.
pub fn follow<D: Disk>(disk: &D, path: &Path) -> Result<PathBuf, DiskFault> {
    let circle = || DiskFault::InTheWay(format!("{} is a link in a circle", path.display()));
    destination(disk, path)?.ok_or_else(circle)
}

/// The same; `None` if the links lead in a circle.
pub(super) fn destination<D: Disk>(disk: &D, path: &Path) -> Result<Option<PathBuf>, DiskFault> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let stat = if_there(disk.stat(&path)).at(&path)?;
        if stat.is_none_or(|stat| stat.kind != FileKind::Symlink) {
            return Ok(Some(path));
        }
        let target = disk.read_link(&path).at(&path)?;
        path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    Ok(None)
}

struct Variables<'a, L> {
    lookup: L,
    user_home: &'a Path,
}

impl<L: Fn(&str) -> Option<OsString>> Variables<'_, L> {
    /// A value that is not empty.
    fn value(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A value that is text, and not empty.
    fn text(&self, name: &str) -> Option<String> {
        self.value(name)?.into_string().ok()
    }

    fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| is_true(&value))
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        let seconds = self.text(name)?.trim().parse().ok().filter(|seconds| *seconds > 0.0)?;
        Duration::try_from_secs_f64(seconds).ok().map(|patience| patience.min(PATIENCE_MAX))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name).map(|value| self.expand(&value))
    }

    /// Python's `expandvars(expanduser(value))`. A path that is not text is taken as it is.
    fn expand(&self, value: &OsStr) -> PathBuf {
        let Some(text) = value.to_str() else { return PathBuf::from(value) };
        let home = self.user_home.to_string_lossy();
        let text = match text.strip_prefix('~') {
            Some("") => home.into_owned(),
            Some(rest) if rest.starts_with('/') => format!("{}{rest}", home.trim_end_matches('/')),
            Some(_) | None => text.to_owned(),
        };
        PathBuf::from(self.expand_variables(&text))
    }

    /// Replaces `$NAME` and `${NAME}`; a name that is not set stays as it is.
    fn expand_variables(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let (name, len) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}'))
            {
                Some((name, _)) => (name, name.len() + 2),
                None => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    let len = after.find(|c| !is_name(c)).unwrap_or(after.len());
                    (&after[..len], len)
                }
            };
            match (self.lookup)(name).filter(|_| !name.is_empty()) {
                Some(value) => out.push_str(&value.to_string_lossy()),
                None => out.push_str(&rest[at..=at + len]),
            }
            rest = &after[len..];
        }
        out + rest
    }
}

fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
}

/// A token as people and editors leave it in files and scripts: with line breaks, in quotes, after
/// a byte order mark.
fn clean_token(token: &str) -> Option<String> {
    let token = token.replace(['\r', '\n', '\u{feff}'], "");
    let is_around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    Some(token.trim_matches(is_around).to_owned()).filter(|token| !token.is_empty())
}

const TOKEN_FILE_MAX: u64 = 64 * 1024;
const LINKS_MAX: usize = 16;
/// A timeout of more is none.
const PATIENCE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Ways to be faster that other clients have, and that are always on here where they would help.
const IDLE_VARIABLES: [&str; 2] = ["HF_HUB_ENABLE_HF_TRANSFER", "HF_XET_HIGH_PERFORMANCE"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::StdDisk;

    fn read(variables: &[(&str, &str)]) -> Environment {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Environment::read(lookup, Path::new("/home/me"))
    }

    #[test]
    fn the_cache_is_where_hf_has_it() {
        let check = |variables: &[(&str, &str)], cache: &str, token: &str| {
            let environment = read(variables);
            assert_eq!(environment.hub_cache, Path::new(cache), "{variables:?}");
            assert_eq!(environment.token_path, Path::new(token), "{variables:?}");
        };
        let home = "/home/me/.cache/huggingface";
        check(&[], &format!("{home}/hub"), &format!("{home}/token"));
        check(&[("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub", "/x/huggingface/token");
        check(&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")], "/h/hub", "/h/token");
        check(&[("HF_HOME", "~/h")], "/home/me/h/hub", "/home/me/h/token");
        check(&[("HUGGINGFACE_HUB_CACHE", "/old")], "/old", &format!("{home}/token"));
        let both = [("HF_HUB_CACHE", "/new"), ("HUGGINGFACE_HUB_CACHE", "/old")];
        check(&both, "/new", &format!("{home}/token"));
        let names = ["HF_HOME", "XDG_CACHE_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"];
        let empty: Vec<_> = names.into_iter().chain(["HF_TOKEN_PATH"]).map(|it| (it, "")).collect();
        check(&empty, &format!("{home}/hub"), &format!("{home}/token"));
        let with_variables = [
            ("D", "/data"),
            ("HF_HUB_CACHE", "$D/a/${D}b/$NONE/${NONE}/$"),
            ("HF_TOKEN_PATH", "~"),
        ];
        check(&with_variables, "/data/a//datab/$NONE/${NONE}/$", "/home/me");
    }

    #[test]
    fn only_four_words_are_true() {
        for (value, expected) in
            [("1", true), ("on", true), ("Yes", true), ("TRUE", true), ("0", false), ("y", false)]
        {
            assert_eq!(read(&[("HF_HUB_OFFLINE", value)]).is_offline, expected, "{value}");
            assert_eq!(read(&[("HF_HUB_DISABLE_XET", value)]).is_xet_disabled, expected, "{value}");
        }
        assert!(read(&[("HF_HUB_OFFLINE", ""), ("TRANSFORMERS_OFFLINE", "1")]).is_offline);
        assert_eq!(read(&[]).are_bars_disabled, None);
        assert_eq!(read(&[("HF_HUB_DISABLE_PROGRESS_BARS", "0")]).are_bars_disabled, Some(false));
        assert_eq!(read(&[("HF_HUB_DISABLE_PROGRESS_BARS", "")]).are_bars_disabled, None);
        assert!(!read(&[("HF_HUB_DISABLE_XET", "")]).is_xet_disabled);
        assert!(!read(&[("NO_COLOR", "")]).is_colorless);
        assert!(read(&[("NO_COLOR", "0")]).is_colorless);
    }

    #[test]
    fn timeouts_are_how_long_we_wait_at_least() {
        for (value, expected) in [
            ("120", Some(120_000)),
            (" 0.5 ", Some(500)),
            ("1e99", None),
            ("1e9", Some(86_400_000)),
            ("", None),
            ("0", None),
            ("-3", None),
            ("nan", None),
            ("soon", None),
        ] {
            let names = ["HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"];
            let environment = read(&names.map(|name| (name, value)));
            let config = environment.with_patience(Config::default());
            let expected = expected.map(Duration::from_millis);
            assert_eq!(config.stall_at_least, expected, "{value}");
            assert_eq!(config.answer_within, expected, "{value}");
            assert_eq!(config.stall_after, None, "{value}");
        }
    }

    #[test]
    fn variables_that_mean_nothing_here_are_known_where_they_are_on() {
        let (on, off) = (("HF_XET_HIGH_PERFORMANCE", "1"), ("HF_HUB_ENABLE_HF_TRANSFER", "0"));
        assert_eq!(read(&[on, off]).idle_variables, ["HF_XET_HIGH_PERFORMANCE"]);
    }

    #[test]
    fn an_endpoint_has_no_slash_at_its_end() {
        assert_eq!(read(&[]).endpoint, None);
        let environment = read(&[("HF_ENDPOINT", "https://hub.test/")]);
        assert_eq!(environment.endpoint.as_deref(), Some("https://hub.test"));
        assert_eq!(read(&[("HF_ENDPOINT", "")]).endpoint, None);
    }

    #[test]
    fn a_token_is_what_is_left_without_what_editors_and_shells_add() {
        for text in [
            "hf_x",
            " hf_x\r\n",
            "\u{feff}hf_x\n",
            "\"hf_x\"",
            "'hf_x'\n",
            "\u{feff}\"hf_x\"\r\n",
            "hf_\nx",
        ] {
            assert_eq!(clean_token(text).as_deref(), Some("hf_x"), "{text:?}");
            assert_eq!(read(&[("HF_TOKEN", text)]).token.as_deref(), Some("hf_x"), "{text:?}");
        }
        for text in ["", " \n", "\"\"", "\u{feff}"] {
            assert_eq!(clean_token(text), None, "{text:?}");
        }
        let both = [("HF_TOKEN", "\"\""), ("HUGGING_FACE_HUB_TOKEN", "hf_x")];
        assert_eq!(read(&both).token.as_deref(), Some("hf_x"));
    }

    #[test]
    fn the_token_comes_from_the_variable_then_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = path.to_str().unwrap();
        let token = |variables: &[(&str, &str)]| read(variables).implicit_token(&StdDisk).unwrap();
        assert_eq!(token(&[("HF_TOKEN_PATH", file)]), None);
        std::fs::write(&path, " hf_file\r\n").unwrap();
        assert_eq!(token(&[("HF_TOKEN_PATH", file)]).as_deref(), Some("hf_file"));
        let both = [("HF_TOKEN_PATH", file), ("HF_TOKEN", "hf_variable\n")];
        assert_eq!(token(&both).as_deref(), Some("hf_variable"));
        let explicit = [("HF_TOKEN", "x"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")];
        assert_eq!(token(&explicit), None);
        assert!(!format!("{:?}", read(&both)).contains("hf_variable"));
    }

    #[cfg(unix)]
    #[test]
    fn the_token_file_may_be_a_link() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "hf_linked").unwrap();
        let path = folder.path().join("token");
        StdDisk.symlink(Path::new("secret"), &path).unwrap();
        let environment = read(&[("HF_TOKEN_PATH", path.to_str().unwrap())]);
        assert_eq!(environment.implicit_token(&StdDisk).unwrap().as_deref(), Some("hf_linked"));
    }
}
