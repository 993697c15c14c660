//! Inodes and the names that lead to them.
//!
//! Knows no processes and no faults: whoever asks may, and nothing fails but what cannot be done.

mod cut;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::data::Data;
use super::folder::{Change, Folder, Move};

/// A filesystem's tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    next_move: u64,
    /// Those that lost their last name, until nothing can bring it back.
    unnamed: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) node: Node,
    pub(super) modified: Duration,
    /// Permission bits.
    pub(super) mode: u32,
    /// The name that it was last given.
    pub(super) path: PathBuf,
    pub(super) links: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Data),
    Folder(Folder),
    Symlink(PathBuf),
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    folder: u64,
    /// `None` for the root, and for what only `..` leads to.
    name: Option<OsString>,
    pub(super) inode: Option<u64>,
}

impl Tree {
    pub(super) fn new() -> Self {
        let root = Inode {
            node: Node::Folder(Folder::default()),
            modified: Duration::ZERO,
            mode: 0o755,
            path: PathBuf::from("/"),
            links: 1,
        };
        let inodes = BTreeMap::from([(ROOT, root)]);
        Self { inodes, next_inode: ROOT + 1, next_move: 0, unnamed: BTreeSet::new() }
    }

    /// Where a path leads. A symbolic link at its end is followed only if so wished.
    pub(super) fn spot(&self, path: &Path, follows: bool) -> io::Result<Spot> {
        let mut left: VecDeque<OsString> = parts(path);
        let mut above = vec![ROOT];
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            let folder = *above.last().expect("the root is never left");
            match part.to_str() {
                Some("/") => above.truncate(1),
                Some("..") => above.truncate(above.len().saturating_sub(1).max(1)),
                Some(_) | None => {
                    let inode = self.folder(folder)?.inode(&part);
                    let is_last = left.is_empty();
                    let target = inode.and_then(|inode| self.symlink(inode));
                    if let Some(target) = target.filter(|_| follows || !is_last) {
                        links += 1;
                        if links > LINKS_MAX {
                            return Err(io::Error::other("too many symbolic links"));
                        }
                        parts(target).into_iter().rev().for_each(|part| left.push_front(part));
                    } else if is_last {
                        return Ok(Spot { folder, name: Some(part), inode });
                    } else {
                        let inode = inode.ok_or(io::ErrorKind::NotFound)?;
                        self.folder(inode)?;
                        above.push(inode);
                    }
                }
            }
        }
        let inode = *above.last().expect("the root is never left");
        Ok(Spot { folder: inode, name: None, inode: Some(inode) })
    }

    /// What a path leads to.
    pub(super) fn lookup(&self, path: &Path, follows: bool) -> io::Result<u64> {
        self.spot(path, follows)?.inode.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn inode(&self, inode: u64) -> io::Result<&Inode> {
        self.inodes.get(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn inode_mut(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn folder(&self, inode: u64) -> io::Result<&Folder> {
        match &self.inode(inode)?.node {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) | Node::Symlink(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn folder_mut(&mut self, inode: u64) -> io::Result<&mut Folder> {
        match &mut self.inode_mut(inode)?.node {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) | Node::Symlink(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn data(&self, inode: u64) -> io::Result<&Data> {
        match &self.inode(inode)?.node {
            Node::File(data) => Ok(data),
            Node::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
            Node::Symlink(_) => Err(io::Error::other("is a symbolic link, not a file")),
        }
    }

    pub(super) fn data_mut(&mut self, inode: u64) -> io::Result<&mut Data> {
        match &mut self.inode_mut(inode)?.node {
            Node::File(data) => Ok(data),
            Node::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
            Node::Symlink(_) => Err(io::Error::other("is a symbolic link, not a file")),
        }
    }

    fn symlink(&self, inode: u64) -> Option<&Path> {
        match &self.inodes.get(&inode)?.node {
            Node::Symlink(target) => Some(target),
            Node::File(_) | Node::Folder(_) => None,
        }
    }

    /// Gives a new inode a name that is not taken.
    pub(super) fn create(&mut self, path: &Path, node: Node, now: Duration) -> io::Result<u64> {
        let spot = self.spot(path, false)?;
        let inode = self.next_inode;
        self.add(&spot, inode, now)?;
        self.next_inode += 1;
        let mode = if matches!(node, Node::File(_)) { 0o644 } else { 0o755 };
        let made = Inode { node, modified: now, mode, path: path.to_path_buf(), links: 1 };
        self.inodes.insert(inode, made);
        Ok(inode)
    }

    /// Gives an inode a second name.
    pub(super) fn link(&mut self, original: &Path, link: &Path, now: Duration) -> io::Result<u64> {
        let inode = self.lookup(original, false)?;
        if self.folder(inode).is_ok() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let spot = self.spot(link, false)?;
        self.add(&spot, inode, now)?;
        self.inode_mut(inode)?.links += 1;
        Ok(inode)
    }

    fn add(&mut self, spot: &Spot, inode: u64, now: Duration) -> io::Result<()> {
        let Some(name) = spot.name.clone().filter(|_| spot.inode.is_none()) else {
            return Err(io::ErrorKind::AlreadyExists.into());
        };
        self.change(spot.folder, Change::Add { name, inode, moved: None }, now)
    }

    /// Takes a name away; returns what it stood for.
    pub(super) fn remove(&mut self, path: &Path, now: Duration) -> io::Result<u64> {
        let spot = self.spot(path, false)?;
        let inode = spot.inode.ok_or(io::ErrorKind::NotFound)?;
        if self.folder(inode).is_ok() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let name = spot.name.ok_or(io::ErrorKind::InvalidInput)?;
        self.change(spot.folder, Change::Remove { name, moved: None }, now)?;
        self.drop_link(inode);
        Ok(inode)
    }

    /// Moves a name; returns what it stands for, and what the new name stood for before.
    pub(super) fn rename(
        &mut self,
        from: &Path,
        to: &Path,
        now: Duration,
    ) -> io::Result<(u64, Option<u64>)> {
        let (source, target) = (self.spot(from, false)?, self.spot(to, false)?);
        let inode = source.inode.ok_or(io::ErrorKind::NotFound)?;
        let (Some(old), Some(new)) = (source.name, target.name) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let is_folder = self.folder(inode).is_ok();
        if let Some(replaced) = target.inode {
            // POSIX: two names of one file stay two names.
            if replaced == inode {
                return Ok((inode, None));
            }
            match (is_folder, self.folder(replaced).is_ok()) {
                (false, false) => {}
                (true, true) => return Err(io::ErrorKind::DirectoryNotEmpty.into()),
                (true, false) => return Err(io::ErrorKind::NotADirectory.into()),
                (false, true) => return Err(io::ErrorKind::IsADirectory.into()),
            }
        }
        if source.folder == target.folder {
            self.change(source.folder, Change::Rename { from: old, to: new }, now)?;
        } else {
            let moved = Some(Move(self.next_move));
            self.next_move += 1;
            self.change(target.folder, Change::Add { name: new, inode, moved }, now)?;
            self.change(source.folder, Change::Remove { name: old, moved }, now)?;
        }
        self.inode_mut(inode)?.path = to.to_path_buf();
        if let Some(replaced) = target.inode {
            self.drop_link(replaced);
        }
        Ok((inode, target.inode))
    }

    fn change(&mut self, folder: u64, change: Change, now: Duration) -> io::Result<()> {
        self.folder_mut(folder)?.change(change, now);
        self.inode_mut(folder)?.modified = now;
        Ok(())
    }

    fn drop_link(&mut self, inode: u64) {
        if let Some(known) = self.inodes.get_mut(&inode) {
            known.links -= 1;
            if known.links == 0 {
                self.unnamed.insert(inode);
            }
        }
    }

    /// Makes the names in a folder durable. If moves are ordered, what was moved away is durable
    /// where it went.
    pub(super) fn sync(&mut self, folder: u64, are_moves_ordered: bool) -> io::Result<()> {
        let count = self.folder(folder)?.pending_count();
        let mut left = self.folder_mut(folder)?.sync(count);
        while let Some(moved) = left.pop().filter(|_| are_moves_ordered) {
            // Asked anew each time: another move may have made this one durable.
            if let Some((folder, count)) = self.destination(moved) {
                left.extend(self.folder_mut(folder)?.sync(count));
            }
        }
        Ok(())
    }

    /// Which folder a move leads to, and how many of its changes it takes.
    fn destination(&self, moved: Move) -> Option<(u64, usize)> {
        self.folders().find_map(|(inode, folder)| Some((inode, folder.count_to_add(moved)?)))
    }

    fn folders(&self) -> impl Iterator<Item = (u64, &Folder)> {
        self.inodes.iter().filter_map(|(inode, known)| match &known.node {
            Node::Folder(folder) => Some((*inode, folder)),
            Node::File(_) | Node::Symlink(_) => None,
        })
    }

    /// Lets go of what has no name, is not open, and cannot get a name back.
    pub(super) fn collect(&mut self, is_open: impl Fn(u64) -> bool) {
        let may_be_named = |inode| self.folders().any(|(_, folder)| folder.may_name(inode));
        let is_gone = |inode: &&u64| !is_open(**inode) && !may_be_named(**inode);
        let gone: Vec<u64> = self.unnamed.iter().filter(is_gone).copied().collect();
        for inode in gone {
            self.unnamed.remove(&inode);
            self.inodes.remove(&inode);
        }
    }

    /// Bytes of the disk that files take which have a name or are open.
    pub(super) fn used(&self, is_open: impl Fn(u64) -> bool) -> u64 {
        let allocated = |(inode, known): (&u64, &Inode)| match &known.node {
            Node::File(data) if known.links > 0 || is_open(*inode) => data.live().allocated(),
            Node::File(_) | Node::Folder(_) | Node::Symlink(_) => 0,
        };
        self.inodes.iter().map(allocated).sum()
    }

    /// All paths, sorted.
    pub(super) fn walk(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        let mut left = vec![(PathBuf::from("/"), ROOT)];
        while let Some((path, inode)) = left.pop() {
            if let Ok(folder) = self.folder(inode) {
                left.extend(folder.names().iter().map(|(name, inode)| (path.join(name), *inode)));
            }
            if inode != ROOT {
                paths.push(path);
            }
        }
        paths.sort();
        paths
    }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| !matches!(part, Component::CurDir | Component::Prefix(_)))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

pub(super) const ROOT: u64 = 1;

/// As Linux has it.
const LINKS_MAX: u32 = 40;
