//! Names beneath folders that others may write to, where a neighbour may swap them at any moment.
//!
//! The folders above a file are opened one after the other, and the file by its name in the last of
//! them: what is swapped meanwhile changes nothing. A link to a folder is followed by the rule that
//! Linux has for `/tmp` (`fs.protected_symlinks`, proc_sys_fs(5)), wherever others may write: if it
//! is ours, or the system's, or of whoever the folder belongs to. Knows no caches.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Access;

/// A name in an open folder.
struct Spot<'a> {
    folder: OwnedFd,
    name: &'a OsStr,
}

impl<'a> Spot<'a> {
    fn of(path: &'a Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { folder: open_folder(path.parent().unwrap_or(Path::new("")))?, name })
    }
}

/// A link that is not followed. The payload of an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign;

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is beneath a link that another user put where others may write")
    }
}

impl std::error::Error for Foreign {}

impl Foreign {
    /// Whether an error is about such a link.
    pub(super) fn is_in(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

/// Opens what is at a path, whatever that is but a link.
pub(super) fn open(path: &Path, access: Access) -> io::Result<File> {
    let Spot { folder, name } = Spot::of(path)?;
    let how = match access {
        // A pipe without a writer would be waited for.
        Access::Read => OFlags::RDONLY | OFlags::NONBLOCK,
        Access::Write => OFlags::RDWR | OFlags::NONBLOCK,
        Access::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
    };
    let mode = Mode::from_raw_mode(0o666);
    match rustix::fs::openat(folder, name, how | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode) {
        Ok(file) => Ok(File::from(file)),
        Err(Errno::LOOP) => Err(io::Error::other("is a symbolic link where a file should be")),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (Spot::of(from)?, Spot::of(to)?);
    Ok(rustix::fs::renameat(from.folder, from.name, to.folder, to.name)?)
}

pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    let Spot { folder, name } = Spot::of(path)?;
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
}

pub(super) fn hard_link(original: &Path, link: &Path) -> io::Result<()> {
    let (from, to) = (Spot::of(original)?, Spot::of(link)?);
    Ok(rustix::fs::linkat(from.folder, from.name, to.folder, to.name, AtFlags::empty())?)
}

pub(super) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    let Spot { folder, name } = Spot::of(link)?;
    Ok(rustix::fs::symlinkat(target, folder, name)?)
}

pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
    match open_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened.map(drop),
    }
    if let Some(above) = path.parent() {
        create_dir_all(above)?;
    }
    let Spot { folder, name } = Spot::of(path)?;
    match rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o777)) {
        Err(Errno::EXIST) => open_folder(path).map(drop),
        created => Ok(created?),
    }
}

/// Opens a folder, only to name things in it.
fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let mut at = open_at(CWD, OsStr::new("."))?;
    let mut ahead: VecDeque<OsString> = words(path).collect();
    let mut links = 0;
    while let Some(word) = ahead.pop_front() {
        at = match open_at(&at, &word) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                links += 1;
                if links > LINKS_MAX {
                    return Err(io::Error::other("is beneath links that lead in a circle"));
                }
                let target = link_at(&at, &word)?.ok_or(error)?;
                for word in words(&target).collect::<Vec<_>>().into_iter().rev() {
                    ahead.push_front(word);
                }
                at
            }
            Err(error) => return Err(error),
        };
    }
    Ok(at)
}

/// The steps of a path. The one from the root is `/`, from wherever it is taken.
fn words(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    let is_step = |step: &Component<'_>| !matches!(step, Component::CurDir);
    path.components().filter(is_step).map(|step| step.as_os_str().to_owned())
}

fn open_at(folder: impl std::os::fd::AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let how = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, how, Mode::empty())?)
}

/// What the link of that name says, if it is one and may be followed.
fn link_at(folder: &OwnedFd, name: &OsStr) -> io::Result<Option<PathBuf>> {
    let how = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = rustix::fs::openat(folder, name, how, Mode::empty())?;
    let stat = rustix::fs::fstat(&link)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Ok(None);
    }
    if !may_follow(&stat, &rustix::fs::fstat(folder)?) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, Foreign));
    }
    let target = rustix::fs::readlinkat(&link, "", Vec::new())?;
    Ok(Some(PathBuf::from(OsString::from_vec(target.into_bytes()))))
}

fn may_follow(link: &Stat, folder: &Stat) -> bool {
    let is_shared = folder.st_mode & WRITABLE_BY_OTHERS != 0;
    let us = rustix::process::geteuid().as_raw();
    !is_shared || [us, 0, folder.st_uid].contains(&link.st_uid)
}

/// By the group, or by everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// As many links as Linux follows on the way to one file (path_resolution(7)).
const LINKS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use rustix::fs::{Gid, Uid};

    use super::*;
    use crate::disk::{Disk, StdDisk, disk_fault};

    /// A shared folder, with `real` in it, `link` to that, and a file `real/x`; and its mode.
    fn shared(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("shared");
        fs::create_dir_all(folder.join("real")).unwrap();
        fs::write(folder.join("real/x"), "mine").unwrap();
        std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        (place, folder)
    }

    /// Gives a file to somebody else; `false` where that may not be done.
    fn give(path: &Path, user: u32) -> bool {
        let (user, group) = (Uid::from_raw(user), None::<Gid>);
        let given = rustix::fs::chownat(CWD, path, Some(user), group, AtFlags::SYMLINK_NOFOLLOW);
        if given.is_err() {
            eprintln!("files cannot be given away here: nothing was looked at");
        }
        given.is_ok()
    }

    /// Everything that can be done by way of `link`, and whether it was done.
    fn try_all(folder: &Path) -> Vec<(&'static str, io::Result<()>)> {
        let link = folder.join("link");
        vec![
            ("read", StdDisk.open(&link.join("x"), Access::Read).map(drop)),
            ("write", StdDisk.open(&link.join("x"), Access::Write).map(drop)),
            ("create", StdDisk.open(&link.join("new"), Access::CreateNew).map(drop)),
            ("rename to", StdDisk.rename(&folder.join("real/x"), &link.join("y"))),
            ("rename from", StdDisk.rename(&link.join("y"), &folder.join("real/x"))),
            ("hard link", StdDisk.hard_link(&folder.join("real/x"), &link.join("z"))),
            ("symlink", StdDisk.symlink(Path::new("x"), &link.join("s"))),
            ("create a folder", StdDisk.create_dir_all(&link.join("a/b"))),
            ("remove", StdDisk.remove_file(&link.join("x"))),
        ]
    }

    #[test]
    fn a_neighbours_link_to_a_folder_is_not_followed() {
        const NEIGHBOUR: u32 = 12_345;
        for (mode, link_of, folder_of, is_followed) in [
            (0o2775, None, None, true),
            (0o2775, Some(NEIGHBOUR), None, false),
            (0o1777, Some(NEIGHBOUR), None, false),
            (0o755, Some(NEIGHBOUR), None, true),
            (0o2775, Some(NEIGHBOUR), Some(NEIGHBOUR), true),
        ] {
            let (_place, folder) = shared(mode);
            let given = [(folder.join("link"), link_of), (folder.clone(), folder_of)];
            let mut given = given.iter().filter_map(|(path, user)| Some((path, (*user)?)));
            if !given.all(|(path, user)| give(path, user)) {
                continue;
            }
            for (what, done) in try_all(&folder) {
                let case = format!("{what}, {mode:o} {link_of:?} {folder_of:?}: {done:?}");
                match done {
                    Ok(()) => assert!(is_followed, "{case}"),
                    // What comes after a refusal finds nothing.
                    Err(error) if Foreign::is_in(&error) => {
                        assert!(!is_followed, "{case}");
                        let told = disk_fault(&error, &folder.join("link/x")).to_string();
                        assert!(told.contains("link/x is beneath a link that another"), "{told}");
                    }
                    Err(_) => assert!(!is_followed, "{case}"),
                }
            }
            let is_there = fs::read(folder.join("real/x")).is_ok();
            assert_eq!(is_there, !is_followed, "the last of all that was done is removing");
        }
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let (_place, folder) = shared(0o755);
        std::os::unix::fs::symlink("circle", folder.join("circle")).unwrap();
        let opened = StdDisk.open(&folder.join("circle/x"), Access::Read);
        assert!(opened.unwrap_err().to_string().contains("circle"));
    }

    #[test]
    fn paths_lead_where_the_system_leads_them() {
        let (place, folder) = shared(0o755);
        let absolute = place.path().join("absolute");
        std::os::unix::fs::symlink(&folder, &absolute).unwrap();
        for path in ["absolute/link/x", "shared/link/../real/./x", "shared//real/x"] {
            let path = place.path().join(path);
            assert_eq!(StdDisk.read(&path, 10).unwrap(), b"mine", "{}", path.display());
        }
        let missing = StdDisk.open(&folder.join("none/x"), Access::Read).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let beneath_a_file = StdDisk.open(&folder.join("real/x/y"), Access::Read).unwrap_err();
        assert_eq!(beneath_a_file.kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for access in [Access::Read, Access::Write] {
            assert!(StdDisk.open(&pipe, access).is_err(), "{access:?}");
        }
    }
}
