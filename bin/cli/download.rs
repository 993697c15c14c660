//! `moshi-fetch download`: runs a fetch and shows it until it is over.
//!
//! Fetches nothing itself; the library does, and says what happens.

use std::time::Duration;

use clap::{ArgMatches, Args};
use engine::config::Config;
use moshi_fetch::error::{Error, ErrorKind};
use moshi_fetch::fetch::{Fetch, FetchBuilder, Run};
use moshi_fetch::news::Report;
use tokio::time::MissedTickBehavior;

use super::arguments::{Files, Place};
use super::json::{self, Json};
use super::link::Link;
use super::screen::{Drawing, Screen};
use super::stop::Stop;
use super::units::{parse_chunk_size, parse_duration};
use super::{INTERRUPTED, Setting, failure, panic_hook, summary, terminal};

/// Bring files of a repository into the cache or a folder; run it again to continue
#[derive(Debug, Args)]
pub(crate) struct Download {
    #[command(flatten)]
    files: Files,
    /// Of a whole repository, only the files that match; takes several, and may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Of a whole repository, not the files that match; takes several, and may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// Fetch even what is in place already
    #[arg(long)]
    force_download: bool,
    /// Access token; HF_TOKEN keeps it out of the list of processes
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// What the file behind a plain URL must hash to
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Only say what would be fetched
    #[arg(long)]
    dry_run: bool,
    /// Fetch files as they are, not in chunks from the hub's Xet storage; so does
    /// HF_HUB_DISABLE_XET=1
    #[arg(long)]
    no_xet: bool,
    /// Say nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Write what happens to stdout, one JSON object per line
    #[arg(long)]
    json: bool,
    /// What `hf` once had, and always happens here
    #[arg(long, hide = true)]
    resume_download: bool,
    /// What `hf` once had: under --local-dir there are never links
    #[arg(long, hide = true, value_name = "WHETHER")]
    local_dir_use_symlinks: Option<String>,
    #[command(flatten)]
    tuning: Tuning,
}

/// How the transfer behaves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transfer")]
struct Tuning {
    /// What kind of link this is; the options below win over it
    #[arg(long, value_enum, default_value_t, value_name = "LINK")]
    link: Link,
    /// At most this many connections at once
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=64))]
    max_workers: Option<u32>,
    /// The unit in which progress is told [default: 50MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_chunk_size)]
    chunk_size: Option<u64>,
    /// Close a connection that has been silent for so long [default: adapts to the link]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    stall_timeout: Option<Duration>,
    /// The longest pause between two tries [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    retry_max: Option<Duration>,
    /// Give up after so long without progress [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    give_up_after: Option<Duration>,
}

impl Tuning {
    fn config(&self) -> Config {
        let kind = self.link.config();
        Config {
            workers_max: self.max_workers.unwrap_or(kind.workers_max),
            stall_after: self.stall_timeout.or(kind.stall_after),
            backoff_max: self.retry_max.unwrap_or(kind.backoff_max),
            give_up_after: self.give_up_after.or(kind.give_up_after),
            chunk_bytes: self.chunk_size.unwrap_or(kind.chunk_bytes),
            ..kind
        }
    }
}

impl Download {
    /// Takes what follows `--include` and `--exclude` for more of their values.
    pub(crate) fn gather(&mut self, matches: &ArgMatches) {
        let [include, exclude] = self.files.take_values_of(["include", "exclude"], matches);
        self.include.extend(include);
        self.exclude.extend(exclude);
    }

    /// A word about options that mean nothing here.
    fn old_options(&self) -> Vec<&'static str> {
        let resume = "note: --resume-download means nothing here: every download is resumed";
        let links = "note: --local-dir-use-symlinks means nothing here: files under --local-dir \
                     are never links";
        let resume = self.resume_download.then_some(resume);
        resume.into_iter().chain(self.local_dir_use_symlinks.is_some().then_some(links)).collect()
    }

    /// Runs the command and says with which code to exit.
    pub(crate) async fn run(self, setting: Setting) -> u8 {
        let (is_json, is_quiet, is_dry_run) = (self.json, self.quiet, self.dry_run);
        let is_own_digest = self.sha256.is_some();
        let drawing = self.drawing(&setting);
        if !is_json && !is_quiet {
            for name in &setting.environment.idle_variables {
                terminal::say(&format!("note: {name} changes nothing here"));
            }
        }
        self.old_options().into_iter().filter(|_| !is_quiet && !is_json).for_each(terminal::say);
        let mut screen = Screen::new(&self.files.subject(), drawing, is_json.then(Json::new));
        let ended = match self.fetch(&setting).build().and_then(Fetch::run) {
            Ok(run) => watch(run, &mut screen).await,
            Err(error) => Err(error),
        };
        screen.close();
        if let Some(place) = panic_hook::place() {
            return setting.report_mishap(place);
        }
        let error = match ended {
            Ok(report) => {
                if !is_quiet && !is_json {
                    sum_up(&report, &screen, is_dry_run, is_own_digest);
                }
                if is_json {
                    terminal::object(&json::done(&report, is_dry_run));
                } else {
                    terminal::path(&report.path);
                }
                return 0;
            }
            Err(error) => error,
        };
        let vouched = screen.view().vouched();
        let lines = failure::render(&error, vouched, &setting.typed);
        terminal::complain(&lines, setting.paint);
        if is_json {
            terminal::object(&json::error(&error));
        }
        error.exit_code()
    }

    fn drawing(&self, setting: &Setting) -> Drawing {
        if self.quiet || self.json { Drawing::Nothing } else { setting.drawing() }
    }

    fn fetch(self, setting: &Setting) -> FetchBuilder {
        let config = self.tuning.config();
        let mut fetch = Fetch::builder(self.files.repo.clone())
            .force(self.force_download)
            .dry_run(self.dry_run)
            .no_xet(self.no_xet)
            .config(config)
            .environment(setting.environment.clone());
        fetch = self.place.apply(self.files.apply(fetch));
        fetch = self.include.into_iter().fold(fetch, FetchBuilder::include);
        fetch = self.exclude.into_iter().fold(fetch, FetchBuilder::exclude);
        if let Some(token) = self.token {
            fetch = fetch.token(token);
        }
        if let Some(digest) = self.sha256 {
            fetch = fetch.sha256(digest);
        }
        fetch
    }
}

/// Shows the run until it is over; saves and stops when the person wants to.
pub(super) async fn watch(mut run: Run, screen: &mut Screen) -> Result<Report, Error> {
    let mut stop = Stop::listen().ok();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            () = wished(&mut stop) => {
                if is_stopping {
                    stop_at_once(screen);
                }
                is_stopping = true;
                run.cancel();
                screen.on_cancel();
            }
            _ = ticks.tick() => {
                screen.on_tick();
                if panic_hook::place().is_some() {
                    return Err(Error::new(ErrorKind::Interrupted));
                }
            }
            news = run.next() => match news {
                Some(news) => screen.on_news(&news),
                None => break,
            },
        }
    }
    let end = run.finish();
    tokio::pin!(end);
    loop {
        tokio::select! {
            biased;
            end = &mut end => return end,
            () = wished(&mut stop), if is_stopping => stop_at_once(screen),
            _ = ticks.tick() => screen.on_tick(),
        }
    }
}

async fn wished(stop: &mut Option<Stop>) {
    match stop {
        Some(stop) => stop.wished().await,
        None => std::future::pending().await,
    }
}

/// The person does not want to wait for saving. What is recorded proves itself.
fn stop_at_once(screen: &Screen) -> ! {
    screen.close();
    terminal::say("stopped at once; run the same command again: it continues");
    std::process::exit(i32::from(INTERRUPTED))
}

fn sum_up(report: &Report, screen: &Screen, is_dry_run: bool, is_own_digest: bool) {
    let view = screen.view();
    if is_dry_run {
        return summary::render_plan(view).for_each(|line| terminal::say(&line));
    }
    let (gained, mean) = view.goodput(screen.now());
    let vouched = view.vouched();
    let run = summary::Run { gained, mean, vouched, is_own_digest };
    summary::render(report, run).iter().for_each(|line| terminal::say(line));
}

/// Often enough that every second looks different from the one before.
const TICK: Duration = Duration::from_millis(250);
