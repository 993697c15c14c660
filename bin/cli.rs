//! The command line: what can be typed, and who carries it out.
//!
//! Has no business of its own with hubs, disks or files; the library has.

mod arguments;
mod bars;
mod command_line;
#[cfg(feature = "demo")]
mod demo;
mod download;
mod eta;
mod failure;
mod gate;
mod json;
mod lines;
mod link;
mod panic_hook;
mod screen;
mod status;
mod stop;
mod style;
mod summary;
mod terminal;
mod units;
mod verify;
mod verify_progress;
mod verify_report;
mod view;

use std::ffi::OsString;
use std::io;
use std::panic::AssertUnwindSafe;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use moshi_fetch::cache::environment::Environment;
use moshi_fetch::disk::limits::raise_open_files;
use tracing_subscriber::EnvFilter;

use bars::Bars;
use download::Download;
use lines::Lines;
use screen::Drawing;
use status::Status;
use style::Paint;
use verify::Verify;

/// Brings huge model files over weak links, verified as they arrive; run it again to continue
#[derive(Debug, Parser)]
#[command(name = "moshi-fetch", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(after_help = EXAMPLES)]
    Download(Box<Download>),
    Verify(Box<Verify>),
    Status(Status),
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Where the command runs: what does not depend on which command it is.
#[derive(Debug)]
struct Setting {
    environment: Environment,
    /// The command, to be run again.
    typed: String,
    paint: Paint,
    /// Whether there may be bars on stderr.
    can_draw: bool,
}

/// Carries out the command that was typed, and says with which code to exit.
pub(crate) fn run() -> u8 {
    panic_hook::watch();
    let ran = std::panic::catch_unwind(AssertUnwindSafe(carry_out));
    match (ran, panic_hook::place()) {
        (Ok(code), _) => code,
        (Err(_), place) => {
            let place = place.unwrap_or("at an unknown place");
            Setting::read().report_mishap(place)
        }
    }
}

fn carry_out() -> u8 {
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody may be reading.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(USAGE);
        }
    };
    raise_open_files();
    let mut setting = Setting::read();
    let is_logging = start_log(setting.environment.is_colorless);
    setting.can_draw &= !is_logging;
    match cli.command {
        Command::Download(download) => wait_for(download.run(setting)),
        Command::Verify(verify) => wait_for(verify.run(setting)),
        Command::Status(status) => wait_for(status.run(setting)),
        #[cfg(feature = "demo")]
        Command::Demo(demo) => wait_for(demo.run(setting)),
        Command::Completions { shell } => {
            let mut command = Cli::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "moshi-fetch", &mut script);
            terminal::own(&script);
            0
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let (Command::Download(download), Some((_, matches))) =
        (&mut cli.command, matches.subcommand())
    {
        download.gather(matches);
    }
    Ok(cli)
}

impl Setting {
    fn read() -> Self {
        let home = std::env::home_dir().unwrap_or_default();
        let environment = Environment::read(|name| std::env::var_os(name), &home);
        let can_draw = terminal::can_draw() && environment.are_bars_disabled != Some(true);
        let is_colorful = terminal::can_draw() && !environment.is_colorless;
        let paint = if is_colorful { Paint::Ansi } else { Paint::Plain };
        let typed = command_line::typed(std::env::args_os());
        Self { environment, typed, paint, can_draw }
    }

    /// How progress is shown: moving where it can be.
    fn drawing(&self) -> Drawing {
        if self.can_draw {
            Drawing::Bars(Bars::new())
        } else {
            Drawing::Lines(Lines::new(engine::time::Instant::START))
        }
    }

    fn report_mishap(&self, place: &str) -> u8 {
        panic_hook::render(place, &self.typed).lines().for_each(terminal::say);
        FAILED
    }
}

/// Runs a command to its end. What it leaves behind in other threads is not waited for: a name
/// lookup may take minutes to fail.
fn wait_for(command: impl Future<Output = u8>) -> u8 {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(async {
                stop::outlive_long_files();
                command.await
            });
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            terminal::say(&format!("error: the system refuses what is needed to start: {error}"));
            FAILED
        }
    }
}

/// Logs what [`LOG`] asks for, if it asks. Says whether it does.
fn start_log(is_colorless: bool) -> bool {
    let Some(wanted) = std::env::var_os(LOG) else { return false };
    let Ok(filter) = EnvFilter::try_new(wanted.to_string_lossy()) else {
        terminal::say("warning: MOSHI_LOG makes no sense; write debug, or moshi_fetch=trace");
        return false;
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(terminal::can_draw() && !is_colorless).init();
    true
}

/// Says what is logged.
const LOG: &str = "MOSHI_LOG";

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 failed · 2 usage · 3 damaged · 4 not allowed · 5 no such repository,
revision or file · 6 disk · 7 gave up · 130 interrupted, with everything saved";

const EXAMPLES: &str = "\
Examples:
  moshi-fetch download kyutai/moshiko-mlx-bf16 model.safetensors
  moshi-fetch download kyutai/moshiko-mlx-bf16 --link very-weak --give-up-after 12h
  moshi-fetch download https://example.org/model.bin --sha256 HEX --local-dir .

stdout carries only the path of the result. Sizes: KB = 1000, KiB = 1024.";
