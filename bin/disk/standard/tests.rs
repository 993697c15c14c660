//! Tests of `standard`, by tables and by hand.
//!
//! No network, no clock.

use super::*;

#[test]
fn positioned_writes_leave_zeros_between() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part");
    let file = StdDisk.open(&path, Access::CreateNew).unwrap();
    file.reserve(100).unwrap();
    DiskFile::set_len(&file, 100).unwrap();
    file.write_all_at(b"end", 97).unwrap();
    file.write_all_at(b"start", 0).unwrap();
    DiskFile::sync_data(&file).unwrap();
    let bytes = StdDisk.read(&path, 100).unwrap();
    assert_eq!(&bytes[..5], b"start");
    assert_eq!(&bytes[5..97], &[0; 92]);
    assert_eq!(&bytes[97..], b"end");
    assert_eq!(StdDisk.read(&path, 99).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_new_file_must_be_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("owner");
    StdDisk.write_new(&path, b"one").unwrap();
    let error = StdDisk.write_new(&path, b"two").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(StdDisk.read(&path, 10).unwrap(), b"one");
}

#[cfg(unix)]
#[test]
fn links_are_refused_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    let link = folder.path().join("part");
    fs::write(&victim, b"precious").unwrap();
    StdDisk.symlink(Path::new("victim"), &link).unwrap();
    for access in [Access::Read, Access::Write, Access::CreateNew] {
        assert!(StdDisk.open(&link, access).is_err(), "{access:?}");
    }
    assert!(StdDisk.open(folder.path(), Access::Read).is_err());
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(StdDisk.stat(&link).unwrap().kind, FileKind::Symlink);
    assert_eq!(StdDisk.read_link(&link).unwrap(), Path::new("victim"));
}

#[cfg(unix)]
#[test]
fn an_open_file_keeps_its_identity_when_renamed() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a"), folder.path().join("b"));
    let file = StdDisk.write_new(&from, b"x").unwrap();
    StdDisk.rename(&from, &to).unwrap();
    StdDisk.sync_dir(folder.path()).unwrap();
    assert_eq!(DiskFile::stat(&file).unwrap().id, StdDisk.stat(&to).unwrap().id);
    assert_eq!(StdDisk.list(folder.path()).unwrap(), ["b"]);
}

#[test]
fn a_lock_excludes_another_open_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let first = StdDisk.open(&path, Access::CreateNew).unwrap();
    let second = StdDisk.open(&path, Access::Write).unwrap();
    assert!(DiskFile::try_lock(&first).unwrap());
    assert!(!DiskFile::try_lock(&second).unwrap());
    drop(first);
    assert!(DiskFile::try_lock(&second).unwrap());
}

#[tokio::test]
async fn work_that_panics_is_an_error() {
    let result = StdDisk.run(|_| -> Result<(), DiskFault> { panic!("by design") }).await;
    assert!(matches!(result, Err(DiskFault::Io(words)) if words.contains("died")));
    assert_eq!(StdDisk.run(|_| Ok(7)).await, Ok(7));
}

#[test]
fn the_nearest_mount_names_the_filesystem() {
    let mounts = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:50 / /home rw - nfs4 server:/home rw
31 30 0:51 / /home/me/scratch rw - xfs /dev/sdb1 rw
32 22 0:52 / /home rw - cifs //server/home rw
33 22 0:53 / /mnt/my\\040share rw - nfs server:/x rw
";
    let check = |path: &str, expected| {
        assert_eq!(filesystem_of(mounts, Path::new(path)), expected, "{path}");
    };
    check("/var/cache", Some("ext4"));
    check("/home/me/x", Some("cifs"));
    check("/home/me/scratch/x", Some("xfs"));
    check("/homeless", Some("ext4"));
    check("/mnt/my share/x", Some("nfs"));
    assert_eq!(filesystem_of("garbage", Path::new("/")), None);
}

#[cfg(unix)]
#[test]
fn a_mode_is_that_of_the_open_file_whatever_its_name_has_become() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let [path, moved, victim] = ["lock", "moved", "victim"].map(|name| folder.path().join(name));
    fs::write(&victim, "secret").unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o600)).unwrap();
    let file = StdDisk.open(&path, Access::CreateNew).unwrap();
    // A neighbour is quick.
    fs::rename(&path, &moved).unwrap();
    StdDisk.symlink(&victim, &path).unwrap();
    DiskFile::set_mode(&file, 0o664).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&victim), mode(&moved)), (0o600, 0o664));
}
