//! The command `moshi-fetch`.
//!
//! Everything it can do is in the library; everything it says is in [`cli`].

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cli::run())
}
