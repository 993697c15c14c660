//! What can go wrong outside of us, as a value: input, policy key and snapshot text at once.
//!
//! Not the command's error: that adds what was tried and what is safe on disk.

use std::fmt;

use crate::range::ByteRange;
use crate::time::Duration;

/// Something that went wrong outside of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No such host name, says the resolver for certain.
    NoSuchHost(String),
    /// The name could not be looked up now: the resolver is out of reach.
    Lookup(String),
    /// Nobody listens at the address.
    Refused,
    /// No route, or no network at all.
    Unreachable,
    /// The connection was reset.
    Reset,
    /// The connection ended before the body did.
    Cut,
    /// Nothing arrived for this long, so we closed it.
    Silent(Duration),
    /// TLS could not be agreed on.
    Tls(String),
    /// The other side's certificate is not one to trust: a wrong clock, an inspecting proxy, an
    /// unknown authority.
    Certificate(String),
    /// No certificate can be checked: there are no authorities to trust, or they cannot be read.
    NoAuthorities(String),
    /// The proxy on the way refuses, or there is none of that name. Names it, never its password.
    Proxy(String),
    /// Nobody listens at the proxy's address, which may pass. Names it.
    ProxyDown(String),
    /// Another failure of the connection, in the words of the HTTP client.
    Link(String),
    /// A web page came where the file should: a captive portal, or a proxy's block page.
    Portal,
    /// The answer lacks what every hub sends: something else is answering in its place.
    NotAHub,

    /// The server is overloaded or failing; it may have said when to come back.
    Busy {
        /// The HTTP status.
        status: u16,
        /// How long it asked us to stay away.
        retry_after: Option<Duration>,
    },
    /// The storage host refused the signed URL or, with 401, the token: it has expired, or was
    /// never good.
    LeaseRefused {
        /// The HTTP status.
        status: u16,
        /// What the host says of it, made safe to print; may be empty.
        words: String,
    },
    /// A `200` with a body that is not the whole file we want, in answer to a `Range`.
    RangeIgnored,
    /// A `206` for other bytes than those we asked for.
    WrongRange {
        /// What we asked for.
        asked: ByteRange,
        /// What the answer says it is; `None` if it does not say.
        answered: Option<ByteRange>,
    },
    /// The body is compressed although we asked for identity.
    Encoded(String),
    /// The body is longer than its range.
    TooLong,
    /// The file has another ETag or size than before.
    Changed,
    /// The file is shorter or longer than the hub says: an old copy of it.
    Stale {
        /// How long the hub says that it is, in bytes.
        promised: u64,
        /// How long the copy is, in bytes.
        served: u64,
    },
    /// The hub's content-addressed storage cannot be used from here, and why.
    NoXet(String),
    /// Redirects went in a circle, or too far.
    Redirects,
    /// An answer that makes no sense, in a few words.
    Malformed(String),

    /// The hub wants a token, or a better one.
    TokenNeeded(String),
    /// The repository is gated and this account has no access.
    Gated(String),
    /// No such repository (or it is private and we showed no token that may see it).
    NoSuchRepo(String),
    /// No such branch, tag or commit.
    NoSuchRevision(String),
    /// No such file in the repository at that revision.
    NoSuchFile(String),
    /// The hub, perhaps a mirror, does not tell which files there are.
    NoListing,
    /// There are more files than can be planned at once.
    TooManyFiles,
    /// The hub lists a file by a name that is not safe to create: which, and why.
    UnsafeName(String),
    /// The server will not serve this request, now or later.
    Rejected {
        /// The HTTP status.
        status: u16,
        /// What the server says of it, made safe to print; may be empty.
        words: String,
    },

    /// The disk failed us.
    Disk(DiskFault),
    /// The whole file does not hash to what the publisher promised, and fetching it again did
    /// not help.
    WrongDigest,
}

/// How the disk failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// No space left.
    Full,
    /// The quota of this user is used up.
    Quota,
    /// The filesystem can hold no more files, however small.
    Inodes,
    /// What is to be fetched does not fit.
    NoRoom {
        /// Bytes that are missing of all files.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Where.
        folder: String,
    },
    /// The file is larger than its filesystem can hold.
    TooLarge(String),
    /// The file is longer than this process may write, in bytes.
    FileLimit(u64),
    /// This process may not open more files.
    TooManyOpen,
    /// The filesystem cannot hold a file of that name.
    BadName(String),
    /// Something else is where a file or a folder is to be, in a sentence with its path.
    InTheWay(String),
    /// Somebody has removed, replaced or taken over what we were writing, in a sentence with its
    /// path.
    Gone(String),
    /// Somebody has written to a part that was marked as whole.
    Touched,
    /// We may not write there.
    NotPermitted(String),
    /// The filesystem is read-only.
    ReadOnly(String),
    /// Another failure, in the words of the operating system.
    Io(String),
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blame {
    /// The way to the server.
    Link,
    /// The hub or its storage.
    Server,
    /// What was asked for.
    Request,
    /// This machine's disk.
    Disk,
}

impl DiskFault {
    /// Whether it is about one file alone, so that others can still be written.
    pub const fn is_of_one_file(&self) -> bool {
        match self {
            Self::TooLarge(_)
            | Self::BadName(_)
            | Self::InTheWay(_)
            | Self::Gone(_)
            | Self::Touched => true,
            Self::Full
            | Self::Quota
            | Self::Inodes
            | Self::NoRoom { .. }
            | Self::FileLimit(_)
            | Self::TooManyOpen
            | Self::NotPermitted(_)
            | Self::ReadOnly(_)
            | Self::Io(_) => false,
        }
    }
}

impl Fault {
    /// A refusal of a signed URL or token by a host that did not say why.
    pub const fn refused(status: u16) -> Self {
        Self::LeaseRefused { status, words: String::new() }
    }

    /// A request that is not served, by a server that did not say why.
    pub const fn rejected(status: u16) -> Self {
        Self::Rejected { status, words: String::new() }
    }

    /// Whose fault it is.
    pub const fn blame(&self) -> Blame {
        match self {
            Self::NoSuchHost(_)
            | Self::Lookup(_)
            | Self::Refused
            | Self::Unreachable
            | Self::Reset
            | Self::Cut
            | Self::Silent(_)
            | Self::Tls(_)
            | Self::Certificate(_)
            | Self::NoAuthorities(_)
            | Self::Proxy(_)
            | Self::ProxyDown(_)
            | Self::Link(_)
            | Self::Portal
            | Self::NotAHub => Blame::Link,
            Self::Busy { .. }
            | Self::LeaseRefused { .. }
            | Self::RangeIgnored
            | Self::WrongRange { .. }
            | Self::Encoded(_)
            | Self::TooLong
            | Self::Changed
            | Self::Stale { .. }
            | Self::NoXet(_)
            | Self::NoListing
            | Self::Redirects
            | Self::Malformed(_)
            | Self::WrongDigest => Blame::Server,
            Self::TokenNeeded(_)
            | Self::Gated(_)
            | Self::NoSuchRepo(_)
            | Self::NoSuchRevision(_)
            | Self::NoSuchFile(_)
            | Self::TooManyFiles
            | Self::UnsafeName(_)
            | Self::Rejected { .. } => Blame::Request,
            Self::Disk(_) => Blame::Disk,
        }
    }

    /// A name for the kind of fault, for counting: stable, lower case, one word or two.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoSuchHost(_) => "no such host",
            Self::Lookup(_) => "lookup failed",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::Silent(_) => "silent",
            Self::Tls(_) => "tls",
            Self::Certificate(_) => "certificate",
            Self::NoAuthorities(_) => "no authorities",
            Self::Proxy(_) => "proxy",
            Self::ProxyDown(_) => "proxy down",
            Self::Link(_) => "link",
            Self::Portal => "portal",
            Self::NotAHub => "not a hub",
            Self::Busy { .. } => "busy",
            Self::LeaseRefused { .. } => "url refused",
            Self::RangeIgnored => "range ignored",
            Self::WrongRange { .. } => "wrong range",
            Self::Encoded(_) => "encoded",
            Self::TooLong => "too long",
            Self::Changed => "changed",
            Self::Stale { .. } => "stale",
            Self::NoXet(_) => "no xet",
            Self::Redirects => "redirects",
            Self::Malformed(_) => "malformed",
            Self::TokenNeeded(_) => "token needed",
            Self::Gated(_) => "gated",
            Self::NoSuchRepo(_) => "no such repo",
            Self::NoSuchRevision(_) => "no such revision",
            Self::NoSuchFile(_) => "no such file",
            Self::NoListing => "no listing",
            Self::TooManyFiles => "too many files",
            Self::UnsafeName(_) => "unsafe name",
            Self::Rejected { .. } => "rejected",
            Self::Disk(_) => "disk",
            Self::WrongDigest => "wrong digest",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchHost(host) => write!(f, "there is no host named {host}"),
            Self::Lookup(host) => write!(f, "the name {host} could not be looked up"),
            Self::Refused => f.write_str("the connection was refused"),
            Self::Unreachable => f.write_str("the network is unreachable"),
            Self::Reset => f.write_str("the connection was reset"),
            Self::Cut => f.write_str("the connection closed before the answer was complete"),
            Self::Silent(after) => write!(f, "nothing arrived for {} s", after.as_secs()),
            Self::Tls(words) | Self::Certificate(words) | Self::NoAuthorities(words) => {
                write!(f, "no secure connection: {words}")
            }
            Self::Proxy(words) | Self::ProxyDown(words) => f.write_str(words),
            Self::Link(words) => write!(f, "the connection failed: {words}"),
            Self::Portal => f.write_str(
                "a login page came instead of the answer: open a browser here and sign in",
            ),
            Self::NotAHub => f.write_str("the answer does not come from a Hugging Face hub"),
            Self::Busy { status: 429, .. } => f.write_str("the server says: too many requests"),
            Self::Busy { status, .. } => write!(f, "the server is failing (HTTP {status})"),
            Self::LeaseRefused { status: 401, words } => write!(
                f,
                "the storage host refused the token or signed URL (HTTP 401){}",
                Said(words)
            ),
            Self::LeaseRefused { status, words } => {
                write!(f, "the storage host refused the signed URL (HTTP {status}){}", Said(words))
            }
            Self::RangeIgnored => f.write_str("the server ignored the range asked for"),
            Self::WrongRange { asked, answered: Some(answered) } => {
                write!(f, "the server sent bytes {answered} when asked for {asked}")
            }
            Self::WrongRange { asked, answered: None } => {
                write!(f, "the server did not say which bytes it sent when asked for {asked}")
            }
            Self::Encoded(coding) => write!(f, "the body came compressed ({coding})"),
            Self::TooLong => f.write_str("the body is longer than what was asked for"),
            Self::Changed => f.write_str("the file on the server is not the one we began with"),
            Self::Stale { promised, served } => write!(
                f,
                "the server has an old copy: of {served} bytes, where the hub promises {promised}"
            ),
            Self::NoXet(words) => write!(f, "no Xet here: {words}"),
            Self::Redirects => f.write_str("the server's redirects lead nowhere"),
            Self::Malformed(words) => write!(f, "the server's answer makes no sense: {words}"),
            Self::TokenNeeded(words) | Self::Gated(words) => f.write_str(words),
            Self::NoSuchRepo(repo) => write!(f, "no repository {repo}"),
            Self::NoSuchRevision(revision) => write!(f, "no branch, tag or commit {revision}"),
            Self::NoSuchFile(path) => write!(f, "no file {path}"),
            Self::NoListing => f.write_str("the hub does not tell which files there are"),
            Self::TooManyFiles => f.write_str("there are more files than can be planned at once"),
            Self::UnsafeName(words) => write!(f, "not a safe file name: {words}"),
            Self::Rejected { status, words } => {
                write!(f, "the server rejects the request (HTTP {status}){}", Said(words))
            }
            Self::Disk(fault) => fault.fmt(f),
            Self::WrongDigest => {
                f.write_str("the file does not match the digest its publisher gives")
            }
        }
    }
}

/// What the other side says of it, behind our own words.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no space left on the disk"),
            Self::Quota => f.write_str("your quota on this disk is used up"),
            Self::Inodes => f.write_str("the filesystem can hold no more files"),
            Self::NoRoom { needed, free, folder } => {
                let (needed, free) = (Size(*needed), Size(*free));
                write!(f, "needs {needed}, but only {free} are free in {folder}")
            }
            Self::TooLarge(path) => {
                write!(f, "{path}: the filesystem cannot hold a file as large as that")
            }
            Self::FileLimit(max) => {
                let max = Size(*max);
                write!(f, "this process may not write a file of more than {max} (ulimit -f)")
            }
            Self::TooManyOpen => f.write_str("this process may not open more files"),
            Self::BadName(path) => write!(f, "the filesystem cannot hold a file named {path}"),
            Self::InTheWay(words) | Self::Gone(words) => f.write_str(words),
            Self::Touched => f.write_str("somebody else keeps writing to the unfinished file"),
            Self::NotPermitted(path) => write!(f, "not permitted to write {path}"),
            Self::ReadOnly(path) => write!(f, "{path} is on a read-only filesystem"),
            Self::Io(words) => write!(f, "the disk failed: {words}"),
        }
    }
}

/// A number of bytes for people, in units of 1000 and three digits, rounded down.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB")];
        let found = units.into_iter().chain([(1000, "KB")]).find(|(unit, _)| self.0 >= *unit);
        let Some((unit, name)) = found else { return write!(f, "{} B", self.0) };
        let (whole, thousandths) = (self.0 / unit, self.0 % unit * 1000 / unit);
        match whole {
            0..10 => write!(f, "{whole}.{:02} {name}", thousandths / 10),
            10..100 => write!(f, "{whole}.{} {name}", thousandths / 100),
            _ => write!(f, "{whole} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1024, "1.02 KB"),
            (14_320_000_000, "14.3 GB"),
            (3_100_000_000, "3.10 GB"),
            (999_999_999, "999 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(Size(bytes).to_string(), expected);
        }
    }
}
