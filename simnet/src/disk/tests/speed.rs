//! Huge files fit, and cost little.
//!
//! Asserts on memory by what is kept, never on time.

use super::*;

/// Bytes that differ everywhere, fast to make.
fn fill(offset: u64, buffer: &mut [u8]) {
    for (at, byte) in (offset..).zip(buffer) {
        *byte = (at as u8) ^ (at >> 8) as u8 ^ (at >> 16) as u8 ^ (at >> 24) as u8;
    }
}

#[test]
fn what_is_expected_is_kept_as_a_marker() {
    let disk = process(1);
    let len = (15 << 30) + 1234;
    disk.expect_content(len, Arc::new(fill));
    let file = create(&disk, "/a/f", b"");
    file.reserve(len).unwrap();
    let mut bytes = vec![0; 1 << 20];
    let starts = [0, 10 << 30, (15 << 30) - (1 << 20) + 7];
    for start in starts {
        fill(start, &mut bytes);
        for (at, piece) in (start..).step_by(10_000).zip(bytes.chunks(10_000)) {
            file.write_all_at(piece, at).unwrap();
        }
    }
    fill(len - 1234, &mut bytes[..1234]);
    file.write_all_at(&bytes[..1234], len - 1234).unwrap();
    file.sync_data().unwrap();
    let state = disk.state();
    let live = state.tree.data(file_inode(&state)).unwrap().live();
    assert!(live.stored() <= 2 << 16, "{} bytes are kept", live.stored());
    drop(state);
    let mut buffer = vec![0; 100_000];
    let mut expected = buffer.clone();
    for start in starts {
        file.read_at(&mut buffer, start + 5000).unwrap();
        fill(start + 5000, &mut expected);
        assert_eq!(buffer, expected);
    }
    assert_eq!(disk.first_difference(path("/a/f")), Some(1 << 20), "the first hole");
}

fn file_inode(state: &State) -> u64 {
    state.tree.lookup(path("/a/f"), false).unwrap()
}

#[test]
fn a_whole_file_is_compared_without_being_read() {
    let disk = process(1);
    let len = 3 * (64 << 10) + 777;
    disk.expect_content(len, Arc::new(fill));
    let mut bytes = vec![0; len as usize];
    fill(0, &mut bytes);
    let file = create(&disk, "/a/f", &bytes);
    assert_eq!(disk.first_difference(path("/a/f")), None);
    assert!(disk.flip_bit(path("/a/f"), 100_000, 0));
    assert_eq!(disk.first_difference(path("/a/f")), Some(100_000));
    file.write_all_at(&bytes[100_000..100_001], 100_000).unwrap();
    file.write_all_at(&bytes[len as usize - 1..], len - 1).unwrap();
    assert_eq!(disk.first_difference(path("/a/f")), None);
    file.set_len(len - 100).unwrap();
    file.set_len(len).unwrap();
    assert_eq!(disk.first_difference(path("/a/f")), Some(len - 100));
}
