//! `moshi-fetch demo`: shows a download over a weak link, and what came of it.
//!
//! Injects and judges nothing; the library does.

use std::time::Duration;

use clap::Args;
use moshi_fetch::demo::{Demo as World, DemoSpec, Verdict};
use moshi_fetch::error::{Error, ErrorKind};
use moshi_fetch::news::Report;

use super::screen::Screen;
use super::units::{count, duration, parse_size, rate, size};
use super::{Setting, download, failure, panic_hook, terminal};

/// Watch a whole download over a weak link, in less than a minute; nothing is left behind
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How large the file is
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    size: u64,
    /// What goes wrong, and where, is drawn from this
    #[arg(long, value_name = "NUMBER", default_value_t = DemoSpec::default().seed)]
    seed: u64,
}

impl Demo {
    /// Runs the command and says with which code to exit.
    pub(crate) async fn run(self, setting: Setting) -> u8 {
        let spec = DemoSpec { size: self.size, seed: self.seed, ..DemoSpec::default() };
        let ended = show(spec, &setting).await;
        if let Some(place) = panic_hook::place() {
            return setting.report_mishap(place);
        }
        match ended {
            Ok(verdict) => tell(&verdict, spec),
            Err(error) => {
                terminal::complain(&failure::render(&error, 0, &setting.typed), setting.paint);
                error.exit_code()
            }
        }
    }
}

async fn show(spec: DemoSpec, setting: &Setting) -> Result<Verdict, Error> {
    let world = World::start(spec).await?;
    let (bytes, eta) = (size(spec.size), rate(spec.rate()));
    terminal::say(&format!("a hub on this machine, {bytes} behind a link of {eta}; it will:"));
    world.rules().iter().for_each(|rule| terminal::say(&format!("  {rule}")));
    let mut screen = Screen::new(world.subject(), setting.drawing(), None);
    let ended = download::watch(world.fetch()?, &mut screen).await;
    screen.close();
    let report: Report = ended?;
    world.judge(&report)
}

fn tell(verdict: &Verdict, spec: DemoSpec) -> u8 {
    for fault in &verdict.injected {
        let times = count(fault.fired, "time", "times");
        terminal::say(&format!("  {times:>8}  {}", fault.rule));
    }
    render(verdict, spec).iter().for_each(|line| terminal::say(line));
    if !verdict.is_right() {
        let error = Error::new(ErrorKind::Damaged { damaged: 1, checked: 1 });
        terminal::say(&format!("error: {error}: {} instead of what was published", verdict.found));
        return error.exit_code();
    }
    terminal::result(&format!("{}  {} bytes, verified", verdict.found, verdict.size));
    if verdict.is_good() { 0 } else { super::FAILED }
}

/// What it cost, against what it would have cost had nothing gone wrong.
fn render(verdict: &Verdict, spec: DemoSpec) -> Vec<String> {
    let (wire, file) = (verdict.wire as f64, verdict.size as f64);
    let mut lines = vec![
        format!(
            "{} injected; {} of {} came twice: {} in vain, {} to find the flipped bit",
            count(verdict.fired(), "fault", "faults"),
            size(verdict.wire.saturating_sub(verdict.size)),
            size(verdict.size),
            size(verdict.wasted),
            size(verdict.refetched),
        ),
        format!(
            "bytes on the wire / file: {:.3}; {} where the bytes alone take {}: {:.2}",
            wire / file,
            duration(verdict.elapsed),
            duration(verdict.ideal),
            ratio(verdict.elapsed, verdict.ideal),
        ),
    ];
    if !verdict.is_good() {
        lines.push("not everything went wrong that was to go wrong: this proves too little".into());
    }
    lines.push(format!(
        "the same again: moshi-fetch demo --size {} --seed {}",
        spec.size, spec.seed
    ));
    lines
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(f64::MIN_POSITIVE)
}
