//! What it costs to take a file out of its packed chunks, on one core: unpack, hash, write, and
//! prove; beside what copying, writing and hashing cost by themselves in the same run.
//!
//! Not goodput: that is the link's. Nor is it what waiting for the disk costs: nothing is synced,
//! and where the system tells it, time is that for which the thread had a core.

use std::fs::File;
use std::hint::black_box;
use std::io::{Seek, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::xet::cutter::Cutter;
use engine::xet::merkle::{self, Node};
use engine::xet::unpacker::Unpacker;
use fake_hub::{FakeHub, Hub, Kind, RepoSpec, XetFile, XetSpec};
use sha2::{Digest, Sha256};

const REPO: &str = "org/name";
const FILE: &str = "model.safetensors";
/// Content of one file, in bytes.
const LEN: u64 = 64 << 20;
/// So many bytes arrive at once.
const PIECE: usize = 64 << 10;
/// So many bytes are written at once.
const FLUSH: usize = 256 << 10;

/// A file of a kind in Xet, packed.
fn hub(kind: Kind) -> Arc<Hub> {
    let repo = RepoSpec::made(REPO, kind, LEN).xet(XetSpec::default());
    let hub = FakeHub::builder().repo(repo).build("hub:80", "cdn:80");
    hub.expect("made-up bytes can be read")
}

fn file(hub: &Hub) -> &XetFile {
    hub.xet_file(REPO, "main", FILE).expect("it is in Xet")
}

/// The bytes of the file's xorbs, as they come over the wire.
fn packed(hub: &Hub) -> Vec<u8> {
    let xorbs = file(hub).terms.iter().map(|term| hub.xet().xorb(&term.xorb));
    let bytes = xorbs.map(|xorb| xorb.and_then(|xorb| xorb.bytes().ok()).expect("it is there"));
    bytes.fold(Vec::new(), |mut all, bytes| {
        all.extend_from_slice(bytes);
        all
    })
}

/// Unpacks, records and writes as a download does: the hash of each range is that of its journal.
fn assemble(packed: &[u8], target: &mut File) -> u64 {
    let mut unpacker = Unpacker::new();
    let (mut buffer, mut len) = (Vec::with_capacity(FLUSH), 0);
    let mut recorded = blake3::Hasher::new();
    target.rewind().expect("a file can be rewound");
    for piece in packed.chunks(PIECE) {
        let mut rest = piece;
        while let Some(chunk) = unpacker.push(&mut rest).expect("nobody damaged it") {
            len += chunk.content.len() as u64;
            buffer.extend_from_slice(chunk.content);
            if buffer.len() >= FLUSH {
                flush(&mut buffer, &mut recorded, target);
            }
        }
    }
    flush(&mut buffer, &mut recorded, target);
    black_box(recorded.finalize());
    len
}

fn flush(buffer: &mut Vec<u8>, recorded: &mut blake3::Hasher, target: &mut File) {
    recorded.update(buffer);
    target.write_all(buffer).expect("there is room");
    buffer.clear();
}

/// Cuts content into chunks again, and folds their hashes to the file's.
fn prove(content: &[u8]) -> bool {
    let (mut cutter, mut chunks) = (Cutter::default(), Vec::<Node>::new());
    for piece in content.chunks(FLUSH) {
        cutter.push(piece, &mut chunks);
    }
    chunks.extend(cutter.finish());
    merkle::file_hash(&chunks) != merkle::file_hash(&[])
}

/// What everybody has to do: bytes go from one place to another, and to the disk.
fn copy(content: &[u8], target: &mut File) {
    let mut buffer = Vec::with_capacity(FLUSH);
    target.rewind().expect("a file can be rewound");
    for piece in content.chunks(FLUSH) {
        buffer.clear();
        buffer.extend_from_slice(piece);
        target.write_all(black_box(&buffer)).expect("there is room");
    }
}

/// How long a thread had a core to do something so often: others may want it, too.
fn on_core<T>(count: u64, mut work: impl FnMut() -> T) -> Duration {
    let (began, used) = (Instant::now(), core_time());
    for _ in 0..count {
        black_box(work());
    }
    match (used, core_time()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        (None, _) | (_, None) => began.elapsed(),
    }
}

/// For how long this thread has had a core by now, if the system is Linux.
fn core_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn download(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("xet");
    group.throughput(Throughput::Bytes(LEN)).sample_size(10);
    let mut target = tempfile::tempfile().expect("a temporary file");
    for kind in [Kind::Bf16, Kind::F32, Kind::Random, Kind::Text] {
        let hub = hub(kind);
        let packed = packed(&hub);
        assert_eq!(assemble(&packed, &mut target), LEN);
        group.bench_function(format!("unpack, hash and write {kind:?}"), |bencher| {
            bencher
                .iter_custom(|count| on_core(count, || assemble(black_box(&packed), &mut target)));
        });
    }
    group.finish();
}

fn parts(criterion: &mut Criterion) {
    let hub = hub(Kind::Bf16);
    let content = hub.file(REPO, "main", FILE).expect("it is there").content.open();
    let content = content.and_then(|mut content| content.read_at(0, LEN as usize));
    let content = content.expect("made-up bytes can be read");
    let mut target = tempfile::tempfile().expect("a temporary file");
    let mut group = criterion.benchmark_group("alone");
    group.throughput(Throughput::Bytes(LEN)).sample_size(10);
    group.bench_function("copy and write", |bencher| {
        bencher.iter_custom(|count| on_core(count, || copy(black_box(&content), &mut target)));
    });
    group.bench_function("cut, hash and fold", |bencher| {
        bencher.iter_custom(|count| on_core(count, || prove(black_box(&content))));
    });
    group.bench_function("blake3", |bencher| {
        bencher.iter_custom(|count| on_core(count, || blake3::hash(black_box(&content))));
    });
    group.bench_function("sha256 of aws-lc", |bencher| {
        bencher.iter_custom(|count| on_core(count, || digest(&SHA256, black_box(&content))));
    });
    group.bench_function("sha256 of sha2", |bencher| {
        bencher.iter_custom(|count| on_core(count, || Sha256::digest(black_box(&content))));
    });
    group.finish();
}

criterion_group!(benches, download, parts);
criterion_main!(benches);
