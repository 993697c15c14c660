//! What of a recording is drawn: sums and counts in steps of time, however many rows there are.
//!
//! Knows no pixels, but for how many steps are worth telling apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::recording::{Recording, Row, What};

/// A run, condensed.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    /// How long it took; more than 0.
    pub(super) seconds: f64,
    /// Bytes that arrived.
    pub(super) arrived: u64,
    /// Bytes that were proven at the end, if that was said.
    pub(super) proven: Option<u64>,
    pub(super) workers: u64,
    pub(super) open_max: u64,
    pub(super) faults: u64,
    /// Seconds, and all that had arrived by then.
    pub(super) arrivals: Vec<(f64, u64)>,
    /// Seconds, and all that was proven by then; may fall.
    pub(super) proofs: Vec<(f64, u64)>,
    /// What each worker brought, in the order of their ends.
    pub(super) strands: Vec<Strand>,
    /// One for each step, all as long.
    pub(super) steps: Vec<Step>,
    /// Seconds, and what went wrong.
    pub(super) troubles: Vec<(f64, String)>,
    /// Seconds, and what else happened.
    pub(super) marks: Vec<(f64, String)>,
    /// From and to, in seconds: nothing could arrive.
    pub(super) outages: Vec<(f64, f64)>,
}

/// What a worker brought.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    /// The lowest place that was free when it began.
    pub(super) place: usize,
    /// Seconds, and how far in the file it was by then.
    pub(super) points: Vec<(f64, u64)>,
}

/// What happened in one step of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    /// Bytes that arrived, by the place of the worker that brought them.
    pub(super) arrived: BTreeMap<usize, u64>,
    /// What the link could carry, in bytes, if that was said.
    pub(super) carried: Option<f64>,
    /// Workers, at most.
    pub(super) open: u64,
    /// How many might be open, at most.
    pub(super) limit: Option<u32>,
}

/// What is known while the rows are read.
#[derive(Default)]
struct Reader {
    story: Story,
    open: BTreeMap<u64, (Strand, u64)>,
    places: BTreeSet<usize>,
    /// The places of those that ended.
    ended: BTreeMap<u64, usize>,
    limit: Option<u32>,
    /// Since when the link has carried how much.
    capacity: Option<(f64, u64)>,
    outage: Option<f64>,
    /// The step up to which it is noted how many workers there were.
    counted: usize,
}

impl Story {
    /// `None` if nothing happened.
    pub(super) fn of(recording: &Recording) -> Option<Self> {
        // The weather goes on when all is over; the picture need not.
        let is_weather = |row: &&Row| matches!(row.what, What::Capacity { .. });
        let rows = recording.rows();
        let last = rows.iter().rfind(|row| !is_weather(row)).or(rows.last())?.at;
        let seconds = last.since_start().as_secs_f64().max(0.001);
        let steps = vec![Step::default(); step_count(seconds)];
        let mut reader =
            Reader { story: Self { seconds, steps, ..Self::default() }, ..Reader::default() };
        for row in rows.iter().take_while(|row| row.at <= last) {
            reader.on_row(row);
        }
        Some(reader.finish())
    }

    /// How long each step is.
    pub(super) fn step_seconds(&self) -> f64 {
        self.seconds / self.steps.len() as f64
    }
}

impl Reader {
    fn on_row(&mut self, row: &Row) {
        let at = row.at.since_start().as_secs_f64();
        self.count(at);
        match &row.what {
            What::Open { worker, range } => {
                let base = range.map_or(self.story.arrived, |range| range.start);
                self.on_open(*worker, base, at);
            }
            What::Bytes { worker, len } => self.on_bytes(*worker, *len, at),
            What::Close { worker, .. } => self.on_close(*worker, at),
            What::Proven { len } => {
                self.story.proven = Some(*len);
                thin(&mut self.story.proofs, self.story.seconds, (at, *len));
            }
            What::Window { limit } => {
                self.limit = Some(*limit);
                self.count(at);
            }
            What::Capacity { rate } => {
                self.carry(at);
                self.capacity = Some((at, *rate));
            }
            What::Fault { what } => {
                self.story.faults += 1;
                self.story.troubles.push((at, what.clone()));
            }
            What::Mark { what } => self.on_mark(at, what),
        }
    }

    fn on_open(&mut self, worker: u64, base: u64, at: f64) {
        self.on_close(worker, at);
        let place = (0..).find(|place| !self.places.contains(place)).unwrap_or(usize::MAX);
        self.places.insert(place);
        let strand = Strand { place, points: vec![(at, base)] };
        self.open.insert(worker, (strand, base));
        self.story.workers += 1;
        self.story.open_max = self.story.open_max.max(self.open.len() as u64);
        self.count(at);
    }

    fn on_bytes(&mut self, worker: u64, len: u64, at: f64) {
        let place = match self.open.get_mut(&worker) {
            Some((strand, position)) => {
                *position = position.saturating_add(len);
                thin(&mut strand.points, self.story.seconds, (at, *position));
                strand.place
            }
            // What was under way when it ended counts, and opens nothing.
            None => self.ended.get(&worker).copied().unwrap_or(usize::MAX),
        };
        self.story.arrived = self.story.arrived.saturating_add(len);
        let arrived = self.story.arrived;
        thin(&mut self.story.arrivals, self.story.seconds, (at, arrived));
        let step = self.step(at);
        *self.story.steps[step].arrived.entry(place).or_default() += len;
    }

    fn on_close(&mut self, worker: u64, at: f64) {
        if let Some((strand, _)) = self.open.remove(&worker) {
            self.places.remove(&strand.place);
            self.ended.insert(worker, strand.place);
            self.story.strands.push(strand);
            self.count(at);
        }
    }

    fn on_mark(&mut self, at: f64, what: &str) {
        let words: Vec<String> =
            what.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
        let says = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
        if says(&["up", "back", "end", "ends", "over", "starts", "started", "begun"]) {
            self.story.outages.extend(self.outage.take().map(|from| (from, at)));
        } else if says(&["down", "outage", "power", "gone"]) {
            self.outage.get_or_insert(at);
        }
        self.story.marks.push((at, what.to_owned()));
    }

    /// Notes how many workers there are, and were since this was last noted.
    fn count(&mut self, at: f64) {
        let now = self.step(at);
        for step in &mut self.story.steps[self.counted..=now] {
            step.open = step.open.max(self.open.len() as u64);
            step.limit = step.limit.max(self.limit);
        }
        self.counted = now;
    }

    /// Spreads over the steps what the link carried until now.
    fn carry(&mut self, until: f64) {
        let Some((from, rate)) = self.capacity else { return };
        if rate == 0 && until - from > self.story.seconds * OUTAGE_SHARE {
            self.story.outages.push((from, until));
        }
        let length = self.story.step_seconds();
        let (first, last) = (self.step(from), self.step(until));
        for index in first..=last {
            let start = index as f64 * length;
            let share = until.min(start + length) - from.max(start);
            let carried = self.story.steps[index].carried.get_or_insert(0.0);
            *carried += share.max(0.0) * rate as f64;
        }
    }

    fn step(&self, at: f64) -> usize {
        let count = self.story.steps.len();
        ((at / self.story.step_seconds()) as usize).min(count - 1)
    }

    fn finish(mut self) -> Story {
        let end = self.story.seconds;
        self.carry(end);
        self.story.outages.extend(self.outage.take().map(|from| (from, end)));
        let left: Vec<Strand> = std::mem::take(&mut self.open).into_values().map(|o| o.0).collect();
        self.story.strands.extend(left);
        self.story.outages = merged(std::mem::take(&mut self.story.outages));
        self.story
    }
}

/// Spans that overlap, as one.
fn merged(mut spans: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            Some(_) | None => merged.push((from, to)),
        }
    }
    merged
}

/// Adds a point, in place of the last one if nobody could see both.
fn thin(points: &mut Vec<(f64, u64)>, seconds: f64, point: (f64, u64)) {
    let finest = seconds / POINTS as f64;
    match points.as_mut_slice() {
        // The first one says where it begins.
        [_, .., before, last] if last.0 - before.0 < finest && point.0 - before.0 < finest => {
            *last = point;
        }
        _ => points.push(point),
    }
}

/// Steps of a length that people can say.
fn step_count(seconds: f64) -> usize {
    let lengths = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000]
        .into_iter()
        .chain([60, 120, 300, 600, 900, 1200, 1800, 3600].map(|seconds| seconds * 1000))
        .map(|millis: u32| f64::from(millis) / 1000.0);
    let length = lengths.into_iter().find(|length| seconds / length <= STEPS as f64);
    length.map_or(STEPS, |length| ((seconds / length).round() as usize).max(1))
}

/// Steps of time that are told apart, at most.
const STEPS: usize = 160;
/// Moments that are told apart.
const POINTS: usize = 1200;
/// What part of a run a silence of the link must take to be shown.
const OUTAGE_SHARE: f64 = 0.002;
