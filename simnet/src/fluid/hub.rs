//! The hub and its storage: what they answer, and whether it is what was asked for.
//!
//! Sends nothing; the link does.

use engine::action::Answer;
use engine::fault::Fault;
use engine::hub::head::Head;
use engine::manifest::Location;
use engine::range::ByteRange;
use engine::time::{Duration, Instant};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::content::{Content, FOREIGN, RIGHT};
use super::world::{Etags, Refusal, TroubleKind, World};
use crate::seed::Seed;

/// The other side.
#[derive(Debug)]
pub(super) struct Hub {
    rng: Xoshiro256PlusPlus,
    /// When each URL was signed, by its number.
    signed: Vec<Instant>,
    flips: u32,
}

/// The answer to a range request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) head: Head,
    /// Which bytes of the file the body says to have.
    pub(super) body: ByteRange,
    pub(super) content: Content,
    /// How it ends early, and after how many bytes.
    pub(super) cut: Option<(u64, Cut)>,
    pub(super) what: What,
}

/// How a body ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Fin,
    Reset,
    Stall,
}

/// What an answer is, whatever it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// What was asked for.
    Range,
    /// The whole file.
    Whole,
    /// A refusal of the URL, and whether that had expired.
    Refusal { expired: bool },
    /// A pause is asked for.
    Busy,
    /// A 416.
    NotSatisfiable,
    /// Nothing of it may become data.
    Nonsense,
}

impl What {
    /// Whether it has bytes of the file that was asked for.
    pub(super) const fn is_content(self) -> bool {
        matches!(self, Self::Range | Self::Whole)
    }
}

/// What becomes of a question to the hub.
#[derive(Debug)]
pub(super) enum Located {
    Answered(Result<Answer, Fault>),
    Silent,
}

impl Hub {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: Seed(seed).stream("hub"), signed: Vec::new(), flips: 0 }
    }

    /// Where a file is, asked at `now`.
    pub(super) fn locate(&mut self, world: &World, now: Instant) -> Located {
        let refused = world.refusal.map(|refusal| match refusal {
            Refusal::NoSuchFile => Fault::NoSuchFile("a file".to_owned()),
            Refusal::TokenNeeded => Fault::TokenNeeded("a token is needed".to_owned()),
        });
        let fault = match self.trouble(world, now) {
            Some(TroubleKind::Busy { status, retry_after }) => {
                let retry_after = retry_after.map(Duration::from_secs);
                Some(Fault::Busy { status, retry_after })
            }
            Some(TroubleKind::Portal) => Some(Fault::NotAHub),
            Some(TroubleKind::Reset) => Some(Fault::Reset),
            Some(TroubleKind::Stall) => return Located::Silent,
            Some(
                TroubleKind::Forbidden
                | TroubleKind::Whole
                | TroubleKind::WrongRange
                | TroubleKind::Encoded
                | TroubleKind::NotSatisfiable
                | TroubleKind::Redirect
                | TroubleKind::Short
                | TroubleKind::Flip,
            )
            | None => None,
        };
        if let Some(fault) = fault.or(refused) {
            return Located::Answered(Err(fault));
        }
        let number = self.signed.len();
        self.signed.push(now);
        let url = format!("https://cdn.example/{number}").parse().expect("it is a URL");
        let digest = if is_replaced(world, now) { FOREIGN } else { RIGHT };
        let location = Location { url, ttl: world.ttl };
        Located::Answered(Ok(Answer::Located { location, digest: Some(digest), size: None }))
    }

    /// What a request for a range of a file of `size` bytes gets at `now`.
    pub(super) fn answer(&mut self, world: &World, asked: &Asked, now: Instant) -> Reply {
        let trouble = self.trouble(world, now);
        let signed = self.signed.get(asked.url).copied().unwrap_or(Instant::START);
        let is_expired = world.ttl.is_some_and(|ttl| now + world.clock_ahead > signed + ttl);
        if is_expired || trouble == Some(TroubleKind::Forbidden) {
            return nothing(403, What::Refusal { expired: is_expired }, vec![]);
        }
        let Asked { range, size, .. } = *asked;
        let etag = match world.etags {
            Some(Etags::Disagree) => self.rng.random_range(0..2),
            Some(Etags::Replaced(_)) if is_replaced(world, now) => 7,
            Some(Etags::Replaced(_)) | None => 0,
        };
        let etag = ("etag", format!("\"e{etag}\""));
        let trouble = trouble.filter(|it| !asked.is_whole || !it.is_about_ranges());
        match trouble {
            Some(TroubleKind::Busy { status, retry_after }) => {
                let pause = retry_after.map(|seconds| ("retry-after", seconds.to_string()));
                nothing(status, What::Busy, pause.into_iter().collect())
            }
            Some(TroubleKind::NotSatisfiable) => nothing(416, What::NotSatisfiable, vec![]),
            Some(TroubleKind::Redirect) => nothing(302, What::Nonsense, vec![]),
            Some(TroubleKind::Portal) => {
                let headers = vec![("content-type", "text/html".to_owned())];
                Reply { body: ByteRange::new(0, 4000), ..nothing(200, What::Nonsense, headers) }
            }
            Some(TroubleKind::WrongRange) => {
                let start = self.rng.random_range(0..size.saturating_sub(range.len()).max(1));
                let other = ByteRange::new(start, (start + range.len()).min(size));
                let what = if other == range { What::Range } else { What::Nonsense };
                let headers = vec![content_range(other, size), etag];
                Reply { body: other, ..self.full(world, asked, 206, what, headers, now) }
            }
            Some(TroubleKind::Encoded) => {
                let coding = ("content-encoding", "gzip".to_owned());
                let headers = vec![content_range(range, size), etag, coding];
                self.full(world, asked, 206, What::Nonsense, headers, now)
            }
            Some(TroubleKind::Whole) => self.whole(world, asked, etag, now),
            None if asked.is_whole => self.whole(world, asked, etag, now),
            Some(
                kind @ (TroubleKind::Short
                | TroubleKind::Flip
                | TroubleKind::Reset
                | TroubleKind::Stall),
            ) => {
                let headers = vec![content_range(range, size), etag];
                let reply = self.full(world, asked, 206, What::Range, headers, now);
                self.spoil(reply, kind)
            }
            Some(TroubleKind::Forbidden) | None => {
                let headers = vec![content_range(range, size), etag];
                self.full(world, asked, 206, What::Range, headers, now)
            }
        }
    }

    fn whole(
        &self,
        world: &World,
        asked: &Asked,
        etag: (&'static str, String),
        now: Instant,
    ) -> Reply {
        let headers = vec![("content-length", asked.size.to_string()), etag];
        let whole = Asked { range: ByteRange::new(0, asked.size), ..*asked };
        self.full(world, &whole, 200, What::Whole, headers, now)
    }

    /// An answer with all the bytes asked for.
    fn full(
        &self,
        world: &World,
        asked: &Asked,
        status: u16,
        what: What,
        headers: Vec<(&str, String)>,
        now: Instant,
    ) -> Reply {
        let is_foreign = is_replaced(world, now);
        let replica = world.replica.filter(|replica| {
            asked.file == 0 && replica.until.is_none_or(|until| now.since_start() < until)
        });
        let wrong = replica.map(|replica| (replica.offset, 0));
        let content = Content::body(asked.range, wrong, is_foreign);
        let head = Head::new(status, headers);
        Reply { head, body: asked.range, content, cut: None, what }
    }

    fn spoil(&mut self, mut reply: Reply, kind: TroubleKind) -> Reply {
        let at = self.rng.random_range(reply.body.start..reply.body.end);
        let cut = match kind {
            TroubleKind::Short => Some(Cut::Fin),
            TroubleKind::Reset => Some(Cut::Reset),
            TroubleKind::Stall => Some(Cut::Stall),
            TroubleKind::Flip
            | TroubleKind::Busy { .. }
            | TroubleKind::Forbidden
            | TroubleKind::Whole
            | TroubleKind::WrongRange
            | TroubleKind::Encoded
            | TroubleKind::NotSatisfiable
            | TroubleKind::Redirect
            | TroubleKind::Portal => None,
        };
        match cut {
            Some(cut) => reply.cut = Some((at - reply.body.start, cut)),
            None => {
                self.flips += 1;
                reply.content.wrong.insert(at, self.flips);
            }
        }
        reply
    }

    /// What goes wrong with an answer given at `now`.
    fn trouble(&mut self, world: &World, now: Instant) -> Option<TroubleKind> {
        let now = now.since_start();
        let rng = &mut self.rng;
        world
            .troubles
            .iter()
            .filter(|trouble| trouble.from <= now && now < trouble.until)
            .find(|trouble| rng.random_range(0..100) < trouble.percent)
            .map(|trouble| trouble.kind)
    }
}

/// A range request, as the server sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Which file, and which of the URLs for it.
    pub(super) file: u32,
    pub(super) url: usize,
    pub(super) range: ByteRange,
    pub(super) size: u64,
    pub(super) is_whole: bool,
}

/// The number of a URL that was signed here, from its path.
pub(super) fn url_number(path: &str) -> usize {
    path.trim_start_matches('/').parse().expect("every URL is from here")
}

fn is_replaced(world: &World, now: Instant) -> bool {
    matches!(world.etags, Some(Etags::Replaced(at)) if at <= now.since_start())
}

fn nothing(status: u16, what: What, headers: Vec<(&str, String)>) -> Reply {
    Reply {
        head: Head::new(status, headers),
        body: ByteRange::new(0, 0),
        content: Content::default(),
        cut: None,
        what,
    }
}

fn content_range(range: ByteRange, size: u64) -> (&'static str, String) {
    ("content-range", format!("bytes {}-{}/{size}", range.start, range.end - 1))
}
