//! The panels of a picture, one below the other over one axis of time.
//!
//! Sums up nothing; what is drawn is in the [`Story`](super::story::Story).

use std::collections::{BTreeMap, BTreeSet};

use super::canvas::{BAD, Canvas, GOOD, GREY, GRID, INK, LINK, PALE, PLACES, width_of};
use super::labels::{Happening, clustered, kind, plain, shortened, staggered};
use super::scale::{Scale, bytes, round_step, time_steps};
use super::story::{Step, Story};
use super::{LEFT, WIDTH};
use plotters::style::RGBColor;

/// What draws the panels.
pub(super) struct Panels<'a, 'b> {
    canvas: &'a Canvas<'b>,
    story: &'a Story,
    time: Scale,
    /// Marks of which there are few: each has a line of its own.
    rare: Vec<(f64, String)>,
    /// All others, by kind.
    frequent: Vec<(f64, String)>,
}

impl<'a, 'b> Panels<'a, 'b> {
    pub(super) fn new(canvas: &'a Canvas<'b>, story: &'a Story) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (_, what) in &story.marks {
            *counts.entry(kind(what)).or_default() += 1;
        }
        let mut rare_left = LINES_MAX;
        let is_rare = |(_, what): &(f64, String)| {
            let is_rare = rare_left > 0 && counts[&kind(what)] <= rare_max(what);
            rare_left -= usize::from(is_rare);
            is_rare
        };
        let (rare, frequent) = story.marks.iter().cloned().partition(is_rare);
        Self { canvas, story, time: Scale::new(story.seconds, LEFT, RIGHT), rare, frequent }
    }

    pub(super) fn draw(&self) {
        self.outages();
        self.times();
        self.totals();
        self.rates();
        self.counts();
        self.marks();
        self.strip(TROUBLE_TOP, "faults", &self.story.troubles, 3, BAD);
        self.strip(OTHER_TOP, "also", &self.frequent, 1, PALE);
    }

    fn outages(&self) {
        for (from, to) in &self.story.outages {
            let (from, to) = (self.time.at(*from), self.time.at(*to));
            self.canvas.rectangle((from, TOTAL.0), (to.max(from + 1), COUNT.1), (GREY, 0.25));
        }
    }

    fn times(&self) {
        let (unit, step) = time_steps(self.story.seconds);
        for at in self.time.ticks(step * unit.seconds) {
            let x = self.time.at(at);
            for (top, bottom) in [TOTAL, RATE, COUNT] {
                self.canvas.line((x, top), (x, bottom), (GRID, 1.0));
            }
            let text = super::scale::short(at / unit.seconds);
            self.canvas.text_around(x, COUNT.1 + 17, &text, SMALL, PALE);
        }
        self.canvas.text(RIGHT + 8, COUNT.1 + 17, unit.name, SMALL, PALE);
    }

    /// All bytes over time, and where each worker's bytes went.
    fn totals(&self) {
        let story = self.story;
        let tops = story.strands.iter().filter_map(|strand| Some(strand.points.last()?.1));
        let proven = story.proofs.iter().map(|(_, len)| *len).max();
        let max = tops.chain(proven).chain([story.arrived]).max().unwrap_or(0);
        let scale = self.axis(TOTAL, max as f64 * 1.02, bytes);
        let point = |(at, len): &(f64, u64)| (self.time.at(*at), scale.at(*len as f64));
        let every = story.strands.len().div_ceil(STRANDS_MAX).max(1);
        for strand in story.strands.iter().step_by(every) {
            let points = strand.points.iter().map(point).collect();
            self.canvas.path(simple(points, 2), (color(strand.place), 0.9), 1);
        }
        let proofs = self.stepped(story.proofs.iter().map(point), scale.at(0.0));
        let ground = [(RIGHT, TOTAL.1), (LEFT, TOTAL.1)];
        self.canvas.area(proofs.iter().copied().chain(ground).collect(), (GOOD, 0.08));
        let arrivals = self.stepped(story.arrivals.iter().map(point), scale.at(0.0));
        self.canvas.path(arrivals, (LINK, 1.0), 2);
        self.canvas.path(proofs, (GOOD, 1.0), 2);
        let mut legend = vec![("arrived", LINK)];
        legend.extend(story.proven.map(|_| ("proven", GOOD)));
        legend.push(("each worker, thin: where its bytes go", PLACES[0]));
        self.legend(TOTAL, "bytes", &legend);
        for x in self.columns(&story.troubles) {
            self.canvas.line((x, TOTAL.1), (x, TOTAL.1 - 6), (BAD, 0.6));
        }
    }

    /// A line that stays where it is until the next point says otherwise, from edge to edge.
    fn stepped(&self, points: impl Iterator<Item = (i32, i32)>, start: i32) -> Vec<(i32, i32)> {
        let mut line = vec![(LEFT, start)];
        let mut y = start;
        for point in points {
            line.extend([(point.0, y), point]);
            y = point.1;
        }
        if line.len() > 1 {
            line.push((RIGHT, y));
        }
        simple(line, 0)
    }

    /// Where anything of this happened.
    fn columns(&self, all: &[(f64, String)]) -> BTreeSet<i32> {
        all.iter().map(|(at, _)| self.time.at(*at)).collect()
    }

    /// How fast bytes came, by place, against what the link carried.
    fn rates(&self) {
        let length = self.story.step_seconds();
        let steps = &self.story.steps;
        let sum = |step: &Step| step.arrived.values().sum::<u64>() as f64 / length;
        let most = steps.iter().map(sum).fold(0.0, f64::max);
        let carried: Vec<Option<f64>> =
            steps.iter().map(|step| Some(step.carried? / length)).collect();
        let widest = carried.iter().flatten().copied().fold(0.0, f64::max);
        // A link that was hardly used must not flatten what came.
        let is_clipped = most > 0.0 && widest > most * 4.0;
        let max = if is_clipped { most * 1.3 } else { most.max(widest) * 1.05 };
        let scale = self.axis(RATE, max, |rate| format!("{}/s", bytes(rate)));
        let link = |step: usize| scale.at(carried[step].unwrap_or(0.0));
        if widest > 0.0 {
            self.canvas.area(self.stairs(link, |_| RATE.1), (LINK, 0.10));
        }
        let mut below = vec![0.0; steps.len()];
        let places = 0..=PLACES.len();
        for place in places {
            let all = |step: &Step| {
                let is_it = |known: usize| known.min(PLACES.len()) == place;
                let here = step.arrived.iter().filter(|(known, _)| is_it(**known));
                here.map(|(_, len)| *len).sum::<u64>() as f64 / length
            };
            let above: Vec<f64> = below.iter().zip(steps).map(|(low, s)| low + all(s)).collect();
            if above != below {
                let edge = |values: &[f64], step: usize| scale.at(values[step]);
                let points = self.stairs(|step| edge(&above, step), |step| edge(&below, step));
                self.canvas.area(points, (color(place), 0.85));
            }
            below = above;
        }
        let mut legend = vec![("arrived, by worker", PLACES[0])];
        if widest > 0.0 {
            self.canvas.path(self.outline(link), (LINK, 1.0), 2);
            legend.push(("what the link carries", LINK));
        }
        if is_clipped {
            legend.push(("(more than is shown)", LINK));
        }
        self.legend(RATE, "bytes per second", &legend);
    }

    /// How many workers were open, and how many might be.
    fn counts(&self) {
        let steps = &self.story.steps;
        let limits = steps.iter().filter_map(|step| Some(u64::from(step.limit?)));
        let max = limits.chain([self.story.open_max, 1]).max().unwrap_or(1);
        let scale = self.axis(COUNT, max as f64 * 1.15, super::scale::short);
        let open = |step: usize| scale.at(steps[step].open as f64);
        self.canvas.area(self.stairs(open, |_| COUNT.1), (PLACES[0], 0.35));
        let mut legend = vec![("open", PLACES[0])];
        if steps.iter().any(|step| step.limit.is_some()) {
            let limit = |step: usize| scale.at(f64::from(steps[step].limit.unwrap_or(0)));
            self.canvas.path(self.outline(limit), (INK, 1.0), 2);
            legend.push(("the window", INK));
        }
        self.legend(COUNT, "workers", &legend);
    }

    /// What happened seldom, each with a line through all panels.
    fn marks(&self) {
        let happening = |(at, what): &(f64, String)| Happening {
            x: self.time.at(*at),
            text: shortened(&plain(what), 30),
        };
        let happenings: Vec<Happening> = self.rare.iter().map(happening).collect();
        for Happening { x, .. } in &happenings {
            self.canvas.line((*x, TOTAL.0 - 4), (*x, COUNT.1), (INK, 0.55));
        }
        for label in staggered(&happenings, MARK_ROWS, SMALL, (LEFT, RIGHT)) {
            let y = TOTAL.0 - 26 - row(label.row);
            self.canvas.text_around(label.x, y, &label.text, SMALL, INK);
        }
    }

    /// What happened often: a tick for each, and words for those that are near to one another.
    fn strip(&self, top: i32, name: &str, all: &[(f64, String)], rows: usize, color: RGBColor) {
        if all.is_empty() {
            return;
        }
        self.canvas.text_to(LEFT - 8, top + 11, name, SMALL, color);
        let happening =
            |(at, what): &(f64, String)| Happening { x: self.time.at(*at), text: kind(what) };
        for x in self.columns(all) {
            self.canvas.line((x, top), (x, top + 10), (color, 0.8));
        }
        for label in clustered(all.iter().map(happening), rows, SMALL, (LEFT, RIGHT)) {
            let y = top + 26 + row(label.row);
            self.canvas.text_around(label.x, y, &label.text, SMALL, color);
        }
    }

    /// The frame of a panel with its marks at round values.
    fn axis(&self, (top, bottom): (i32, i32), max: f64, say: impl Fn(f64) -> String) -> Scale {
        let scale = Scale::new(max, bottom, top);
        let step = round_step(max, f64::from(bottom - top) / 34.0).max(1.0);
        for value in scale.ticks(step) {
            let y = scale.at(value);
            self.canvas.line((LEFT, y), (RIGHT, y), (GRID, 1.0));
            self.canvas.text_to(LEFT - 8, y + 5, &say(value), SMALL, PALE);
        }
        scale
    }

    /// What the colours of a panel mean, above it.
    fn legend(&self, (top, _): (i32, i32), name: &str, entries: &[(&str, RGBColor)]) {
        self.canvas.text(LEFT, top - 6, name, SMALL, INK);
        let mut x = LEFT + width_of(name, SMALL) + 16;
        for (text, color) in entries {
            self.canvas.rectangle((x, top - 15), (x + 10, top - 6), (*color, 1.0));
            self.canvas.text(x + 15, top - 6, text, SMALL, PALE);
            x += 15 + width_of(text, SMALL) + 16;
        }
    }

    /// The area between two values of each step.
    fn stairs(
        &self,
        upper: impl Fn(usize) -> i32,
        lower: impl Fn(usize) -> i32,
    ) -> Vec<(i32, i32)> {
        let mut points = self.outline(upper);
        points.extend(self.outline(lower).into_iter().rev());
        points
    }

    /// A value of each step, from its beginning to its end.
    fn outline(&self, value: impl Fn(usize) -> i32) -> Vec<(i32, i32)> {
        let length = self.story.step_seconds();
        let mut points = Vec::new();
        for step in 0..self.story.steps.len() {
            let y = value(step);
            points.push((self.time.at(step as f64 * length), y));
            points.push((self.time.at((step + 1) as f64 * length), y));
        }
        simple(points, 0)
    }
}

/// Without the points on a level line that say nothing new, and those nearer than so many pixels.
fn simple(points: Vec<(i32, i32)>, near: i32) -> Vec<(i32, i32)> {
    let mut kept: Vec<(i32, i32)> = Vec::new();
    let count = points.len();
    for (index, point) in points.into_iter().enumerate() {
        match kept.as_mut_slice() {
            [.., before, last] if before.1 == last.1 && last.1 == point.1 => *last = point,
            [.., before, last] if last.0 - before.0 < near && index + 1 < count => *last = point,
            _ => kept.push(point),
        }
    }
    kept
}

/// How many marks of such a kind are each drawn as a line.
fn rare_max(what: &str) -> usize {
    let what = what.to_lowercase();
    if TURNS.iter().any(|turn| what.contains(turn)) { TURNS_MAX } else { RARE_MAX }
}

fn color(place: usize) -> RGBColor {
    PLACES.get(place).copied().unwrap_or(GREY)
}

fn row(row: usize) -> i32 {
    i32::try_from(row).unwrap_or(0) * 15
}

/// Where the panels are, from the top: first and last pixel of each.
const TOTAL: (i32, i32) = (140, 430);
const RATE: (i32, i32) = (462, 622);
const COUNT: (i32, i32) = (654, 740);
const TROUBLE_TOP: i32 = 776;
const OTHER_TOP: i32 = 858;
const RIGHT: i32 = WIDTH - 40;

/// The size of all words but those at the head.
const SMALL: u32 = 14;
const MARK_ROWS: usize = 4;
/// Marks of a kind that are each drawn as a line.
const RARE_MAX: usize = 2;
/// The same for those that turn a run.
const TURNS_MAX: usize = 8;
/// What is said of them.
const TURNS: [&str; 14] = [
    "kill", "power", "crash", "down", "up", "outage", "back", "gone", "start", "stop", "seal",
    "full", "calm", "end",
];
/// Marks that are drawn as a line at all; what is left is among the frequent ones.
const LINES_MAX: usize = 60;
const STRANDS_MAX: usize = 800;
