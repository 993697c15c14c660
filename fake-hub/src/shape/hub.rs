//! The hub's answers, as seen between 2026-04 and 2026-10.
//!
//! The words are the routes' business.

use super::{Lines, Shape};

/// What each answer of the hub has. `ratelimit` counts down in fixed windows of five minutes.
pub(crate) const EVERY: Lines = &[
    ("x-powered-by", "huggingface-moon"),
    ("x-request-id", "Root=1-{request}"),
    ("ratelimit", "\"{group}\";r={left};t={reset}"),
    ("ratelimit-policy", "\"fixed window\";\"{group}\";q={quota};w=300"),
    ("access-control-expose-headers", EXPOSED),
    ("x-cache", "{cache} from cloudfront"),
];

/// `vary` where the form of the answer is up for choice, and elsewhere.
pub(crate) const VARY_RESOLVE: &str = "Origin, Accept";
/// The same for the API and for refusals.
pub(crate) const VARY: &str = "Origin";

/// The redirect to a file's bytes. Its length is its own, and it has no ETag.
pub(crate) const STORED: Shape = Shape {
    status: 302,
    lines: &[
        ("content-type", TEXT),
        ("location", "{location}"),
        ("x-repo-commit", "{commit}"),
        ("accept-ranges", "bytes"),
        ("x-linked-size", "{size}"),
        ("x-linked-etag", "\"{sha}\""),
        ("x-xet-hash", "{xet}"),
        ("link", "<{auth}>; rel=\"xet-auth\", <{plan}>; rel=\"xet-reconstruction-info\""),
        ("cache-control", "no-store"),
    ],
    body: "Found. Redirecting to {location}",
};

/// The redirect to a small file on the same host.
pub(crate) const SMALL: Shape = Shape {
    status: 307,
    lines: &[
        ("content-type", TEXT),
        ("location", "{location}"),
        ("x-repo-commit", "{commit}"),
        ("accept-ranges", "bytes"),
        ("x-linked-etag", "\"{sha}\""),
        ("x-hub-cache", "MISS"),
        ("content-disposition", "{disposition}"),
        ("content-security-policy", "default-src 'none'; sandbox"),
    ],
    body: "Temporary Redirect. Redirecting to {location}",
};

/// Where a small file is. The redirect is only for public repositories of an owner, and for files
/// that are not empty; others are answered in place (huggingface_hub issue 4815, 2026-09-08).
pub(crate) const SMALL_LOCATION: &str = "{path}?{resolve}=&etag=%22{sha}%22";

/// What the answer with a small file has beside its bytes.
pub(crate) const SMALL_FILE: Lines = &[
    ("x-repo-commit", "{commit}"),
    ("content-disposition", "{disposition}"),
    ("content-security-policy", "default-src 'none'; sandbox"),
];

/// A repository has another name now, or this spelling was never its own.
pub(crate) const MOVED: Shape = Shape {
    status: 307,
    lines: &[("content-type", TEXT), ("location", "{location}")],
    body: "Temporary Redirect. Redirecting to {location}",
};

/// How a browser is to save a file.
pub(crate) const DISPOSITION: &str = "inline; filename*=UTF-8''{encoded}; filename=\"{plain}\";";

/// A refusal in text, as `resolve` words it.
pub(crate) const REFUSED: Shape = Shape { status: 400, lines: REFUSAL, body: "{message}" };

/// The same as the API words it.
pub(crate) const REFUSED_IN_JSON: Shape =
    Shape { status: 400, lines: REFUSAL_IN_JSON, body: "{\"error\":\"{message}\"}" };

const REFUSAL: Lines = &[
    ("content-type", TEXT),
    ("x-error-code", "{code}"),
    ("x-error-message", "{message}"),
    ("x-repo-commit", "{commit}"),
    ("etag", "W/\"{weak}\""),
    ("www-authenticate", "{challenge}"),
];

const REFUSAL_IN_JSON: Lines = &[
    ("content-type", JSON),
    ("x-error-code", "{code}"),
    ("x-error-message", "{message}"),
    ("x-repo-commit", "{commit}"),
    ("etag", "W/\"{weak}\""),
    ("www-authenticate", "{challenge}"),
];

/// What a 401 for lack of any token asks for.
pub(crate) const CHALLENGE: &str = "Bearer realm=\"Authentication required\", charset=\"UTF-8\"";

/// More requests than the window has room for. No `Retry-After` was ever seen.
pub(crate) const TOO_MANY: &str = "Too many requests: wait for the next window.";

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
const EXPOSED: &str = "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,\
                       ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,\
                       X-Xet-Hash";
