//! The oracle: Hugging Face's own chunker, hashes, formats and storage server, as one program.
//!
//! Of our code it has only what is held against them; nothing of ours is in what it prints or
//! serves.

mod compare;
mod content;
mod golden;
mod sample;
mod serve;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, fs};

use content::Kind;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reference: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["serve", folder] => serve::serve(folder),
        ["content", kind, len, seed, path] => {
            let kind = Kind::named(kind).ok_or_else(|| format!("no kind of content: {kind}"))?;
            Ok(fs::write(path, kind.bytes(seed.parse()?, len.parse()?))?)
        }
        ["compare", seeds] => compare::compare(seeds.parse()?),
        ["vectors"] => golden::print(&mut io::stdout().lock(), golden::Detail::Roots),
        ["vectors", "--chunks"] => golden::print(&mut io::stdout().lock(), golden::Detail::Chunks),
        _ => {
            io::stderr().write_all(USAGE.as_bytes())?;
            Err("that is not how it is used".into())
        }
    }
}

const USAGE: &str = "\
reference serve FOLDER                 a storage server until stdin ends; prints its address
reference content KIND LEN SEED FILE   made-up content of a kind
reference vectors [--chunks]           what the reference makes of such content, as text
reference compare SEEDS                our hashes, chunker and packing beside the reference's
";
