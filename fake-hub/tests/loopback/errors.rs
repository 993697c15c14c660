//! Who is refused, and in which words.

use std::time::Duration;

use fake_hub::{Access, FakeHub, RepoSpec};

use crate::client::{ask, get, hub, locate};

#[tokio::test]
async fn refusals_have_the_hub_s_codes() {
    let hub = FakeHub::builder()
        .repo(RepoSpec::synthetic("o/open", 10))
        .repo(RepoSpec::synthetic("o/gated", 10).access(Access::Gated))
        .repo(RepoSpec::synthetic("o/private", 10).access(Access::Private))
        .token("hf_member")
        .outsider("hf_outsider")
        .start()
        .await
        .unwrap();
    let table = [
        ("/o/open/resolve/main/config.json", "", 307, ""),
        ("/o/open/resolve/main/config.json", "hf_member", 307, ""),
        ("/o/open/resolve/main/config.json", "hf_wrong", 401, ""),
        ("/o/open/resolve/main/none", "", 404, "EntryNotFound"),
        ("/o/open/resolve/none/config.json", "", 404, "RevisionNotFound"),
        ("/o/none/resolve/main/config.json", "", 401, ""),
        ("/o/none/resolve/main/config.json", "hf_member", 404, "RepoNotFound"),
        ("/o/private/resolve/main/config.json", "", 401, ""),
        ("/o/private/resolve/main/config.json", "hf_outsider", 404, "RepoNotFound"),
        ("/o/private/resolve/main/config.json", "hf_member", 200, ""),
        ("/o/gated/resolve/main/config.json", "", 401, "GatedRepo"),
        ("/o/gated/resolve/main/config.json", "hf_outsider", 403, "GatedRepo"),
        ("/o/gated/resolve/main/config.json", "hf_member", 200, ""),
        ("/api/models/o/gated", "", 200, ""),
        ("/api/models/o/private", "", 401, ""),
        ("/api/models/o/open/revision/none", "", 404, "RevisionNotFound"),
        ("/api/models/o/open/tree/main/none", "", 404, "EntryNotFound"),
        ("/api/whoami-v2", "", 401, ""),
        ("/api/whoami-v2", "hf_outsider", 200, ""),
        ("/api/agent-harnesses", "", 404, ""),
    ];
    for (path, token, status, code) in table {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        let headers = if token.is_empty() { &[][..] } else { &headers };
        let answer = ask("GET", &format!("{}{path}", hub.endpoint()), headers, "").await;
        assert_eq!(answer.status, status, "{path} {token}");
        assert_eq!(answer.header("x-error-code"), code, "{path} {token}");
    }
}

#[tokio::test(start_paused = true)]
async fn signed_urls_expire() {
    let hub = hub().url_lifetime(Duration::from_millis(300)).start().await.unwrap();
    let location = locate(&hub).await;
    assert_eq!(get(&location, "bytes=0-9").await.status, 206);
    tokio::time::advance(Duration::from_millis(301)).await;
    let answer = get(&location, "bytes=0-9").await;
    assert_eq!((answer.status, answer.text()), (403, "Auth failed: policy expired"));
    assert_eq!(answer.header("x-error-code"), "");
    assert_eq!(get(&locate(&hub).await, "bytes=0-9").await.status, 206);
    let forged = locate(&hub).await.replace("Signature=", "Signature=1");
    assert_eq!(get(&forged, "bytes=0-9").await.status, 403);
}
