//! Why the command failed: what happened, whose fault it is, what is safe on the disk, and what to
//! do next.
//!
//! Prints nothing; the command does.

use std::fmt;
use std::time::Duration;

use engine::fault::{Blame, DiskFault, Fault};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    /// What happened.
    pub kind: ErrorKind,
    /// What it was about: a repository, a file, a path.
    pub subject: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// How long it was tried.
    pub elapsed: Duration,
    /// What of the download is on the disk and proven, if a download had begun.
    pub safe: Option<Safe>,
}

/// Bytes on the disk that the next run will not fetch again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safe {
    /// Bytes that are proven.
    pub proven: u64,
    /// Bytes there are in all.
    pub total: u64,
}

/// What happened.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A fault that trying again does not cure, or has not cured.
    #[error("{0}")]
    Fault(Fault),
    /// No progress for as long as the person was willing to wait.
    #[error("gave up after {} s without progress{}", .after.as_secs(), last(.fault.as_ref()))]
    GaveUp {
        /// How long.
        after: Duration,
        /// What went wrong last.
        fault: Option<Fault>,
    },
    /// Files on this disk that are not what their publisher says.
    #[error("{damaged} of {checked} files are damaged or incomplete")]
    Damaged {
        /// How many are damaged.
        damaged: usize,
        /// How many were looked at.
        checked: usize,
    },
    /// Some files could not be had; the others are in place.
    #[error("{} of {of} files could not be fetched{}", .failed.len(), first(.failed))]
    Some {
        /// Which files, and why.
        failed: Vec<(String, Fault)>,
        /// How many were asked for.
        of: usize,
    },
    /// Nothing is cached, and we are told to stay offline.
    #[error("not in the cache, and HF_HUB_OFFLINE keeps us from asking the hub")]
    Offline,
    /// The person stopped it.
    #[error("interrupted")]
    Interrupted,
}

fn first(failed: &[(String, Fault)]) -> String {
    failed.first().map_or(String::new(), |(path, fault)| format!("; the first: {path}: {fault}"))
}

fn last(fault: Option<&Fault>) -> String {
    fault.map_or(String::new(), |fault| format!("; the last fault: {fault}"))
}

impl Error {
    /// An error about nothing in particular.
    pub const fn new(kind: ErrorKind) -> Self {
        Self { kind, subject: None, attempts: 1, elapsed: Duration::ZERO, safe: None }
    }

    /// A mistake in what was asked for.
    pub fn usage(words: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage(words.into()))
    }

    /// A mistake in what was asked for, in the words of whoever found it.
    pub(crate) fn usage_of(words: impl fmt::Display) -> Self {
        Self::usage(words.to_string())
    }

    /// The same error, about this.
    #[must_use]
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// The exit code that the command documents for this.
    pub fn exit_code(&self) -> u8 {
        match &self.kind {
            ErrorKind::Usage(_) => 2,
            ErrorKind::Fault(fault) => exit_code_of(fault),
            ErrorKind::GaveUp { .. } => 7,
            ErrorKind::Damaged { .. } => 3,
            ErrorKind::Some { failed, .. } => {
                failed.first().map_or(1, |(_, fault)| exit_code_of(fault))
            }
            ErrorKind::Offline => 5,
            ErrorKind::Interrupted => 130,
        }
    }

    /// The fault that it is, if it is about one.
    pub const fn fault(&self) -> Option<&Fault> {
        match &self.kind {
            ErrorKind::Fault(fault) => Some(fault),
            ErrorKind::Usage(_)
            | ErrorKind::GaveUp { .. }
            | ErrorKind::Damaged { .. }
            | ErrorKind::Some { .. }
            | ErrorKind::Offline
            | ErrorKind::Interrupted => None,
        }
    }

    /// Whose fault it is, where that is somebody's.
    pub fn blame(&self) -> Option<Blame> {
        match &self.kind {
            ErrorKind::Fault(fault) => Some(fault.blame()),
            ErrorKind::GaveUp { fault, .. } => fault.as_ref().map(Fault::blame),
            ErrorKind::Some { failed, .. } => failed.first().map(|(_, fault)| fault.blame()),
            ErrorKind::Usage(_) => Some(Blame::Request),
            ErrorKind::Damaged { .. } => Some(Blame::Disk),
            ErrorKind::Offline | ErrorKind::Interrupted => None,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.kind {
            ErrorKind::Fault(fault) => hint_of(fault),
            ErrorKind::Some { failed, .. } => failed.first().and_then(|(_, fault)| hint_of(fault)),
            // These do not get better by waiting.
            ErrorKind::GaveUp {
                fault: Some(fault @ (Fault::Portal | Fault::NotAHub | Fault::ProxyDown(_))),
                ..
            } => hint_of(fault),
            ErrorKind::GaveUp { .. } => {
                Some("run the same command again when the link is better: it continues")
            }
            ErrorKind::Damaged { .. } => {
                Some("`moshi-fetch verify --repair` fetches again only what is damaged")
            }
            ErrorKind::Offline => Some("unset HF_HUB_OFFLINE, or fetch it first"),
            ErrorKind::Interrupted => Some("run the same command again: it continues"),
            ErrorKind::Usage(_) => Some("see `moshi-fetch --help`"),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(ErrorKind::Fault(fault))
    }
}

impl From<DiskFault> for Error {
    fn from(fault: DiskFault) -> Self {
        Fault::Disk(fault).into()
    }
}

/// The documented exit code for a fault that ended a command.
fn exit_code_of(fault: &Fault) -> u8 {
    if matches!(fault, Fault::TokenNeeded(_) | Fault::Gated(_) | Fault::LeaseRefused { .. })
        || matches!(fault, Fault::Rejected { status: 402 | 403 | 451, .. })
    {
        return 4;
    }
    if matches!(fault, Fault::NoSuchRepo(_) | Fault::NoSuchRevision(_) | Fault::NoSuchFile(_)) {
        return 5;
    }
    if *fault == Fault::WrongDigest {
        return 3;
    }
    if fault.blame() == Blame::Disk { 6 } else { 1 }
}

fn hint_of(fault: &Fault) -> Option<&'static str> {
    let hint = match fault {
        Fault::TokenNeeded(_) => {
            "make a token at https://huggingface.co/settings/tokens and set HF_TOKEN or --token"
        }
        Fault::Gated(_) => "ask for access on the repository's page, with the account of the token",
        Fault::NoSuchRepo(_) => {
            "check the spelling and --repo-type; a private repository needs a token (HF_TOKEN)"
        }
        Fault::NoSuchRevision(_) => "leave out --revision for the main branch",
        Fault::NoSuchFile(_) => "leave out the file to see, with --dry-run, what there is",
        Fault::Disk(fault) => hint_of_disk(fault),
        Fault::WrongDigest => {
            "the hub or a proxy on the way serves other bytes than were published: try another \
             network, or tell the repository's owner"
        }
        Fault::NoSuchHost(_) | Fault::Refused => {
            "check HF_ENDPOINT and the network; --give-up-after 1h keeps trying that long"
        }
        Fault::Tls(_) => "check the address, and whether a proxy or a portal stands on the way",
        Fault::Certificate(_) => {
            "check this machine's clock and the network; if a proxy that you trust inspects \
             connections, name the file with its certificate authority in SSL_CERT_FILE"
        }
        Fault::NoAuthorities(_) => {
            "install the package ca-certificates, or name a file with certificate authorities \
             (PEM) in SSL_CERT_FILE"
        }
        Fault::Portal => {
            "open a browser on this network and sign in; then run the same command again"
        }
        Fault::NotAHub => {
            "HF_ENDPOINT must be the address of a hub, or of a mirror of one: check it, or unset it"
        }
        Fault::NoListing => {
            "name the files that you want, or unset HF_ENDPOINT to ask the hub itself"
        }
        Fault::TooManyFiles => "fetch them in parts: folder by folder, or with --include",
        Fault::UnsafeName(_) => "leave it out with --exclude",
        Fault::Changed => "run the command again to fetch the new version",
        Fault::LeaseRefused { .. } => "the storage host keeps refusing: try again later",
        Fault::Lookup(_)
        | Fault::Unreachable
        | Fault::Reset
        | Fault::Cut
        | Fault::Silent(_)
        | Fault::Link(_)
        | Fault::Busy { .. }
        | Fault::RangeIgnored
        | Fault::WrongRange { .. }
        | Fault::Encoded(_)
        | Fault::TooLong
        | Fault::Redirects
        | Fault::Malformed(_) => "run the same command again: it continues",
        Fault::Stale { .. } => {
            "set HF_ENDPOINT to another mirror, or unset it to ask the hub itself"
        }
        Fault::NoXet(_) => "use --no-xet",
        Fault::Proxy(_) | Fault::ProxyDown(_) => {
            "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY (http://USER:PASSWORD@HOST:PORT) and \
             NO_PROXY, or unset them to connect directly"
        }
        Fault::Rejected { status, .. } => hint_of_rejection(*status),
    };
    Some(hint)
}

const fn hint_of_rejection(status: u16) -> &'static str {
    match status {
        402 => "see the billing page of your account on the hub",
        403 => "ask the repository's owner, or try another network or a mirror (HF_ENDPOINT)",
        451 => "it is not served where you are: ask its owner, or try a mirror (HF_ENDPOINT)",
        _ => "check HF_ENDPOINT, and whether a proxy changes requests on the way",
    }
}

const fn hint_of_disk(fault: &DiskFault) -> &'static str {
    match fault {
        DiskFault::Full | DiskFault::NoRoom { .. } => {
            "free some space, or use --cache-dir on another disk; then run the same command again"
        }
        DiskFault::Quota => {
            "remove what you no longer need, or use --cache-dir on another disk; then run the same \
             command again"
        }
        DiskFault::Inodes => {
            "remove some files, or use --cache-dir on another disk; then run the same command again"
        }
        DiskFault::TooLarge(_) => {
            "FAT32 holds files up to 4 GiB: use --cache-dir or --local-dir on another filesystem"
        }
        DiskFault::FileLimit(_) => {
            "raise the limit with `ulimit -f unlimited`; then run the same command again"
        }
        DiskFault::TooManyOpen => {
            "close other programs, or raise the limit with `ulimit -n`; then run the same command \
             again"
        }
        DiskFault::BadName(_) => {
            "use --cache-dir or --local-dir on another filesystem, or leave it out with --exclude"
        }
        DiskFault::InTheWay(_) => {
            "move it away, or use --cache-dir or --local-dir with another folder; then run the \
             same command again"
        }
        DiskFault::Gone(_) | DiskFault::Touched => {
            "find out which program cleans up or changes files there; then run the same command \
             again"
        }
        DiskFault::NotPermitted(_) | DiskFault::ReadOnly(_) => {
            "use --cache-dir or --local-dir with a folder that you may write to"
        }
        DiskFault::Io(_) => {
            "check the folder, and the system's log for disk errors, or choose another with \
             --cache-dir or --local-dir; then run the same command again"
        }
    }
}
