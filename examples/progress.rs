//! Downloads one file and draws how far it is: `cargo run --example progress ORG/NAME FILE`.

use std::io::{self, Write};

use moshi_fetch::{Error, Event, Fetch, News};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let (Some(repo), Some(file)) = (words.next(), words.next()) else {
        return Err(Error::usage("say a repository and a file"));
    };
    let mut run = Fetch::builder(repo).file(file).build()?.run()?;
    let mut total = 0;
    while let Some(news) = run.next().await {
        if let News::Planned { files, .. } = &news {
            total = files.iter().map(|file| file.size).sum();
        }
        let News::Transfer { event, .. } = news else { continue };
        // Nobody may be looking.
        if let Event::Proven { proven, .. } = event {
            let percent = 100 * proven / total.max(1);
            let _ = write!(io::stderr(), "\r{percent} % of {total} bytes are safe");
        } else if let Event::Down { .. } = event {
            let _ = writeln!(io::stderr(), "\nthe link is silent; nothing needs to be done");
        }
    }
    let report = run.finish().await?;
    let _ = writeln!(io::stdout(), "{}", report.path.display());
    Ok(())
}
