//! Contents made of others: what is left of one after edits, and what was put in.
//!
//! It copies no bytes before they are asked for.

use std::sync::Arc;

use super::cells::mix;
use super::{Content, Kind, Piece, Source};

/// A change of a content: some bytes are taken out, others are put in their place.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Where, in the content before all edits.
    pub at: u64,
    /// How many bytes are taken out.
    pub cut: u64,
    /// What is put in.
    pub insert: Content,
}

impl Content {
    /// This content after edits, which are sorted and do not overlap; an edit beyond the end, or
    /// before the end of the one before it, begins there.
    pub fn edited(&self, edits: &[Edit]) -> Self {
        let mut pieces = Vec::new();
        let mut len = 0;
        let mut push = |content: &Self, from: u64, count: u64| {
            if count > 0 {
                pieces.push(Piece { start: len, len: count, from, content: content.clone() });
                len += count;
            }
        };
        let mut done = 0;
        for edit in edits {
            let at = edit.at.clamp(done, self.len());
            push(self, done, at - done);
            push(&edit.insert, 0, edit.insert.len());
            done = at.saturating_add(edit.cut).min(self.len());
        }
        push(self, done, self.len() - done);
        Self::of(len, Source::Pieces(Arc::from(pieces)))
    }

    /// What this content becomes by more training of some layers: of sixteen equal parts every
    /// fourth gets new bytes of the same kind, and in the middle a few bytes are put in.
    pub fn fine_tuned(&self, seed: u64) -> Self {
        let kind = match &self.source {
            Source::Made { kind, .. } => *kind,
            Source::Memory(_) | Source::Disk(_) | Source::Pieces(_) => Kind::Random,
        };
        let part = self.len() / PARTS;
        let edits: Vec<_> = (0..PARTS)
            .filter_map(|at| {
                let insert = |len| Self::made(kind, mix(seed ^ at), len);
                match at {
                    // Multiples of four, so that numbers stay numbers.
                    8 => Some(Edit { at: at * part / 4 * 4, cut: 0, insert: insert(1000) }),
                    _ if at % 4 == 1 => {
                        let cut = part / 4 * 4;
                        Some(Edit { at: at * part / 4 * 4, cut, insert: insert(cut) })
                    }
                    _ => None,
                }
            })
            .collect();
        self.edited(&edits)
    }
}

const PARTS: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content: &Content, offset: u64, len: u64) -> String {
        let bytes = content.open().unwrap().read_at(offset, len as usize).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn edits_cut_and_insert() {
        let base = Content::memory(&b"0123456789"[..]);
        let edit =
            |at, cut, insert: &'static str| Edit { at, cut, insert: Content::memory(insert) };
        let table = [
            (vec![], "0123456789"),
            (vec![edit(0, 0, "ab")], "ab0123456789"),
            (vec![edit(2, 3, "ab"), edit(7, 0, "c")], "01ab56c789"),
            (vec![edit(8, 9, "")], "01234567"),
            (vec![edit(20, 1, "z")], "0123456789z"),
            (vec![edit(4, 4, ""), edit(6, 1, "x")], "0123x9"),
        ];
        for (edits, expected) in table {
            let edited = base.edited(&edits);
            assert_eq!(text(&edited, 0, edited.len()), expected);
            for start in 0..edited.len() {
                for end in start..=edited.len() {
                    let part = &expected[start as usize..end as usize];
                    assert_eq!(text(&edited, start, end - start), part);
                }
            }
        }
    }

    #[test]
    fn a_fine_tune_keeps_most_and_says_what_it_is() {
        let base = Content::made(Kind::Bf16, 1, 1 << 20);
        let tuned = base.fine_tuned(2);
        assert_eq!(tuned.len(), base.len() + 1000);
        assert_ne!(tuned.recipe(), base.fine_tuned(3).recipe());
        assert_eq!(tuned.recipe(), base.fine_tuned(2).recipe());
        let bytes = |content: &Content| content.open().unwrap().read_at(0, 1 << 20).unwrap();
        let (before, after) = (bytes(&base), bytes(&tuned));
        assert_eq!(before[..1 << 16], after[..1 << 16]);
        assert_ne!(before[1 << 16..2 << 16], after[1 << 16..2 << 16]);
        assert_eq!(before[12 << 16..13 << 16], after[(12 << 16) + 1000..(13 << 16) + 1000]);
    }
}
