//! Downloads a model in the background of a program that has other things to do, and stops in time:
//! `cargo run --example background ORG/NAME`. What was received is there the next time.

use std::io::{self, Write};
use std::time::Duration;

use moshi_fetch::{Error, Fetch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let Some(repo) = std::env::args().nth(1) else {
        return Err(Error::usage("say a repository"));
    };
    let run = Fetch::builder(repo).build()?.run()?;
    let cancel = run.canceller();
    // Nobody listens to its news here: they do not pile up.
    let model = tokio::spawn(run.finish());

    for request in 1..=10 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let is_there = model.is_finished();
        // Nobody may be looking.
        let _ = writeln!(io::stdout(), "request {request}: the model is there: {is_there}");
    }
    cancel.cancel();
    let ended = model.await.unwrap_or_else(|_| Err(Error::usage("the download was dropped")));
    let _ = match ended {
        Ok(report) => writeln!(io::stdout(), "{}", report.path.display()),
        Err(error) => writeln!(io::stdout(), "{error}"),
    };
    Ok(())
}
