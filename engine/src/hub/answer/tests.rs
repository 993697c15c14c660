//! Tests of `answer`, by tables and by hand.
//!
//! No network, no clock.

use std::io::Write;
use std::marker::PhantomData;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::hub::repo::{RepoId, RepoKind};
use crate::hub::revision::Revision;

fn asked() -> Asked {
    Asked {
        endpoint: "http://mirror.example".parse().unwrap(),
        repo: RepoId::new(RepoKind::Model, "org/name").unwrap(),
        revision: Revision::main(),
        has_token: false,
    }
}

fn answer(lines: &[(&str, &str)], body: &[u8]) -> Answer {
    let url = "http://mirror.example/api".parse().unwrap();
    Answer { url, head: Head::new(200, lines.iter().copied()), body: body.to_vec() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn json_is_read_through_what_proxies_do_to_it() {
    let coded = ("Content-Encoding", "gzip");
    let html = ("Content-Type", "text/html");
    let login = b"<html>Please log in to the Wi-Fi";
    for (lines, body, expected) in [
        (vec![], b"[1]".to_vec(), Ok(vec![1])),
        (vec![coded], gzip(b"[1]"), Ok(vec![1])),
        (vec![coded], b"[1]".to_vec(), Err(Fault::Encoded("gzip".to_owned()))),
        (vec![], login.to_vec(), Err(Fault::Portal)),
        (vec![html], login.to_vec(), Err(Fault::Portal)),
        (vec![html, coded], gzip(login), Err(Fault::Portal)),
        (vec![html], b"<html>It works!".to_vec(), Err(Fault::NotAHub)),
        (vec![html], b"[1]".to_vec(), Err(Fault::NotAHub)),
    ] {
        let found = answer(&lines, &body).json(&asked(), PhantomData::<Vec<u32>>);
        assert_eq!(found, expected, "{lines:?}");
    }
}
