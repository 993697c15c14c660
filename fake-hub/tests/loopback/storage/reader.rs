//! A reader of files in Xet that believes nothing it can check.
//!
//! It is no client: it asks for one thing at a time, and fails the test at the first surprise.

use std::collections::BTreeMap;
use std::ops::Range;

use engine::xet::chunk::{HEADER_LEN, Header, unpack};
use engine::xet::hash::XetHash;
use fake_hub::{Content, FakeHub};
use serde_json::Value;

use crate::client::{Answer, ask, get};

/// Somebody with an access token.
pub(crate) struct Reader {
    token: String,
    cas: String,
}

impl Reader {
    pub(crate) async fn new(hub: &FakeHub, repo: &str) -> Self {
        let url = format!("{}/api/models/{repo}/xet-read-token/main", hub.endpoint());
        let answer = get(&url, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(value["accessToken"], answer.header("x-xet-access-token"));
        assert_eq!(value["casUrl"], answer.header("x-xet-cas-url"));
        assert_eq!(value["exp"].to_string(), answer.header("x-xet-token-expiration"));
        Self {
            token: format!("Bearer {}", answer.header("x-xet-access-token")),
            cas: answer.header("x-xet-cas-url").to_owned(),
        }
    }

    /// Asks the CAS for a path.
    pub(crate) async fn get(&self, path: &str, range: Option<Range<u64>>) -> Answer {
        let range = range.map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let mut headers = vec![("Authorization", self.token.as_str())];
        headers.extend(range.as_deref().map(|range| ("Range", range)));
        ask("GET", &format!("{}{path}", self.cas), &headers, "").await
    }

    /// A reconstruction, of the second version if there is one.
    pub(crate) async fn ask(&self, hash: &XetHash, range: Option<Range<u64>>) -> Answer {
        let answer = self.get(&format!("/v2/reconstructions/{hash}"), range.clone()).await;
        match answer.status {
            404 => self.get(&format!("/v1/reconstructions/{hash}"), range).await,
            _ => answer,
        }
    }

    /// The content of a file, or of a range of it.
    pub(crate) async fn read(&self, hash: &XetHash, range: Option<Range<u64>>) -> Vec<u8> {
        let answer = self.ask(hash, range.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        let mut chunks = BTreeMap::new();
        for (xorb, fetches) in fetches(&value) {
            for (url, start, bytes) in fetches {
                let answer = get(&url, &bytes).await;
                assert_eq!(answer.status, 206, "{}", answer.text());
                for (number, content) in (start..).zip(unpacked(&answer.body)) {
                    chunks.insert((xorb.clone(), number), content);
                }
            }
        }
        let mut out = Vec::new();
        for term in value["terms"].as_array().unwrap() {
            let before = out.len();
            for number in span(&term["range"]) {
                out.extend(&chunks[&(term["hash"].as_str().unwrap().to_owned(), number)]);
            }
            assert_eq!((out.len() - before) as u64, term["unpacked_length"]);
        }
        let skip = value["offset_into_first_range"].as_u64().unwrap() as usize;
        let mut out = out.split_off(skip);
        if let Some(range) = range {
            out.truncate((range.end - range.start) as usize);
        }
        out
    }
}

/// By xorb: URL, number of the first chunk, and the `Range` header.
pub(crate) fn fetches(value: &Value) -> BTreeMap<String, Vec<(String, u64, String)>> {
    let header = |bytes: &Value| format!("bytes={}-{}", bytes["start"], bytes["end"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut out = BTreeMap::new();
    for (xorb, infos) in value["fetch_info"].as_object().into_iter().flatten() {
        let fetch = |info: &Value| {
            let start = info["range"]["start"].as_u64().unwrap();
            (text(&info["url"]), start, header(&info["url_range"]))
        };
        out.insert(xorb.clone(), infos.as_array().unwrap().iter().map(fetch).collect());
    }
    for (xorb, infos) in value["xorbs"].as_object().into_iter().flatten() {
        let fetch = |info: &Value| {
            let range = |range: &Value| {
                let start = range["chunks"]["start"].as_u64().unwrap();
                (text(&info["url"]), start, header(&range["bytes"]))
            };
            info["ranges"].as_array().unwrap().iter().map(range).collect::<Vec<_>>()
        };
        let all = infos.as_array().unwrap().iter().flat_map(fetch).collect();
        assert!(out.insert(xorb.clone(), all).is_none());
    }
    out
}

/// The contents of chunks that stand in a row.
pub(crate) fn unpacked(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEADER_LEN>() {
        let header = Header::read(head).unwrap();
        let (packed, rest) = rest.split_at(header.packed as usize);
        let mut content = Vec::new();
        unpack(header, packed, &mut content).unwrap();
        out.push(content);
        bytes = rest;
    }
    assert!(bytes.is_empty());
    out
}

/// All bytes of a content.
pub(crate) fn bytes_of(content: &Content) -> Vec<u8> {
    content.open().unwrap().read_at(0, content.len() as usize).unwrap().to_vec()
}

fn span(value: &Value) -> Range<u64> {
    value["start"].as_u64().unwrap()..value["end"].as_u64().unwrap()
}
