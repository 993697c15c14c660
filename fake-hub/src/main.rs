//! The fake hub as a program.
//!
//! The endpoint is the first line of stdout and the only one; everything else goes to stderr.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use engine::xet::chunk::Scheme;
use fake_hub::{
    Access, Builder, FakeHub, Group, IfRange, Interface, LinkSpec, Outage, Packing, RepoSpec, Rule,
    Shards, StorageEtag, StorageSpec, Words, XetSpec, parse_bytes, parse_duration, parse_rate,
};

/// A Hugging Face hub that lies on request.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where the hub listens; its CDN takes the next loopback address and the same port
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A repository: org/name=DIR or org/name=KIND:SIZE, where KIND is synthetic, bf16, f32, text
    /// or zeros; datasets/ and spaces/ may precede
    #[arg(long = "repo", value_name = "REPO=SOURCE", required = true)]
    repos: Vec<RepoSpec>,
    /// Let only members' tokens have the files of this repository
    #[arg(long, value_name = "REPO")]
    gated: Vec<String>,
    /// Let only members' tokens see this repository
    #[arg(long, value_name = "REPO")]
    private: Vec<String>,
    /// Accept this token as a member's
    #[arg(long = "token", value_name = "TOKEN")]
    tokens: Vec<String>,
    /// Accept this token, but only for what is public
    #[arg(long = "outsider", value_name = "TOKEN")]
    outsiders: Vec<String>,
    /// A tag that every repository has
    #[arg(long = "tag", value_name = "NAME")]
    tags: Vec<String>,
    /// A fault, such as 'rst after=3MB route=cdn'; the first rule that matches wins
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<Rule>,
    /// Bytes per second of all connections together, such as 87KB/s
    #[arg(long, value_parser = parse_rate)]
    rate: Option<u64>,
    /// Bytes per second of each connection
    #[arg(long, value_parser = parse_rate)]
    conn_rate: Option<u64>,
    /// Added to each connection and each response
    #[arg(long, value_parser = parse_duration, default_value = "0s")]
    latency: Duration,
    /// Reset connections beyond this count
    #[arg(long, value_name = "COUNT")]
    max_connections: Option<u64>,
    /// Silence: 10s+30s begins 10 s after the first CDN byte and lasts 30 s
    #[arg(long = "outage", value_name = "AFTER+FOR")]
    outages: Vec<Outage>,
    /// How long signed URLs are good
    #[arg(long, value_parser = parse_duration, default_value = "1h")]
    url_lifetime: Duration,
    /// What the ETag of the CDN says: xet, sha256, none, weak, md5 or per-edge
    #[arg(long, value_name = "MODE", default_value_t)]
    storage_etag: StorageEtag,
    /// Let the CDN ignore If-Range
    #[arg(long)]
    ignore_if_range: bool,
    /// Let the CDN refuse an expired URL with XML, not a line of text
    #[arg(long)]
    xml_refusals: bool,
    /// Let the CDN refuse several ranges of a xorb at once
    #[arg(long)]
    no_multi_range: bool,
    /// A second CDN, three loopback addresses after the hub; each URL names either
    #[arg(long)]
    two_storages: bool,
    /// Refuse more requests than this in five minutes: resolvers=3000 or api=500
    #[arg(long = "quota", value_name = "GROUP=COUNT", value_parser = parse_quota)]
    quotas: Vec<(Group, u64)>,
    /// What Link headers name instead of the endpoint, as mirrors do: https://host
    #[arg(long, value_name = "ORIGIN")]
    links_to: Option<String>,
    /// Lack parts of the interface: info, revision, tree, paths-info, xet-token, cas
    #[arg(long, value_name = "PART,…", value_delimiter = ',')]
    without: Vec<Interface>,
    /// Lead from another name of a repository to its own
    #[arg(long = "alias", value_name = "OLD=REPO", value_parser = parse_alias)]
    aliases: Vec<(String, String)>,
    /// Publish a fine-tune beside all made-up weights, as tuned.safetensors
    #[arg(long)]
    fine_tune: bool,
    /// Keep the LFS files of every repository in Xet too; the CAS takes the loopback address after
    /// the CDN's
    #[arg(long)]
    xet: bool,
    /// The most bytes of content in a xorb
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "64MiB")]
    xorb_size: u64,
    /// How chunks are packed: auto, stored, lz4, grouped
    #[arg(long, value_parser = parse_packing, default_value = "auto")]
    packing: Packing,
    /// What the CAS says of chunks: keyed, plain, none
    #[arg(long, value_parser = parse_shards, default_value = "keyed")]
    shards: Shards,
    /// Let the CAS not know the second version of reconstructions
    #[arg(long)]
    no_v2: bool,
    /// How long access tokens of the CAS are good
    #[arg(long, value_parser = parse_duration, default_value = "1h")]
    token_lifetime: Duration,
    /// From what size on a file is in LFS whatever its name
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "1MiB")]
    lfs_from: u64,
    /// Entries per page of a listing
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    page_size: usize,
    /// Send buffer of each socket; small ones keep the counters honest
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "64KiB")]
    send_buffer: u64,
    /// From what synthetic bytes and chances are drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write each request to this file, one line of JSON each
    #[arg(long, value_name = "FILE")]
    request_log: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let hub = builder(args).start().await?;
    // Whoever measures a download measures no packing.
    for file in hub.xet().files() {
        hub.xet().wire_len(file)?;
    }
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", hub.endpoint())?;
    stdout.flush()?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}

fn builder(args: Args) -> Builder {
    let mut builder = FakeHub::builder()
        .listen(args.listen)
        .seed(args.seed)
        .url_lifetime(args.url_lifetime)
        .pass_lifetime(args.token_lifetime)
        .lfs_from(args.lfs_from)
        .page_size(args.page_size)
        .storage(StorageSpec {
            etag: args.storage_etag,
            if_range: if args.ignore_if_range { IfRange::Ignored } else { IfRange::Honoured },
            words: if args.xml_refusals { Words::Xml } else { Words::Text },
            has_multi_range: !args.no_multi_range,
        })
        .send_buffer(args.send_buffer.try_into().unwrap_or(usize::MAX))
        .link(LinkSpec {
            rate: args.rate,
            conn_rate: args.conn_rate,
            latency: args.latency,
            max_connections: args.max_connections,
            outages: args.outages,
        });
    if args.no_v2 {
        builder = builder.without_v2();
    }
    if args.two_storages {
        builder = builder.two_storages();
    }
    if let Some(origin) = &args.links_to {
        builder = builder.links_to(origin);
    }
    builder = args.without.into_iter().fold(builder, Builder::without);
    builder = args.quotas.iter().fold(builder, |builder, (group, n)| builder.quota(*group, *n));
    builder = args.aliases.iter().fold(builder, |builder, (old, new)| builder.alias(old, new));
    let xet = XetSpec {
        xorb_bytes: args.xorb_size,
        packing: args.packing,
        shards: args.shards,
        ..XetSpec::default()
    };
    for mut repo in args.repos {
        if args.fine_tune {
            repo = repo.fine_tuned();
        }
        if args.xet {
            repo = repo.xet(xet.clone());
        }
        let id = repo.id().to_string();
        if args.gated.contains(&id) {
            repo = repo.access(Access::Gated);
        }
        if args.private.contains(&id) {
            repo = repo.access(Access::Private);
        }
        builder = builder.repo(args.tags.iter().fold(repo, |repo, tag| repo.tag(tag)));
    }
    builder = args.tokens.iter().fold(builder, |builder, token| builder.token(token));
    builder = args.outsiders.iter().fold(builder, |builder, token| builder.outsider(token));
    builder = args.faults.into_iter().fold(builder, Builder::rule);
    match args.request_log {
        Some(path) => builder.request_log(path),
        None => builder,
    }
}

fn parse_quota(text: &str) -> Result<(Group, u64), String> {
    let (group, count) = text.split_once('=').ok_or("write a quota as resolvers=3000")?;
    let count = count.parse().map_err(|_| format!("{count:?} is not a count"))?;
    Ok((group.parse()?, count))
}

fn parse_alias(text: &str) -> Result<(String, String), &'static str> {
    let (old, new) = text.split_once('=').ok_or("write an alias as old/name=org/name")?;
    Ok((old.to_owned(), new.to_owned()))
}

fn parse_packing(text: &str) -> Result<Packing, &'static str> {
    match text {
        "auto" => Ok(Packing::Auto),
        "stored" => Ok(Packing::Always(Scheme::Stored)),
        "lz4" => Ok(Packing::Always(Scheme::Lz4)),
        "grouped" => Ok(Packing::Always(Scheme::Grouped)),
        _ => Err("a packing is auto, stored, lz4 or grouped"),
    }
}

fn parse_shards(text: &str) -> Result<Shards, &'static str> {
    match text {
        "keyed" => Ok(Shards::Keyed),
        "plain" => Ok(Shards::Plain),
        "none" => Ok(Shards::None),
        _ => Err("shards are keyed, plain or none"),
    }
}

#[expect(clippy::print_stderr, reason = "this is where the program reports")]
fn report(error: &dyn Error) {
    eprint!("fake-hub: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprint!(": {cause}");
        source = cause.source();
    }
    eprintln!();
}
