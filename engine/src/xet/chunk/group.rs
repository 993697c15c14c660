//! Bytes grouped by their position modulo 4, and back.
//!
//! Compresses nothing: grouped bytes of numbers are only more alike.

/// Writes the groups of `content` one after the other. Both have the same length.
pub(super) fn split(content: &[u8], groups: &mut [u8]) {
    debug_assert_eq!(content.len(), groups.len(), "grouping changes no length");
    let mut at = 0;
    for first in 0..4 {
        for &byte in content.iter().skip(first).step_by(4) {
            groups[at] = byte;
            at += 1;
        }
    }
}

/// Takes from the groups in turn. Both have the same length.
pub(super) fn join(groups: &[u8], content: &mut [u8]) {
    debug_assert_eq!(content.len(), groups.len(), "grouping changes no length");
    let (whole, rest) = (groups.len() / 4, groups.len() % 4);
    // What does not fill four goes to the first groups.
    let len = |group: usize| whole + usize::from(group < rest);
    let (a, others) = groups.split_at(len(0));
    let (b, others) = others.split_at(len(1));
    let (c, d) = others.split_at(len(2));

    let mut fours = content.chunks_exact_mut(4);
    let bytes = a.iter().zip(b).zip(c).zip(d);
    for (four, (((&a, &b), &c), &d)) in fours.by_ref().zip(bytes) {
        four.copy_from_slice(&[a, b, c, d]);
    }
    for (byte, group) in fours.into_remainder().iter_mut().zip([a, b, c]) {
        *byte = group[whole];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_taken_apart_and_put_together() {
        for (content, expected) in [
            ("", ""),
            ("0", "0"),
            ("01", "01"),
            ("012", "012"),
            ("0123", "0123"),
            ("01234", "04123"),
            ("0123456", "0415263"),
            ("0123456789a", "04815926a37"),
            ("0123456789ab", "04815926a37b"),
        ] {
            let mut groups = vec![0; content.len()];
            split(content.as_bytes(), &mut groups);
            assert_eq!(str::from_utf8(&groups), Ok(expected));
            let mut joined = vec![0; content.len()];
            join(&groups, &mut joined);
            assert_eq!(str::from_utf8(&joined), Ok(content));
        }
    }
}
