//! What goes wrong on a disk, as told: which operation fails, where, when and how.
//!
//! Does nothing by itself; the disk asks before each operation.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// With which operations.
    pub on: &'static [Operation],
    /// At or below which path. For an open file, the name that it was last given counts.
    pub under: PathBuf,
    /// How many of them go well before.
    pub after: u64,
    /// How many of them it hits then.
    pub count: u64,
    /// What happens to them.
    pub effect: Effect,
}

/// What can be asked of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named like the methods of the disk and its files")]
pub enum Operation {
    Open,
    Create,
    Stat,
    List,
    CreateDirAll,
    Rename,
    RemoveFile,
    HardLink,
    Symlink,
    ReadLink,
    SyncDir,
    SetMode,
    AvailableSpace,
    Read,
    Write,
    SetLen,
    Reserve,
    SetModified,
    SyncData,
    TryLock,
}

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It fails. A failed sync leaves the fate of the bytes open.
    Fail(Failure),
    /// So many bytes are written, or space is found for so many, and then it fails.
    FailAfter(u64, Failure),
    /// A read returns this bit of what it read turned over; the disk itself is innocent.
    FlipBit(u64),
    /// The process dies instead of doing it.
    Kill,
    /// The power fails instead.
    CutPower,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device has an error.
    Io,
    /// No space is left.
    Full,
    /// It is not permitted.
    Denied,
    /// The filesystem was mounted, or has become, read-only.
    ReadOnly,
}

impl Trouble {
    /// The next operation of these, anywhere.
    pub fn once(on: &'static [Operation], effect: Effect) -> Self {
        Self { on, under: PathBuf::from("/"), after: 0, count: 1, effect }
    }

    /// Every operation of these, anywhere, until further notice.
    pub fn always(on: &'static [Operation], effect: Effect) -> Self {
        Self { count: u64::MAX, ..Self::once(on, effect) }
    }

    /// The same, but only at or below a path.
    #[must_use]
    pub fn under(self, path: impl Into<PathBuf>) -> Self {
        Self { under: path.into(), ..self }
    }

    /// The same, but so many go well before.
    #[must_use]
    pub fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }
}

impl Operation {
    /// All that a process can do.
    pub const ALL: &'static [Self] = &[
        Self::Open,
        Self::Create,
        Self::Stat,
        Self::List,
        Self::CreateDirAll,
        Self::Rename,
        Self::RemoveFile,
        Self::HardLink,
        Self::Symlink,
        Self::ReadLink,
        Self::SyncDir,
        Self::SetMode,
        Self::AvailableSpace,
        Self::Read,
        Self::Write,
        Self::SetLen,
        Self::Reserve,
        Self::SetModified,
        Self::SyncData,
        Self::TryLock,
    ];

    /// All that leaves a trace on the disk.
    pub const CHANGES: &'static [Self] = &[
        Self::Create,
        Self::CreateDirAll,
        Self::Rename,
        Self::RemoveFile,
        Self::HardLink,
        Self::Symlink,
        Self::SyncDir,
        Self::SetMode,
        Self::Write,
        Self::SetLen,
        Self::Reserve,
        Self::SetModified,
        Self::SyncData,
    ];

    /// Whether it leaves a trace on the disk.
    pub fn is_change(self) -> bool {
        Self::CHANGES.contains(&self)
    }
}

impl Failure {
    /// As the system would say it.
    pub fn error(self) -> io::Error {
        match self {
            // There is no stable kind for it.
            Self::Io => io::Error::other("input/output error"),
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Denied => io::ErrorKind::PermissionDenied.into(),
            Self::ReadOnly => io::ErrorKind::ReadOnlyFilesystem.into(),
        }
    }
}

/// Which trouble it is, to ask later whether it came to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TroubleId(usize);

/// All that was ever told to go wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles(Vec<Told>);

#[derive(Clone, Debug)]
struct Told {
    trouble: Trouble,
    hits: u64,
    is_over: bool,
}

impl Troubles {
    pub(super) fn push(&mut self, trouble: Trouble) -> TroubleId {
        self.0.push(Told { trouble, hits: 0, is_over: false });
        TroubleId(self.0.len() - 1)
    }

    pub(super) fn end(&mut self, id: TroubleId) {
        self.0[id.0].is_over = true;
    }

    pub(super) fn end_all(&mut self) {
        self.0.iter_mut().for_each(|told| told.is_over = true);
    }

    pub(super) fn hits(&self, id: TroubleId) -> u64 {
        self.0[id.0].hits
    }

    pub(super) fn all_hits(&self) -> u64 {
        self.0.iter().map(|told| told.hits).sum()
    }

    /// What happens to an operation that is about to begin. Each trouble counts it; the first
    /// that is due has its way.
    pub(super) fn check(&mut self, operation: Operation, paths: &[&Path]) -> Option<Effect> {
        let mut effect = None;
        for told in &mut self.0 {
            let trouble = &mut told.trouble;
            let is_there = || paths.iter().any(|path| path.starts_with(&trouble.under));
            if told.is_over || !trouble.on.contains(&operation) || !is_there() {
                continue;
            }
            if trouble.after > 0 {
                trouble.after -= 1;
            } else if effect.is_none() {
                effect = Some(trouble.effect);
                told.hits += 1;
                told.is_over = told.hits >= trouble.count;
            }
        }
        effect
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { on, under, after, count, effect } = self;
        write!(f, "{effect:?} on ")?;
        match on {
            on if *on == Operation::ALL => write!(f, "anything")?,
            on if *on == Operation::CHANGES => write!(f, "changes")?,
            on => write!(f, "{on:?}")?,
        }
        write!(f, " under {}, after {after}", under.display())?;
        if *count == u64::MAX { write!(f, ", for good") } else { write!(f, ", {count} times") }
    }
}
