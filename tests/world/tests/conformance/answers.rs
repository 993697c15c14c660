//! What a hub answers arrives as it was sent.
//!
//! Each body is compared with the file; nothing here is cut short.

use engine::hub::request::{Method, Request};
use engine::time::Duration;
use moshi_fetch::http::{Http, HttpBody};

use crate::arm::HubScene;
use crate::exchange::{
    BIG, BIG_LEN, EMPTY, REPO, SMALL, TOKEN, drain, fetch, get, locate, resolve, truth,
};

pub(crate) async fn a_small_file_is_answered_at_once<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, SMALL).await;
    let (head, body) = fetch(&http, get(&url, None)).await.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(body, truth(&hub, SMALL, 0..body.len() as u64));
    assert_eq!(head.content_length(), Some(body.len() as u64));
    assert_eq!(head.commit(), hub.commit_of(REPO, "main").map(|commit| commit.parse().unwrap()));
}

pub(crate) async fn a_head_has_no_body<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, SMALL).await;
    let (head, body) = fetch(&http, Request::head(url.parse().unwrap())).await.unwrap();
    assert_eq!((head.status, body.len()), (200, 0));
    let len = hub.file(REPO, "main", SMALL).unwrap().content.len();
    assert_eq!(head.content_length(), Some(len));
}

pub(crate) async fn a_range_is_exactly_that<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, BIG).await;
    for range in [0..1, 1_000_000..1_500_001, BIG_LEN - 7..BIG_LEN] {
        let (head, body) = fetch(&http, get(&url, Some(range.clone()))).await.unwrap();
        let answered = head.content_range().unwrap();
        assert_eq!((head.status, answered.total), (206, Some(BIG_LEN)));
        assert_eq!((answered.range.start, answered.range.end), (range.start, range.end));
        assert!(body == truth(&hub, BIG, range.clone()), "other bytes in {range:?}");
    }
    // The hub says how long a file is; the storage may not.
    let (url, len) = (locate(&http, &hub, SMALL).await, hub.file(REPO, "main", SMALL).unwrap());
    let len = len.content.len();
    let (head, _) = fetch(&http, get(&url, Some(len..len + 1))).await.unwrap();
    assert_eq!((head.status, head.unsatisfied_total()), (416, Some(len)));
}

pub(crate) async fn an_empty_file_has_an_empty_body<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = resolve(&hub, EMPTY);
    let (head, mut body) = http.send(get(&url, None)).await.unwrap();
    assert_eq!((head.status, head.content_length()), (200, Some(0)));
    assert_eq!(body.chunk().await, Ok(None));
    assert_eq!(body.chunk().await, Ok(None), "the end is no fault when asked for again");
}

pub(crate) async fn redirects_are_not_followed<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let (head, _) = fetch(&http, get(&resolve(&hub, BIG), None)).await.unwrap();
    assert_eq!((head.status, head.linked_size()), (302, Some(BIG_LEN)));
    assert!(head.location().unwrap().contains(hub.cdn_authority()), "{head:?}");
    assert_eq!(hub.stats().requests, 1);
}

pub(crate) async fn a_post_takes_its_body_along<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = format!("{}/api/models/{REPO}/paths-info/main", hub.endpoint());
    let mut request = Request::get(url.parse().unwrap());
    request.method = Method::Post;
    request.headers.push(("content-type", "application/json".to_owned()));
    request.body = Some(format!("{{\"paths\": [\"{BIG}\"], \"expand\": false}}"));
    let (head, body) = fetch(&http, request).await.unwrap();
    let body = String::from_utf8(body).unwrap();
    assert_eq!(head.status, 200);
    assert!(body.contains(BIG) && !body.contains(SMALL), "{body}");
}

pub(crate) async fn the_token_goes_where_it_is_sent<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = format!("{}/api/whoami-v2", hub.endpoint());
    let (head, _) = fetch(&http, get(&url, None)).await.unwrap();
    assert_eq!(head.status, 401);
    let mut request = get(&url, None);
    request.headers.push(("authorization", format!("Bearer {TOKEN}")));
    let (head, _) = fetch(&http, request).await.unwrap();
    assert_eq!(head.status, 200);
    let seen: Vec<bool> = hub.requests().iter().map(|request| request.is_authorized).collect();
    assert_eq!(seen, [false, true]);
}

pub(crate) async fn a_refusal_says_when_to_come_back<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let (head, _) = fetch(&http, get(&resolve(&hub, BIG), None)).await.unwrap();
    assert_eq!(head.status, 429);
    assert_eq!(head.retry_after(), Some(Duration::from_secs(7)));
}

pub(crate) async fn a_portal_is_seen_as_such<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let (head, body) = fetch(&http, get(&resolve(&hub, BIG), None)).await.unwrap();
    assert_eq!(head.status, 200);
    assert!(head.is_html() && body.starts_with(b"<"), "{head:?}");
}

pub(crate) async fn a_compressed_body_stays_compressed<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, SMALL).await;
    let (head, body) = fetch(&http, get(&url, None)).await.unwrap();
    assert_eq!((head.status, head.header("content-encoding")), (200, Some("gzip")));
    assert!(body.starts_with(&[0x1f, 0x8b]), "{body:?}");
    assert_eq!(head.content_length(), Some(body.len() as u64));
}

pub(crate) async fn a_head_may_come_byte_by_byte<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, SMALL).await;
    let (head, body) = fetch(&http, get(&url, None)).await.unwrap();
    assert_eq!((head.status, head.content_length()), (200, Some(body.len() as u64)));
    assert_eq!(body, truth(&hub, SMALL, 0..body.len() as u64));
    assert_eq!(hub.stats().fired("slow-loris"), 1);
}

pub(crate) async fn a_big_body_comes_in_pieces<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, BIG).await;
    let (head, mut body) = http.send(get(&url, None)).await.unwrap();
    assert_eq!((head.status, head.content_length()), (200, Some(BIG_LEN)));
    let first = body.chunk().await.unwrap().unwrap();
    assert!((1..BIG_LEN / 2).contains(&(first.len() as u64)), "{} bytes at once", first.len());
    let (rest, fault) = drain(body).await;
    assert_eq!(fault, None);
    assert!([&first[..], &rest].concat() == truth(&hub, BIG, 0..BIG_LEN), "other bytes");
}
