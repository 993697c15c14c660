//! A world for the bare machine, as plain data: what is fetched over what, and what goes wrong.
//!
//! Draws nothing and runs nothing.

use engine::config::Config;
use engine::time::Duration;

use crate::profile::Profile;

/// Everything a run depends on. Equal worlds run alike. Times count from the start of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// What all that is left to chance comes from.
    pub seed: u64,
    /// The sizes of the files, in bytes.
    pub files: Vec<u64>,
    /// What the link is called.
    pub link: String,
    /// What it is like.
    pub profile: Profile,
    /// How the machine is set.
    pub config: Config,
    /// How long a signed URL is good.
    pub ttl: Option<Duration>,
    /// How far the storage's clock, which decides that, is ahead of the hub's.
    pub clock_ahead: Duration,
    /// Bytes travel in pieces of at least so many: larger ones make faster runs.
    pub piece_min: u64,
    /// How long the disk takes to sync a file.
    pub sync_lasts: Duration,
    /// What the hub and its storage do wrong, and when.
    pub troubles: Vec<Trouble>,
    /// A replica that has a wrong byte.
    pub replica: Option<Replica>,
    /// ETags that change.
    pub etags: Option<Etags>,
    /// What the hub says of every file, instead of where it is.
    pub refusal: Option<Refusal>,
    /// When the program dies.
    pub crashes: Vec<Crash>,
    /// When the disk is full.
    pub disk_full: Option<DiskFull>,
    /// When the person stops the program, to start it again a second later.
    pub cancel_at: Option<Duration>,
    /// When the last of all troubles is over, but for what the link is like by itself.
    pub calm_at: Duration,
}

impl World {
    /// A world in which nothing goes wrong but what the link does.
    pub fn calm(seed: u64, link: &str, profile: Profile, files: Vec<u64>) -> Self {
        Self {
            seed,
            files,
            link: link.to_owned(),
            profile,
            config: Config::default(),
            ttl: None,
            clock_ahead: Duration::ZERO,
            piece_min: 0,
            sync_lasts: Duration::from_millis(10),
            troubles: Vec::new(),
            replica: None,
            etags: None,
            refusal: None,
            crashes: Vec::new(),
            disk_full: None,
            cancel_at: None,
            calm_at: Duration::ZERO,
        }
    }

    /// Whether anybody sends a byte that is not the file's.
    pub(super) fn is_damaged(&self) -> bool {
        let is_flip = |trouble: &Trouble| trouble.kind == TroubleKind::Flip;
        self.replica.is_some()
            || matches!(self.etags, Some(Etags::Replaced(_)))
            || self.troubles.iter().any(is_flip)
    }

    /// Bytes in all files together.
    pub fn size(&self) -> u64 {
        self.files.iter().sum()
    }
}

/// Something that happens to some of the answers for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub kind: TroubleKind,
    /// From when.
    pub from: Duration,
    /// Until when.
    pub until: Duration,
    /// To how many of 100 answers.
    pub percent: u8,
}

/// What can be wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// The server will not now; it may say when.
    Busy {
        /// 429 or 503.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// A URL that is still good is refused.
    Forbidden,
    /// The range is ignored: a 200 and the whole file.
    Whole,
    /// A 206 for other bytes.
    WrongRange,
    /// A 206 with a compressed body.
    Encoded,
    /// A 416.
    NotSatisfiable,
    /// A redirect to nowhere.
    Redirect,
    /// A login page.
    Portal,
    /// The body ends early.
    Short,
    /// One bit of the body is wrong.
    Flip,
    /// The connection is reset in the body.
    Reset,
    /// The connection falls silent in the body.
    Stall,
}

impl TroubleKind {
    /// Whether it can only happen to a request for a range.
    pub(super) const fn is_about_ranges(self) -> bool {
        matches!(self, Self::Whole | Self::WrongRange | Self::Encoded | Self::NotSatisfiable)
    }
}

/// One replica of the storage holds a wrong byte in the first file, and serves all who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Where, in bytes.
    pub offset: u64,
    /// Until when; `None` is for ever.
    pub until: Option<Duration>,
}

/// ETags that are not the same all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Etags {
    /// Replicas that disagree about the ETag of the same bytes.
    Disagree,
    /// From this time on the file is another one, and the hub says so.
    Replaced(Duration),
}

/// What a hub can say once and for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 404.
    NoSuchFile,
    /// 401.
    TokenNeeded,
}

/// The death of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// After so many steps of the run: a step is an input of the machine or an action.
    pub step: u64,
    /// Whether what was not synced is gone, too.
    pub is_power_cut: bool,
    /// How long until it is started again.
    pub down: Duration,
}

/// A disk without space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskFull {
    /// When so many bytes have been written.
    pub at: u64,
    /// Until somebody makes space and starts the program again; `None` if nobody does.
    pub lasting: Option<Duration>,
}
