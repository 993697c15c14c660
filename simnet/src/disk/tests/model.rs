//! Any calls in any order, compared with a disk that is simple to understand.
//!
//! Also after a power cut, when all that is found must be one of the things that may be.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::trouble::{Effect, Failure, Trouble};
use super::*;

/// One call, on files and folders told by number.
#[derive(Clone, Debug)]
enum Call {
    Create(usize),
    Write { at: usize, start: usize, len: usize, is_expected: bool },
    SetLen { at: usize, len: usize },
    Reserve { at: usize, len: usize },
    Sync(usize),
    FailSync(usize),
    Rename(usize, usize),
    Link(usize, usize),
    Remove(usize),
    SyncDir(usize),
}

/// A disk that is simple to understand.
#[derive(Default)]
struct Model {
    names: BTreeMap<usize, u64>,
    files: BTreeMap<u64, File>,
    /// All that the names in each folder were since it was last synced.
    history: [Vec<BTreeMap<usize, u64>>; 2],
}

#[derive(Clone, Default)]
struct File {
    live: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    lost: BTreeSet<usize>,
}

impl Model {
    fn file(&mut self, at: usize) -> Option<&mut File> {
        self.files.get_mut(self.names.get(&at)?)
    }

    fn remember(&mut self) {
        for folder in 0..2 {
            let names = self.names_in(folder);
            if self.history[folder].last() != Some(&names) {
                self.history[folder].push(names);
            }
        }
    }

    fn names_in(&self, folder: usize) -> BTreeMap<usize, u64> {
        let is_in = |(at, _): &(&usize, &u64)| *at % 2 == folder;
        self.names.iter().filter(is_in).map(|(at, inode)| (*at, *inode)).collect()
    }
}

impl File {
    /// Sets the length, of which sectors that are cut off or into are dirty.
    fn set_len(&mut self, len: usize) {
        let old = self.live.len();
        self.live.resize(len, 0);
        // The sectors behind the end stay as they are, whether anything was written there or not.
        self.touch(len, old.max(self.durable.len()).saturating_sub(len) * usize::from(len < old));
    }

    fn touch(&mut self, start: usize, len: usize) {
        for sector in (start / SECTOR..(start + len).div_ceil(SECTOR)).filter(|_| len > 0) {
            self.dirty.insert(sector);
            self.lost.remove(&sector);
        }
    }

    fn sync(&mut self) {
        let mut durable = self.live.clone();
        for sector in &self.lost {
            let range = sector * SECTOR..((sector + 1) * SECTOR).min(durable.len());
            if let Some(place) = durable.get_mut(range) {
                place.copy_from_slice(&sector_of(&self.durable, *sector)[..place.len()]);
            }
        }
        self.durable = durable;
        self.dirty.clear();
    }

    /// Whether a power cut may leave this.
    fn may_become(&self, found: &[u8]) -> Result<(), String> {
        let (durable, live) = (&self.durable, &self.live);
        let lens = durable.len().min(live.len())..=durable.len().max(live.len());
        if !lens.contains(&found.len()) {
            return Err(format!("{} bytes, not {lens:?}", found.len()));
        }
        for sector in 0..found.len().div_ceil(SECTOR) {
            let is_open = self.dirty.contains(&sector) || self.lost.contains(&sector);
            let clip = |bytes: &[u8]| {
                let len = (found.len() - sector * SECTOR).min(SECTOR);
                sector_of(bytes, sector)[..len].to_vec()
            };
            let is_old = is_open && clip(found) == clip(durable);
            if !is_old && clip(found) != clip(live) {
                return Err(format!("sector {sector} is neither old nor new"));
            }
        }
        Ok(())
    }
}

/// A sector, with zeros behind the end.
fn sector_of(bytes: &[u8], sector: usize) -> [u8; SECTOR] {
    let known = bytes.get(sector * SECTOR..).unwrap_or_default();
    std::array::from_fn(|at| known.get(at).copied().unwrap_or(0))
}

fn place(at: usize) -> PathBuf {
    PathBuf::from(format!("/{}/{at}", ["a", "b"][at % 2]))
}

fn expected(offset: u64, buffer: &mut [u8]) {
    for (at, byte) in (offset..).zip(buffer) {
        *byte = (at % 251) as u8;
    }
}

/// Makes one call on both, and compares what comes of it.
fn play(disk: &SimDisk, model: &mut Model, call: &Call, step: u8) {
    match *call {
        Call::Create(at) => create_file(disk, model, at),
        Call::Write { at, .. } | Call::SetLen { at, .. } | Call::Reserve { at, .. } => {
            change_bytes(disk, model, at, call, step);
        }
        Call::Sync(at) | Call::FailSync(at) => change_bytes(disk, model, at, call, step),
        Call::Rename(from, to) => rename(disk, model, from, to),
        Call::Link(from, to) => link(disk, model, from, to),
        Call::Remove(at) => {
            let removed = disk.remove_file(&place(at)).is_ok();
            assert_eq!(removed, model.names.remove(&at).is_some());
        }
        Call::SyncDir(folder) => sync_dir(disk, model, folder),
    }
}

fn create_file(disk: &SimDisk, model: &mut Model, at: usize) {
    let made = disk.open(&place(at), Access::CreateNew);
    assert_eq!(made.is_err(), model.names.contains_key(&at));
    if let Ok(file) = made {
        let inode = file.stat().unwrap().inode;
        model.names.insert(at, inode);
        model.files.insert(inode, File::default());
    }
}

fn change_bytes(disk: &SimDisk, model: &mut Model, at: usize, call: &Call, step: u8) {
    let file = disk.open(&place(at), Access::Write).ok();
    assert_eq!(file.is_some(), model.names.contains_key(&at));
    let Some((file, known)) = file.zip(model.file(at)) else { return };
    match *call {
        Call::Write { start, len, is_expected, .. } => {
            let mut bytes = vec![step; len];
            if is_expected {
                expected(start as u64, &mut bytes);
            }
            file.write_all_at(&bytes, start as u64).unwrap();
            let end = start + len;
            if len > 0 {
                known.live.resize(known.live.len().max(end), 0);
                known.live[start..end].copy_from_slice(&bytes);
            }
            known.touch(start, len);
        }
        Call::SetLen { len, .. } => {
            file.set_len(len as u64).unwrap();
            known.set_len(len);
        }
        Call::Reserve { len, .. } => {
            file.reserve(len as u64).unwrap();
            let allocated = file.stat().unwrap().allocated;
            assert!(allocated >= len as u64 && allocated.is_multiple_of(4096));
        }
        Call::Sync(_) => {
            file.sync_data().unwrap();
            known.sync();
        }
        Call::FailSync(_) => {
            let effect = Effect::Fail(Failure::Io);
            let trouble = disk.add_trouble(Trouble::once(&[Operation::SyncData], effect));
            assert!(file.sync_data().is_err() && disk.hits(trouble) == 1);
            known.lost.append(&mut known.dirty);
        }
        Call::Create(_) | Call::Rename(..) | Call::Link(..) => unreachable!("is about names"),
        Call::Remove(_) | Call::SyncDir(_) => unreachable!("is about names"),
    }
}

fn rename(disk: &SimDisk, model: &mut Model, from: usize, to: usize) {
    let done = disk.rename(&place(from), &place(to)).is_ok();
    assert_eq!(done, model.names.contains_key(&from));
    let is_same = model.names.get(&from) == model.names.get(&to);
    if done && !is_same {
        let inode = model.names.remove(&from).unwrap();
        model.names.insert(to, inode);
    }
}

fn link(disk: &SimDisk, model: &mut Model, from: usize, to: usize) {
    let done = disk.hard_link(&place(from), &place(to)).is_ok();
    let inode = model.names.get(&from).copied();
    assert_eq!(done, inode.is_some() && !model.names.contains_key(&to));
    if let (true, Some(inode)) = (done, inode) {
        model.names.insert(to, inode);
    }
}

fn sync_dir(disk: &SimDisk, model: &mut Model, folder: usize) {
    disk.sync_dir(Path::new(["/a", "/b"][folder])).unwrap();
    model.history[folder] = vec![model.names_in(folder)];
}

/// The numbers and inodes of the names in each folder.
fn found(disk: &SimDisk) -> [BTreeMap<usize, u64>; 2] {
    let owner = SimDisk { process: ProcessId::OWNER, ..disk.clone() };
    let number = |name: &OsString| name.to_str().unwrap().parse().unwrap();
    [0, 1].map(|folder| {
        let names = owner.list(Path::new(["/a", "/b"][folder])).unwrap();
        let numbers = names.iter().map(number);
        numbers.map(|at| (at, owner.stat(&place(at)).unwrap().inode)).collect()
    })
}

fn run(calls: &[Call], seed: u64) -> (SimDisk, Model) {
    let owner = SimDisk::new(Seed(seed));
    owner.adjust(|settings| settings.are_moves_ordered = seed.is_multiple_of(2));
    owner.expect_content(EXPECTED_LEN as u64, Arc::new(expected));
    owner.create_dir_all(path("/a")).unwrap();
    owner.create_dir_all(path("/b")).unwrap();
    owner.sync_dir(path("/")).unwrap();
    let (disk, mut model) = (owner.process(), Model::default());
    model.remember();
    for (step, call) in (1..).zip(calls) {
        play(&disk, &mut model, call, step);
        model.remember();
    }
    (disk, model)
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let at = || 0..5_usize;
    let position = || prop_oneof![0..2000_usize, 0..EXPECTED_LEN, Just(BLOCK), Just(2 * BLOCK)];
    let write = (at(), position(), position(), any::<bool>());
    let call = prop_oneof![
        3 => at().prop_map(Call::Create),
        6 => write.prop_map(|(at, start, len, is_expected)| {
            Call::Write { at, start, len, is_expected }
        }),
        1 => (at(), position()).prop_map(|(at, len)| Call::SetLen { at, len }),
        1 => (at(), position()).prop_map(|(at, len)| Call::Reserve { at, len }),
        3 => at().prop_map(Call::Sync),
        1 => at().prop_map(Call::FailSync),
        2 => (at(), at()).prop_map(|(from, to)| Call::Rename(from, to)),
        1 => (at(), at()).prop_map(|(from, to)| Call::Link(from, to)),
        1 => at().prop_map(Call::Remove),
        2 => (0..2_usize).prop_map(Call::SyncDir),
    ];
    proptest::collection::vec(call, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn while_all_is_well_it_is_like_any_other(calls in calls()) {
        let (disk, model) = run(&calls, 0);
        prop_assert_eq!(found(&disk), [0, 1].map(|folder| model.names_in(folder)));
        for (at, inode) in &model.names {
            let (content, known) = (disk.peek(&place(*at)).unwrap(), &model.files[inode]);
            prop_assert!(content == known.live, "{at} differs");
            let is_untouched = known.dirty.is_empty() && known.lost.is_empty();
            match disk.is_synced(&place(*at)) {
                Some(true) => prop_assert!(known.durable == known.live, "{at} is not durable"),
                synced => prop_assert!(
                    !is_untouched || known.durable.len() != known.live.len(), "{at}: {synced:?}"
                ),
            }
        }
    }

    #[test]
    fn what_a_power_cut_leaves_can_be_explained(calls in calls(), seed: u64) {
        let (disk, model) = run(&calls, seed);
        disk.power_cut();
        let left = found(&disk);
        for folder in 0..2 {
            prop_assert!(model.history[folder].contains(&left[folder]), "{folder}: {left:?}");
        }
        for (at, inode) in left.iter().flatten() {
            let content = disk.peek(&place(*at)).unwrap();
            let verdict = model.files[inode].may_become(&content);
            prop_assert_eq!(verdict, Ok(()), "{}", at);
        }
        let (again, _) = run(&calls, seed);
        again.power_cut();
        prop_assert_eq!(again.walk(), disk.walk());
        prop_assert!(disk.walk().iter().all(|path| again.peek(path) == disk.peek(path)));
    }
}

const SECTOR: usize = 512;
const BLOCK: usize = 64 << 10;
const EXPECTED_LEN: usize = 3 * BLOCK + 1000;
