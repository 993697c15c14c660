//! Words beside one another, never on one another: what is crowded is said together.
//!
//! Draws nothing; says what to write where.

use std::collections::BTreeMap;

use super::canvas::width_of;

/// Words about something that happened, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The middle of the words.
    pub(super) x: i32,
    /// Which line they are on, the first being 0.
    pub(super) row: usize,
    pub(super) text: String,
}

/// What happened, and where on the axis.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    pub(super) x: i32,
    pub(super) text: String,
}

/// Things that happened so near to one another that they are said together.
#[derive(Clone, Debug)]
struct Cluster {
    from: i32,
    to: i32,
    counts: BTreeMap<String, u64>,
}

impl Cluster {
    fn middle(&self) -> i32 {
        i32::midpoint(self.from, self.to)
    }

    /// The most frequent first; what there is no line for is counted.
    fn lines(&self, rows: usize) -> Vec<String> {
        let mut kinds: Vec<(&String, &u64)> = self.counts.iter().collect();
        kinds.sort_by_key(|(text, count)| (std::cmp::Reverse(**count), (*text).clone()));
        let say = |(text, count): (&String, &u64)| match count {
            1 => text.clone(),
            count => format!("{text} ×{count}"),
        };
        let shown = if kinds.len() > rows { rows - 1 } else { rows };
        let left: u64 = kinds.iter().skip(shown).map(|(_, count)| **count).sum();
        let mut lines: Vec<String> = kinds.into_iter().take(shown).map(say).collect();
        if left > 0 {
            lines.push(format!("{left} more"));
        }
        lines
    }

    fn width(&self, rows: usize, size: u32) -> i32 {
        self.lines(rows).iter().map(|line| width_of(line, size)).max().unwrap_or(0)
    }

    fn swallow(&mut self, other: Self) {
        self.to = self.to.max(other.to);
        for (text, count) in other.counts {
            *self.counts.entry(text).or_default() += count;
        }
    }
}

/// Says things where they happened, in up to so many rows; what is too near is said together, and
/// counted. The things are in order.
pub(super) fn clustered(
    happenings: impl Iterator<Item = Happening>,
    rows: usize,
    size: u32,
    within: (i32, i32),
) -> Vec<Label> {
    let mut clusters: Vec<Cluster> = Vec::new();
    for Happening { x, text } in happenings {
        let counts = BTreeMap::from([(text, 1)]);
        let next = Cluster { from: x, to: x, counts };
        match clusters.last_mut() {
            Some(last) if x - last.from < CELL => last.swallow(next),
            Some(_) | None => clusters.push(next),
        }
    }
    let place = |cluster: &Cluster| {
        let half = cluster.width(rows, size) / 2 + 1;
        let x = cluster.middle().min(within.1 - half).max(within.0 + half);
        (x, half)
    };
    let mut index = 1;
    while index < clusters.len() {
        let ((left, left_half), (right, right_half)) =
            (place(&clusters[index - 1]), place(&clusters[index]));
        if left + left_half + GAP > right - right_half {
            let next = clusters.remove(index);
            clusters[index - 1].swallow(next);
            index = index.saturating_sub(1).max(1);
        } else {
            index += 1;
        }
    }
    let labels = clusters.iter().flat_map(|cluster| {
        let x = place(cluster).0;
        let lines = cluster.lines(rows).into_iter().enumerate();
        lines.map(move |(row, text)| Label { x, row, text })
    });
    labels.collect()
}

/// Says each thing on the first row that has room for it, beginning where it happened; what has
/// no room is not said. The things are in order.
pub(super) fn staggered(
    happenings: &[Happening],
    rows: usize,
    size: u32,
    within: (i32, i32),
) -> Vec<Label> {
    let mut ends = vec![i32::MIN; rows];
    let mut labels = Vec::new();
    for Happening { x, text } in happenings {
        let width = width_of(text, size);
        let start = (x + 3).min(within.1 - width).max(within.0);
        if let Some(row) = ends.iter().position(|end| *end + GAP <= start) {
            ends[row] = start + width;
            labels.push(Label { x: start + width / 2, row, text: text.clone() });
        }
    }
    labels
}

/// The same words for things of one kind: without what is in brackets or behind a colon, and
/// without the numbers among them.
pub(super) fn kind(text: &str) -> String {
    let head = text.split(':').next().unwrap_or_default();
    let head = plain(head);
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = head.split_whitespace().collect();
    // A number alone says it all, such as a status.
    if words.len() > 1 {
        let word = |word: &&str| if is_number(word) { "…" } else { *word }.to_owned();
        return words.iter().map(word).collect::<Vec<_>>().join(" ");
    }
    head
}

/// Without what is in brackets, which is for programmers.
pub(super) fn plain(text: &str) -> String {
    text.split(['{', '(', '[']).next().unwrap_or_default().trim().to_owned()
}

/// At most so many letters.
pub(super) fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let head: String = text.chars().take(max - 1).collect();
    format!("{}…", head.trim_end())
}

/// Within so many pixels, all is said together.
const CELL: i32 = 14;
/// Pixels between words.
const GAP: i32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn happenings(all: &[(i32, &str)]) -> Vec<Happening> {
        all.iter().map(|(x, text)| Happening { x: *x, text: (*text).to_owned() }).collect()
    }

    #[test]
    fn what_is_crowded_is_counted() {
        let all = happenings(&[(100, "reset"), (103, "stall"), (110, "reset"), (600, "416")]);
        let labels = clustered(all.into_iter(), 2, 14, (0, 1000));
        let said: Vec<_> = labels.iter().map(|l| (l.x, l.row, l.text.as_str())).collect();
        assert_eq!(said, [(105, 0, "reset ×2"), (105, 1, "stall"), (600, 0, "416")]);
    }

    #[test]
    fn clusters_never_touch() {
        let texts = ["reset", "a long stall", "429", "x"];
        for step in 1..60 {
            let all: Vec<_> =
                (0..1000 / step).map(|index| (index * step, texts[index as usize % 4])).collect();
            let labels = clustered(happenings(&all).into_iter(), 3, 14, (0, 1000));
            let total = labels.iter().filter(|label| label.row == 0).count();
            assert!(total > 4, "step {step}: {total} clusters");
            for pair in labels.iter().filter(|l| l.row == 0).collect::<Vec<_>>().windows(2) {
                let half = |label: &Label| width_of(&label.text, 14) / 2;
                assert!(pair[0].x + half(pair[0]) < pair[1].x - half(pair[1]), "{pair:?}");
            }
        }
    }

    #[test]
    fn marks_take_the_first_row_with_room() {
        let all = happenings(&[(10, "kill"), (12, "power cut"), (14, "no room"), (990, "the end")]);
        let labels = staggered(&all, 2, 14, (0, 1000));
        let said: Vec<_> = labels.iter().map(|l| (l.row, l.text.as_str())).collect();
        assert_eq!(said, [(0, "kill"), (1, "power cut"), (0, "the end")]);
        assert!(labels[2].x < 990, "inside the picture");
    }

    #[test]
    fn numbers_make_no_kind() {
        assert_eq!(kind("file 3 sealed"), kind("file 14 sealed"));
        assert_eq!(kind("Chunk { file: 1 }"), "Chunk");
        assert_eq!(kind("ann is told: the disk is full"), "ann is told");
        assert_eq!(kind("503"), "503");
        assert_eq!(plain("Down { since: 3s }"), "Down");
        assert_eq!(plain("ann is told: the disk is full"), "ann is told: the disk is full");
        assert_eq!(shortened("abcdef", 4), "abc…");
    }
}
