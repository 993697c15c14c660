//! The answers and URLs of the storage hosts, as seen between 2026-05 and 2026-10.
//!
//! Their answers carry no date, no `Last-Modified` and nothing of a cache.

use super::{Lines, Shape};

/// What each answer with bytes has.
pub(crate) const OBJECT: Lines = &[
    ("content-type", "{kind}"),
    ("accept-ranges", "bytes"),
    ("content-disposition", "{disposition}"),
    ("etag", "{etag}"),
    ("access-control-allow-headers", "Content-Range, Content-Type, Content-Disposition, ETag"),
    ("access-control-expose-headers", "*"),
    ("vary", "origin, access-control-request-method, access-control-request-headers"),
    ("access-control-allow-origin", "*"),
    ("x-hf-cdn-pop", "{pop}"),
];

/// A refusal. The status is the route's.
pub(crate) const REFUSED: Shape = Shape {
    status: 403,
    lines: &[("content-type", "text/plain; charset=utf-8"), ("x-hf-cdn-pop", "{pop}")],
    body: "{words}",
};

/// Which edge answers, by the number of the host.
pub(crate) const POPS: [&str; 2] = ["aws-us-east-1", "gcp-us-east4"];

/// The question of a file's URL: `public` or a user's id, and the file's name. Its parts come in
/// either order, and the order counts.
pub(crate) const FILE_QUESTIONS: [&str; 2] = [
    "X-Xet-Cas-Uid={user}&response-content-disposition={disposition}&user_id={user}",
    "response-content-disposition={disposition}&X-Xet-Cas-Uid={user}&user_id={user}",
];

/// The question of a xorb's URL.
pub(crate) const XORB_QUESTION: &str = "user_id={user}&repo_id={repo}&X-Xet-Session-Id={session}";

/// What follows the question.
pub(crate) const SIGNED: &str =
    "{question}&Expires={time}&Policy={policy}&Signature={signature}&Key-Pair-Id={key}";

/// What some URLs end with since 2026-09.
pub(crate) const ALGORITHM: &str = "&Hash-Algorithm=SHA256";

/// Whose key signs, as it stands in URLs: a ULID.
pub(crate) const KEY: &str = "01KXFAKEHVB0KEYS0000000000";

/// What a URL is good for. The resource is the URL with its question, `*` escaped there alone.
pub(crate) const POLICY: &str = "{\"Statement\":[{\"Resource\":\"{url}\\\\?{question}\",\
    \"Condition\":{\"DateLessThan\":{\"EpochTime\":{time}}{range}}}]}";

/// The same for the `Range` header that a request has to have.
pub(crate) const POLICY_RANGE: &str = ",\"ByteRange\":{\"ExpectedHeader\":\"{range}\"}";

/// Why a URL is refused. Those of the question, the key and the range were seen; the others were
/// not.
pub(crate) const WORDS_UNSIGNED: &str = "Auth failed: missing signature";
/// The question, the path or the host is another one than was signed.
pub(crate) const WORDS_RESOURCE: &str = "Auth failed: invalid resource";
/// The key is not known there.
pub(crate) const WORDS_KEY: &str = "SignatureError: invalid key pair id";
/// The `Range` header is another one than was signed.
pub(crate) const WORDS_RANGE: &str = "Auth failed: invalid range";
/// Several ranges at once, where that is not done.
pub(crate) const WORDS_RANGES: &str = "Invalid Range Specified";
/// Its time is over.
pub(crate) const WORDS_EXPIRED: &str = "Auth failed: policy expired";
/// There is nothing of that name.
pub(crate) const WORDS_MISSING: &str = "Not Found";
/// The range begins behind the end.
pub(crate) const WORDS_UNSATISFIABLE: &str = "Requested Range Not Satisfiable";
