//! Files made of xorbs, whose chunks become known in any order, or wrongly.
//!
//! Chunks are names and lengths here; no content is hashed.

use proptest::prelude::*;

use super::*;
use crate::range_set::tests::seeded;
use crate::xet::merkle;

const KIB: u64 = 1 << 10;

fn node(seed: u64) -> Node {
    Node { hash: XetHash::of_chunk(&seed.to_le_bytes()), len: 8 * KIB + seed % 977 }
}

/// What damage makes of a chunk.
fn damaged(node: Node) -> Node {
    Node { hash: XetHash::of_chunk(node.hash.as_bytes()), ..node }
}

/// A file as it was published: terms over xorbs.
#[derive(Clone, Debug)]
struct World {
    xorbs: Vec<Vec<Node>>,
    /// By index of the xorb, and first and last chunk of it.
    terms: Vec<(usize, usize, usize)>,
}

impl World {
    fn new(counts: &[usize], terms: &[(usize, usize, usize)]) -> Self {
        let xorb = |(seed, &count): (u64, &usize)| {
            (0..count as u64).map(|at| node(seed * 1000 + at)).collect()
        };
        Self { xorbs: (0..).zip(counts).map(xorb).collect(), terms: terms.to_vec() }
    }

    fn name(&self, xorb: usize) -> XetHash {
        merkle::root(&self.xorbs[xorb])
    }

    /// All chunks of the file, each with its first byte, its xorb and its place in it.
    fn chunks(&self) -> Vec<(u64, Node, usize, usize)> {
        let mut start = 0;
        let places = self.terms.iter().flat_map(|&(xorb, a, b)| (a..b).map(move |at| (xorb, at)));
        places
            .map(|(xorb, at)| {
                let node = self.xorbs[xorb][at];
                start += node.len;
                (start - node.len, node, xorb, at)
            })
            .collect()
    }

    fn size(&self) -> u64 {
        self.chunks().last().map_or(0, |(start, node, ..)| start + node.len)
    }

    /// What a reconstruction says of the chunks `from..to` of the file.
    fn window(&self, from: usize, to: usize) -> Vec<(u64, Term)> {
        let chunks = self.chunks();
        let mut index = 0;
        let mut window = Vec::new();
        for &(xorb, a, b) in &self.terms {
            let (first, last) = (index.max(from), (index + b - a).min(to));
            if first < last {
                let len = chunks[first..last].iter().map(|(_, node, ..)| node.len).sum();
                let range = (a + first - index) as u32..(a + last - index) as u32;
                window.push((chunks[first].0, Term { xorb: self.name(xorb), chunks: range, len }));
            }
            index += b - a;
        }
        window
    }

    /// The bytes of the pieces of a xorb.
    fn bytes_of(&self, xorb: usize) -> RangeSet {
        let of_xorb = self.chunks().into_iter().filter(|(.., found, _)| *found == xorb);
        of_xorb.map(|(start, node, ..)| ByteRange::new(start, start + node.len)).collect()
    }
}

/// All placed at once, nothing known.
fn placed(world: &World) -> Vouching {
    let mut vouching = Vouching::new(world.size());
    for (start, term) in world.window(0, usize::MAX) {
        vouching.on_placed(start, &term);
    }
    vouching
}

fn told(vouching: &mut Vouching) -> Vec<Proof> {
    std::iter::from_fn(|| vouching.poll()).collect()
}

fn runs(set: &RangeSet) -> Vec<ByteRange> {
    set.iter().collect()
}

#[test]
fn a_xorb_is_vouched_with_its_last_chunk() {
    let world = World::new(&[40, 7], &[(0, 0, 40), (1, 0, 7)]);
    let mut vouching = placed(&world);
    let chunks = world.chunks();
    for &(start, node, ..) in chunks.iter().rev() {
        assert_eq!(
            vouching.vouched().len(),
            if start < chunks[40].0 { world.size() - chunks[40].0 } else { 0 }
        );
        assert_eq!(vouching.file_root(), None);
        vouching.on_chunk(start, node);
    }
    let expected = [1, 0]
        .map(|xorb| Proof::Vouched { xorb: world.name(xorb), ranges: runs(&world.bytes_of(xorb)) });
    assert_eq!(told(&mut vouching), expected);
    let all: Vec<_> = chunks.iter().map(|(_, node, ..)| *node).collect();
    assert_eq!(vouching.file_root(), Some(merkle::file_hash(&all)));
}

#[test]
fn pieces_in_any_order_prove_together_and_copies_serve_for_each_other() {
    // The second chunk of the xorb is in the file twice, the others are spread over it.
    let world = World::new(&[9, 1], &[(0, 4, 9), (1, 0, 1), (0, 0, 2), (0, 1, 4)]);
    let mut vouching = placed(&world);
    let chunks = world.chunks();
    for (at, &(start, node, ..)) in chunks.iter().enumerate() {
        // The first copy of it stays unknown, so that its piece does.
        if at != 7 {
            vouching.on_chunk(start, node);
        }
    }
    assert_eq!(vouching.vouched().len(), node(1000).len);
    vouching.on_chunk(chunks[7].0, chunks[7].1);
    assert_eq!(vouching.vouched().len(), world.size());
}

#[test]
fn the_rest_of_a_xorb_in_another_file_leaves_its_chunks_unproven() {
    let world = World::new(&[20, 3], &[(0, 0, 12), (1, 0, 3), (0, 5, 8)]);
    let mut vouching = placed(&world);
    for (start, node, ..) in world.chunks() {
        vouching.on_chunk(start, node);
    }
    let told = told(&mut vouching);
    let unproven = world.window(0, 12)[0].1.len;
    let expected = [
        Proof::Unproven { xorb: world.name(0), ranges: vec![ByteRange::new(0, unproven)] },
        Proof::Vouched { xorb: world.name(1), ranges: runs(&world.bytes_of(1)) },
    ];
    assert_eq!(told, expected);
    assert_eq!(vouching.vouched(), &world.bytes_of(1));
}

#[test]
fn a_window_is_no_end_of_a_xorb_before_it_is_known_what_follows() {
    let world = World::new(&[30, 2], &[(0, 0, 30), (1, 0, 2)]);
    let mut vouching = Vouching::new(world.size());
    let chunks = world.chunks();
    for (from, to) in [(0, 10), (10, 20), (20, 30)] {
        for (start, term) in world.window(from, to) {
            vouching.on_placed(start, &term);
        }
        for &(start, node, ..) in &chunks[from..to] {
            let is_bad = start == chunks[3].0;
            vouching.on_chunk(start, if is_bad { damaged(node) } else { node });
        }
    }
    assert_eq!(told(&mut vouching), []);
    for (start, term) in world.window(30, 31) {
        vouching.on_placed(start, &term);
    }
    let ranges = runs(&world.bytes_of(0));
    assert_eq!(
        told(&mut vouching),
        [Proof::Unproven { xorb: world.name(0), ranges: ranges.clone() }]
    );
    // The bad one is fetched again.
    vouching.on_revoked(ByteRange::new(chunks[3].0 + 5, chunks[3].0 + 6));
    vouching.on_chunk(chunks[3].0, chunks[3].1);
    assert_eq!(told(&mut vouching), [Proof::Vouched { xorb: world.name(0), ranges }]);
}

#[test]
fn a_damaged_copy_of_what_is_proven_is_refuted() {
    for bad in [2, 12] {
        let world = World::new(&[8, 1], &[(0, 0, 8), (1, 0, 1), (0, 2, 7)]);
        let mut vouching = placed(&world);
        let chunks = world.chunks();
        for (at, &(start, node, ..)) in chunks.iter().enumerate() {
            vouching.on_chunk(start, if at == bad { damaged(node) } else { node });
        }
        let told = told(&mut vouching);
        let piece = if bad == 2 { 0 } else { 2 };
        let (start, term) = &world.window(0, 99)[piece];
        let ranges = vec![ByteRange::new(*start, start + term.len)];
        assert!(told.contains(&Proof::Refuted { xorb: world.name(0), ranges }), "{bad}: {told:?}");
        // Whichever copy is the bad one, the other is told to be good.
        assert_eq!(vouching.vouched().len(), world.size() - term.len, "{bad}");
        vouching.on_chunk(chunks[bad].0, chunks[bad].1);
        assert_eq!(vouching.vouched().len(), world.size(), "{bad}");
    }
}

#[test]
fn a_full_xorb_that_does_not_prove_is_refuted() {
    let count = 8192;
    let mut world = World::new(&[count], &[(0, 0, count)]);
    // As many chunks as there can be are enough, short as they may be.
    world.xorbs[0].iter_mut().for_each(|node| node.len = 100);
    let mut vouching = placed(&world);
    for (at, (start, node, ..)) in world.chunks().into_iter().enumerate() {
        vouching.on_chunk(start, if at == 4000 { damaged(node) } else { node });
    }
    let ranges = runs(&world.bytes_of(0));
    assert_eq!(told(&mut vouching), [Proof::Refuted { xorb: world.name(0), ranges }]);
}

#[test]
fn chunks_that_are_not_where_they_should_be_are_refuted() {
    let world = World::new(&[4], &[(0, 0, 4)]);
    let mut vouching = placed(&world);
    let chunks = world.chunks();
    let (first, second) = (chunks[0].1, chunks[1].1);
    vouching.on_chunk(0, Node { len: first.len + 9, ..first });
    vouching.on_chunk(first.len + 9, Node { len: second.len - 9, ..second });
    for &(start, node, ..) in &chunks[2..] {
        vouching.on_chunk(start, node);
    }
    // The right number of chunks, but of other lengths.
    let ranges = vec![ByteRange::new(0, world.size())];
    assert_eq!(
        told(&mut vouching),
        [Proof::Unproven { xorb: world.name(0), ranges: ranges.clone() }]
    );
    vouching.on_chunk(0, Node { len: first.len + second.len, ..first });
    assert_eq!(told(&mut vouching), [Proof::Refuted { xorb: world.name(0), ranges }]);
    assert!(vouching.vouched().is_empty());
}

#[test]
fn a_piece_between_chunks_that_stick_out_is_refuted() {
    let world = World::new(&[1, 2, 1], &[(0, 0, 1), (1, 0, 2), (2, 0, 1)]);
    let mut vouching = placed(&world);
    let chunks = world.chunks();
    // As many bytes in as many chunks as there should be begin in the piece, but 9 bytes late.
    let late = |(start, ..): &(u64, Node, usize, usize)| if *start > 0 { start + 9 } else { 0 };
    let starts: Vec<_> = chunks.iter().map(late).collect();
    let ends = starts[1..].iter().chain([&world.size()]).copied().collect::<Vec<_>>();
    for ((start, end), (_, node, ..)) in starts.iter().zip(ends).zip(&chunks) {
        vouching.on_chunk(*start, Node { len: end - start, ..*node });
    }
    let refuted = [0, 1, 2]
        .map(|xorb| Proof::Refuted { xorb: world.name(xorb), ranges: runs(&world.bytes_of(xorb)) });
    assert_eq!(told(&mut vouching), refuted);
}

#[test]
fn what_was_wrong_is_forgotten_when_it_is_revoked() {
    // More chunks are wrong than could be tried out.
    let world = World::new(&[40], &[(0, 0, 40)]);
    let mut vouching = placed(&world);
    let chunks = world.chunks();
    for &(start, node, ..) in &chunks {
        vouching.on_chunk(start, damaged(node));
    }
    assert_eq!(told(&mut vouching).len(), 1);
    vouching.on_revoked(ByteRange::new(0, world.size()));
    for &(start, node, ..) in &chunks {
        vouching.on_chunk(start, node);
    }
    assert_eq!(vouching.vouched().len(), world.size());
}

#[test]
fn the_last_word_counts_where_windows_contradict_each_other() {
    let world = World::new(&[10, 10], &[(0, 0, 10), (1, 0, 10)]);
    let terms = world.window(0, 20);
    let (start, term) = &terms[1];
    let half: u64 = world.xorbs[1][..5].iter().map(|node| node.len).sum();
    for wrong in [
        // Another xorb, other chunks of it, a piece that is cut elsewhere, and all at once.
        (*start, Term { xorb: world.name(0), ..term.clone() }),
        (*start, Term { chunks: 1..11, ..term.clone() }),
        (*start, Term { chunks: 0..6, len: half, ..term.clone() }),
        (*start + half, Term { chunks: 6..10, len: term.len - half, ..term.clone() }),
        (0, Term { chunks: 0..20, len: world.size(), ..term.clone() }),
    ] {
        let mut vouching = Vouching::new(world.size());
        for (start, node, ..) in world.chunks() {
            vouching.on_chunk(start, node);
        }
        vouching.on_placed(wrong.0, &wrong.1);
        for (start, term) in terms.iter().rev() {
            vouching.on_placed(*start, term);
        }
        assert_eq!(vouching.vouched().len(), world.size(), "{wrong:?}");
    }
}

#[test]
fn what_is_left_beside_a_contradiction_is_not_made_up() {
    let world = World::new(&[10, 1], &[(0, 0, 10)]);
    let mut vouching = placed(&world);
    let chunks = world.chunks();
    let (start, node, ..) = chunks[5];
    vouching.on_placed(start, &Term { xorb: world.name(1), chunks: 5..6, len: node.len });
    for &(start, node, ..) in &chunks {
        vouching.on_chunk(start, node);
    }
    assert_eq!((told(&mut vouching), vouching.vouched().len()), (vec![], 0));
}

#[test]
fn what_lies_outside_or_cannot_be_is_ignored() {
    let world = World::new(&[3], &[(0, 0, 3)]);
    let mut vouching = Vouching::new(world.size());
    let (start, term) = world.window(0, 3).remove(0);
    vouching.on_placed(start + 1, &term);
    vouching.on_placed(u64::MAX, &term);
    vouching.on_placed(start, &Term { chunks: 3..3, ..term.clone() });
    vouching.on_placed(start, &Term { len: 2, ..term.clone() });
    vouching.on_placed(start, &Term { chunks: 8190..8193, ..term });
    vouching.on_chunk(world.size() - 1, node(0));
    vouching.on_chunk(u64::MAX, node(0));
    vouching.on_chunk(0, Node { len: 0, ..node(0) });
    assert_eq!((vouching.chunks().count(), told(&mut vouching)), (0, vec![]));
    assert_eq!(Vouching::new(0).file_root(), Some(XetHash::ZERO));
}

/// Two to four xorbs and up to eight terms over them.
fn worlds() -> impl Strategy<Value = World> {
    let counts = prop::collection::vec(1..30_usize, 2..5);
    let picks =
        prop::collection::vec((any::<prop::sample::Index>(), 0..4, 0..30_usize, 0..30_usize), 1..9);
    (counts, picks).prop_map(|(counts, picks)| {
        let term = |(xorb, kind, a, b): (prop::sample::Index, i32, usize, usize)| {
            let xorb = xorb.index(counts.len());
            let (a, b) = (a % counts[xorb], b % counts[xorb]);
            let (first, last) =
                if kind == 0 { (a.min(b), a.max(b) + 1) } else { (0, counts[xorb]) };
            (xorb, first, last)
        };
        let terms: Vec<_> = picks.into_iter().map(term).collect();
        World::new(&counts, &terms)
    })
}

type Pick = prop::sample::Index;

proptest! {
    #![proptest_config(seeded(400))]

    #[test]
    fn what_is_right_is_vouched_and_nothing_else(
        world in worlds(),
        steps in prop::collection::vec((0..12, any::<Pick>(), any::<Pick>()), 0..200),
        order in any::<Pick>(),
    ) {
        let chunks = world.chunks();
        let mut vouching = Vouching::new(world.size());
        let mut proofs = Vec::new();
        // What is known, truth or not; windows come and go.
        let mut known: BTreeMap<u64, Node> = BTreeMap::new();
        for (kind, a, b) in steps {
            let (a, b) = (a.index(chunks.len()), b.index(chunks.len() + 1));
            let (start, node, ..) = chunks[a];
            match kind {
                0 | 1 => {
                    for (start, term) in world.window(a.min(b), a.max(b)) {
                        vouching.on_placed(start, &term);
                    }
                }
                2 => {
                    vouching.on_revoked(ByteRange::new(start + 7, start + 8));
                    known.remove(&start);
                }
                3 => {
                    vouching.on_chunk(start, damaged(node));
                    known.insert(start, damaged(node));
                }
                _ => {
                    vouching.on_chunk(start, node);
                    known.insert(start, node);
                }
            }
            proofs.extend(told(&mut vouching));
            let right = chunks.iter().filter(|(start, node, ..)| known.get(start) == Some(node));
            let right: RangeSet =
                right.map(|(start, node, ..)| ByteRange::new(*start, start + node.len)).collect();
            for range in vouching.vouched().iter() {
                prop_assert!(right.contains(range), "{range} is vouched but not right");
            }
        }
        // Then all is placed and known, in some order.
        for (start, term) in world.window(0, usize::MAX) {
            vouching.on_placed(start, &term);
        }
        let by = order.index(chunks.len());
        for &(start, node, ..) in chunks[by..].iter().chain(&chunks[..by]) {
            vouching.on_chunk(start, node);
        }
        proofs.extend(told(&mut vouching));
        for xorb in 0..world.xorbs.len() {
            let bytes = world.bytes_of(xorb);
            let of_xorb = chunks.iter().filter(|(.., found, _)| *found == xorb);
            let places: BTreeSet<_> = of_xorb.map(|(.., at)| *at).collect();
            let is_whole = places.len() == world.xorbs[xorb].len();
            for range in bytes.iter() {
                let vouched = vouching.vouched();
                prop_assert_eq!(vouched.contains(range), is_whole, "{} of {}", range, xorb);
                prop_assert_eq!(vouched.intersects(range), is_whole);
            }
        }
        let all: Vec<_> = chunks.iter().map(|(_, node, ..)| *node).collect();
        prop_assert_eq!(vouching.file_root(), Some(merkle::file_hash(&all)));
    }

    #[test]
    fn without_damage_nothing_is_refuted(
        world in worlds(),
        cuts in prop::collection::vec(any::<Pick>(), 0..6),
        order in prop::collection::vec(any::<Pick>(), 0..60),
    ) {
        let chunks = world.chunks();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(chunks.len())).collect();
        cuts.extend([0, chunks.len()]);
        cuts.sort_unstable();
        let mut vouching = Vouching::new(world.size());
        let early = order.iter().map(|at| chunks[at.index(chunks.len())]);
        for (start, node, ..) in early {
            vouching.on_chunk(start, node);
        }
        for cut in cuts.windows(2) {
            for (start, term) in world.window(cut[0], cut[1]) {
                vouching.on_placed(start, &term);
            }
        }
        for &(start, node, ..) in &chunks {
            vouching.on_chunk(start, node);
        }
        let told = told(&mut vouching);
        prop_assert!(!told.iter().any(|proof| matches!(proof, Proof::Refuted { .. })), "{told:?}");
        let vouched: RangeSet = told
            .iter()
            .flat_map(|proof| match proof {
                Proof::Vouched { ranges, .. } => ranges.as_slice(),
                Proof::Refuted { .. } | Proof::Unproven { .. } => &[],
            })
            .copied()
            .collect();
        prop_assert_eq!(&vouched, vouching.vouched());
    }
}
