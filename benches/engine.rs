//! What the machine costs: inputs per second, and how fast a journal of a whole model is replayed.
//!
//! Not goodput: that is the link's.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use engine::action::{Action, Answer, Close, RequestId, Written};
use engine::config::Config;
use engine::digest::{FileDigest, RangeDigest};
use engine::hub::head::Head;
use engine::journal::{Begin, Record, compact, replay};
use engine::ledger::{Ledger, Proven};
use engine::manifest::{FileId, FileSpec, Location, Manifest};
use engine::range::ByteRange;
use engine::time::{Duration, Instant};
use engine::transfer::Transfer;

const MIB: u64 = 1 << 20;
/// The file of the field report.
const MODEL_BYTES: u64 = 15_375_697_208;

/// A whole download by the bare machine, with bytes in pieces of 64 KiB.
fn download(size: u64) -> u64 {
    let url = "https://cdn.example/file".parse().expect("a URL");
    let digest = FileDigest::Sha256([0; 32]);
    let location = Some(Location { url, ttl: None });
    let files = [(FileId(0), FileSpec { size, digest, location, xet: None })].into();
    let manifest = Manifest { hub: None, files };
    let start = Instant::START;
    let mut transfer = Transfer::new(manifest, BTreeMap::new(), Config::default(), 1, start);
    let (mut now, mut inputs) = (start, 0);
    let mut open: BTreeMap<RequestId, ByteRange> = BTreeMap::new();
    while !transfer.is_ended() {
        while transfer.poll_event().is_some() {}
        now = now + Duration::from_micros(100);
        inputs += 1;
        match transfer.poll_action() {
            Some(Action::Request { id, range, .. }) => drop(open.insert(id, range)),
            Some(Action::Receive { .. } | Action::Abort { .. } | Action::Append { .. }) => {}
            Some(Action::Locate { .. }) => {}
            Some(Action::Mark { task_id, .. }) => {
                transfer.handle_answer(task_id, Ok(Answer::Marked), now);
            }
            Some(Action::Check { task_id, .. }) => {
                let answer = Answer::Checked { damaged: Vec::new() };
                transfer.handle_answer(task_id, Ok(answer), now);
            }
            Some(Action::Authorize { .. } | Action::Describe { .. } | Action::Name { .. }) => {}
            Some(Action::Drain { .. }) => {}
            Some(Action::Sync { task_id, .. }) => {
                transfer.handle_answer(task_id, Ok(Answer::Synced), now);
            }
            Some(Action::Hash { task_id, range, .. }) => {
                let found = (range.end == size).then_some(digest);
                let answer = Answer::Hashed { digest: found, chunks: Vec::new() };
                transfer.handle_answer(task_id, Ok(answer), now);
            }
            Some(Action::Seal { task_id, .. }) => {
                transfer.handle_answer(task_id, Ok(Answer::Sealed), now);
            }
            None => match open.pop_first() {
                Some((id, range)) => inputs += serve(&mut transfer, id, range, size, now),
                None => transfer.handle_timeout(now),
            },
        }
    }
    inputs
}

fn serve(transfer: &mut Transfer, id: RequestId, range: ByteRange, size: u64, now: Instant) -> u64 {
    let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    transfer.handle_head(id, &Head::new(206, [("content-range", content_range)]), now);
    let (mut at, mut inputs) = (range.start, 2);
    while at < range.end {
        let len = (64 << 10).min(range.end - at);
        at += len;
        transfer.handle_bytes(id, len, now);
        inputs += 1;
        if at % (256 << 10) == 0 || at == range.end {
            let range = ByteRange::new(range.start, at);
            let written = Written { range, digest: RangeDigest([0; 32]), changed: false };
            transfer.handle_written(id, &written, now);
            inputs += 1;
        }
    }
    transfer.handle_close(id, &Close::Done, now);
    inputs
}

/// The journal of the report's file as a run leaves it: a record every 256 KiB of each request.
fn journal_of_a_model() -> Vec<u8> {
    let begin = Begin { size: MODEL_BYTES, digest: None, source: "a model".to_owned() };
    let mut bytes = compact(&begin, &Ledger::new(MODEL_BYTES));
    let mut records = 0;
    let mut start = 0;
    while start < MODEL_BYTES {
        let end = (start + 8 * MIB).min(MODEL_BYTES);
        let mut at = start;
        while at < end {
            at = (at + (256 << 10)).min(end);
            let range = ByteRange::new(start, at);
            Record::Proven(Proven { range, digest: RangeDigest([7; 32]) }).encode(&mut bytes);
            records += 1;
        }
        Record::Synced { records }.encode(&mut bytes);
        start = end;
    }
    bytes
}

fn machine(criterion: &mut Criterion) {
    let size = 1024 * MIB;
    let mut group = criterion.benchmark_group("machine");
    group.throughput(Throughput::Elements(download(size)));
    group.bench_function("inputs of 1 GiB", |bencher| bencher.iter(|| download(black_box(size))));
    group.finish();
}

fn journal(criterion: &mut Criterion) {
    let bytes = journal_of_a_model();
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("replay of 14.3 GiB", |bencher| {
        bencher.iter_batched(|| &bytes, |bytes| replay(black_box(bytes)), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, machine, journal);
criterion_main!(benches);
