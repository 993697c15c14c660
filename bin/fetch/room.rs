//! Whether the disks have room for all of what is to be fetched, before the first byte.
//!
//! Reserves nothing: that is done file by file, when its turn comes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use engine::fault::DiskFault;

use super::item::{Item, Shelf};
use super::plan::Plan;
use crate::cache::obstacle;
use crate::cache::part::missing_bytes;
use crate::cache::store::{self, Found};
use crate::disk::{Disk, Stat};

/// An error unless what is missing of the files fits on their filesystems. What is there already
/// counts, unless it is to be fetched again. Blocks.
pub(super) fn check<D: Disk>(disk: &D, plan: &Plan, force: bool) -> Result<(), DiskFault> {
    let is_shared = matches!(plan.ground.shelf, Shelf::Cache(..));
    let mut contents = BTreeSet::new();
    let mut needs: BTreeMap<u64, (u64, PathBuf)> = BTreeMap::new();
    for item in plan.items() {
        // In a cache files of one content are one.
        if is_shared && !contents.insert(item.spec.digest) || !force && is_there(disk, &item) {
            continue;
        }
        // A disk that cannot be asked may have room: what cannot be written is found out then.
        let Some((folder, stat)) = nearest(disk, &item.place.part) else { continue };
        let needed = missing_bytes(disk, &item.place, item.spec.size).unwrap_or(item.spec.size);
        let device = stat.id.map_or(0, |id| id.device);
        needs.entry(device).or_insert_with(|| (0, folder.to_owned())).0 += needed;
    }
    for (needed, folder) in needs.into_values() {
        match disk.available_space(&folder) {
            Ok(free) if free < needed => {
                let folder = folder.display().to_string();
                return Err(DiskFault::NoRoom { needed, free, folder });
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether something of the right length is in place; whether it is right, too, costs no room.
fn is_there<D: Disk>(disk: &D, item: &Item) -> bool {
    let size = item.spec.size;
    match store::find(disk, &item.place, &item.spec.digest.hex()) {
        Ok(Found::Sealed { len, .. }) => len == size,
        Ok(Found::Unverified { stat, .. }) => stat.len == size,
        Ok(Found::Nothing | Found::Other { .. }) | Err(_) => false,
    }
}

/// The nearest folder above a path that is there.
fn nearest<'a, D: Disk>(disk: &D, path: &'a Path) -> Option<(&'a Path, Stat)> {
    path.ancestors().skip(1).find_map(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        obstacle::folder_at(disk, folder).map(|stat| (folder, stat))
    })
}
