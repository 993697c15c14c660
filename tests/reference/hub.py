"""A small hub in front of the reference's storage server, with the manners of the real one.

STORAGE is the address of that server. MANIFEST is what upload.py printed, FOLDER has the files, for
those who come by plain HTTP. The first line of stdout is the hub's address; storage and CDN are on
another host, 127.0.0.2.

What the storage server lacks is done here: it asks for no token, its addresses are not signed, and
it does not fail.
"""

import argparse
import fcntl
import http.client
import json
import os
import random
import re
import socket
import struct
import termios
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "org/name"
XML = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("storage")
parser.add_argument("manifest")
parser.add_argument("folder")
parser.add_argument("--lifetime", type=float, default=3600, help="of tokens and addresses, seconds")
parser.add_argument("--tokens", type=float, default=1e9, help="what they last in truth, seconds")
parser.add_argument("--dies-at", type=int, default=1 << 60, help="bytes of xorbs, then only 503")
parser.add_argument("--reset-every", type=int, default=1 << 60, help="body bytes of a connection")
parser.add_argument("--flip-every", type=int, default=1 << 60, help="bytes of xorbs, on average")
parser.add_argument("--flip-at", type=int, default=1 << 60, help="byte of xorbs, once")
parser.add_argument("--rate", type=float, default=0, help="bytes of files in a second, of all")
parser.add_argument("--no-v2", action="store_true", help="reconstructions as they were before")
parser.add_argument("--direct", action="store_true", help="send clients to STORAGE itself")
parser.add_argument("--no-shards", action="store_true", help="no chunk is known")
options = parser.parse_args()

storage = urllib.parse.urlsplit(options.storage).netloc
with open(options.manifest) as manifest:
    files = {file["path"]: file for file in map(json.loads, manifest)}
lifetime = options.lifetime

local = threading.local()
lock = threading.Lock()
body_bytes = {}
requests = {}
lengths = {}
tokens = {}
dice = random.Random(7)
next_flip = min(options.flip_at, dice.uniform(0, 2 * options.flip_every))
next_send = 0.0


def count(counters, route, number):
    with lock:
        counters[route] = counters.get(route, 0) + number


def ask(method, path, headers=None, body=None):
    """One exchange with the storage server, on a connection of this thread."""
    for is_last in (False, True):
        connection = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = http.client.HTTPConnection(storage)
        try:
            connection.request(method, path, body, headers or {})
            return connection.getresponse()
        except (http.client.HTTPException, OSError):
            local.connection = None
            if is_last:
                raise


def length_of(xorb):
    if xorb not in lengths:
        answer = ask("GET", f"/simulation/xorbs/{xorb}/raw_length")
        lengths[xorb] = json.loads(answer.read())["length"]
    return lengths[xorb]


def ranges_of(header):
    """The ranges of a Range header as pairs, the end of each exclusive."""
    if not re.fullmatch(r"bytes=\d+-\d+(, ?\d+-\d+)*", header or ""):
        return None
    pairs = [pair.split("-") for pair in header[len("bytes="):].split(",")]
    return [(int(start), int(end) + 1) for start, end in pairs]


def flipped(part):
    """The same bytes or, when it is time, with one bit inverted."""
    global next_flip
    with lock:
        at = next_flip
        next_flip -= len(part)
        if at >= len(part):
            return part
        next_flip = dice.uniform(0, 2 * options.flip_every)
    count(requests, "flip", 1)
    part = bytearray(part)
    part[int(at)] ^= 1 << dice.randrange(8)
    return bytes(part)


def wait_for_turn(number):
    global next_send
    if options.rate:
        with lock:
            now = time.monotonic()
            next_send = max(now, next_send) + number / options.rate
            wait = next_send - now
        time.sleep(wait)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    passed = 0

    def log_message(self, *_):
        pass

    def parts(self):
        url = urllib.parse.urlsplit(self.path)
        return urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query))

    def answer(self, route, status, headers=None, body=b"", length=None):
        """Sends a head and, unless only that is asked for, a body; True if more may follow."""
        count(requests, route, 1)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "HEAD":
            return False
        self.send(route, body)
        return True

    def send(self, route, body):
        self.wfile.write(body)
        count(body_bytes, route, len(body))

    def json(self, route, value, headers=None):
        headers = {"Content-Type": "application/json", **(headers or {})}
        self.answer(route, 200, headers, json.dumps(value).encode())

    def pass_on(self, source, route, number):
        """The body of a file or a xorb, which is what may fail."""
        while number > 0:
            left = options.reset_every - self.passed
            part = source.read(min(number, left, 1 << 14 if options.rate else 1 << 18))
            if not part:
                raise ConnectionError("the source ended early")
            wait_for_turn(len(part))
            self.send(route, flipped(part) if route == "xorb" else part)
            number -= len(part)
            self.passed += len(part)
            if self.passed >= options.reset_every:
                self.reset()

    def reset(self):
        """Ends the connection by a reset, once all that was sent has left."""
        deadline = time.monotonic() + 5
        while struct.unpack("i", fcntl.ioctl(self.connection, termios.TIOCOUTQ, b"1234"))[0]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.001)
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        os.close(self.connection.detach())
        count(requests, "reset", 1)
        raise ConnectionError("reset")


class Hub(Handler):
    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer("other", 404)

    def do_GET(self):
        path, _ = self.parts()
        api = f"/api/models/{REPO}"
        resolve = re.fullmatch(rf"/{REPO}/resolve/(?:main|{COMMIT})/(.+)", path)
        if path == "/__fake_hub/stats":
            with lock:
                statistics = dict(body_bytes=dict(body_bytes), requests=dict(requests))
            self.json("stats", statistics)
        elif resolve and resolve[1] in files:
            self.resolve(files[resolve[1]])
        elif re.fullmatch(rf"{api}(/revision/(main|{COMMIT}))?", path):
            siblings = [dict(rfilename=name) for name in files]
            self.json("api", dict(id=REPO, modelId=REPO, sha=COMMIT, private=False, gated=False,
                                  disabled=False, tags=[], downloads=0, likes=0,
                                  siblings=siblings))
        elif re.fullmatch(rf"{api}/tree/(main|{COMMIT})", path):
            self.json("api", [entry(file) for file in files.values()])
        elif re.fullmatch(rf"{api}/xet-read-token/(main|{COMMIT})", path):
            self.token()
        else:
            self.answer("other", 404, {"X-Error-Code": "EntryNotFound"})

    def resolve(self, file):
        address = f"http://{self.headers['Host']}"
        links = (f'<{address}/api/models/{REPO}/xet-read-token/{COMMIT}>; rel="xet-auth", '
                 f'<{stores}/v1/reconstructions/{file["xet"]}>; rel="xet-reconstruction-info"')
        where = f"{stores}/cdn/{urllib.parse.quote(file['path'])}?Expires={time.time() + lifetime}"
        self.answer("resolve", 302, {
            "Location": where,
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(file["size"]),
            "X-Linked-ETag": f'"{file["sha256"]}"',
            "X-Xet-Hash": file["xet"],
            "Accept-Ranges": "bytes",
            "Link": links,
        })

    def token(self):
        expires = int(time.time() + lifetime)
        with lock:
            token = f"token-{len(tokens)}"
            tokens[token] = time.time() + min(options.tokens, lifetime)
        cas = options.storage if options.direct else stores
        self.json("token", dict(accessToken=token, exp=expires, casUrl=cas), {
            "X-Xet-Access-Token": token,
            "X-Xet-Token-Expiration": str(expires),
            "X-Xet-Cas-Url": cas,
        })


def entry(file):
    oid = file["sha256"][:40]
    lfs = dict(oid=file["sha256"], size=file["size"], pointerSize=135)
    return dict(type="file", oid=oid, size=file["size"], path=file["path"], lfs=lfs,
                xetHash=file["xet"])


class Store(Handler):
    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer("other", 200 if self.path == "/v1/telemetry" else 404)

    def do_GET(self):
        path, query = self.parts()
        signed = re.fullmatch(r"/(xorbs|cdn)/(.+)", path)
        if (not signed or signed[1] == "xorbs") and body_bytes.get("xorb", 0) > options.dies_at:
            self.answer("dead", 503)
        elif not signed:
            self.storage(path)
        elif "Authorization" in self.headers:
            self.answer("leaked", 400, body=b"Only one auth mechanism allowed")
        elif float(query.get("Expires", 0)) < time.time():
            self.answer("expired", 403, {"Content-Type": "application/xml"}, XML)
        elif signed[1] == "cdn" and signed[2] in files:
            self.file(files[signed[2]])
        elif signed[1] == "xorbs":
            self.xorb(signed[2], query.get("Ranges", ""))
        else:
            self.answer("other", 404)

    def storage(self, path):
        """What asks for a token: passed on, but for the addresses in the answer."""
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if tokens.get(bearer, 0) < time.time():
            return self.answer("refused", 401)
        if options.no_v2 and path.startswith("/v2/") or options.no_shards and "/chunks/" in path:
            return self.answer("other", 404)
        headers = {name: self.headers[name] for name in ("Range",) if name in self.headers}
        answer = ask("GET", path, headers)
        body = answer.read()
        if answer.status == 200 and "/reconstructions/" in path:
            body = json.dumps(sign(json.loads(body))).encode()
        headers = {"Content-Type": answer.headers.get("Content-Type", "text/plain")}
        route = "shard" if "/chunks/" in path else path.split("/")[1]
        self.answer(route, answer.status, headers, body)

    def xorb(self, xorb, signed):
        """A part of a xorb: the very range that was signed for or, of several, any one of them."""
        ranges = ranges_of(self.headers.get("Range"))
        allowed = ranges_of(f"bytes={signed}")
        if not ranges or ranges != allowed and (len(ranges) > 1 or ranges[0] not in allowed):
            return self.answer("not signed", 403, {"Content-Type": "application/xml"}, XML)
        total = length_of(xorb)
        if len(ranges) > 1:
            return self.several(xorb, ranges, total)
        (start, end), = ranges
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{total}", "ETag": f'"{xorb}"'}
        if self.answer("xorb", 206, headers, length=end - start):
            self.pass_on(part_of(xorb, start, end), "xorb", end - start)

    def several(self, xorb, ranges, total):
        body = b""
        for start, end in ranges:
            body += (f"--xxx\r\nContent-Type: application/octet-stream\r\n"
                     f"Content-Range: bytes {start}-{end - 1}/{total}\r\n\r\n").encode()
            body += part_of(xorb, start, end).read() + b"\r\n"
        headers = {"Content-Type": "multipart/byteranges; boundary=xxx"}
        self.answer("xorb", 206, headers, body + b"--xxx--\r\n")

    def file(self, file):
        """A file as the CDN sends it: whole, or one range of it."""
        size, headers = file["size"], {"ETag": f'"{file["sha256"]}"', "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end, status = 0, size, 200
        if asked and self.headers.get("If-Range", headers["ETag"]) == headers["ETag"]:
            start = int(asked[1])
            end = min(size, int(asked[2]) + 1) if asked[2] else size
            if start >= end:
                return self.answer("cdn", 416, {"Content-Range": f"bytes */{size}"})
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            status = 206
        if self.answer("cdn", status, headers, length=end - start):
            with open(f"{options.folder}/{file['path']}", "rb") as source:
                source.seek(start)
                self.pass_on(source, "cdn", end - start)


def part_of(xorb, start, end):
    return ask("GET", f"/simulation/xorbs/{xorb}/raw", {"Range": f"bytes={start}-{end - 1}"})


def sign(answer):
    """Puts our addresses into a reconstruction, each good for its ranges only."""
    def address(xorb, ranges):
        ranges = ",".join(f"{range['start']}-{range['end']}" for range in ranges)
        return f"{stores}/xorbs/{xorb}?Expires={time.time() + lifetime}&Ranges={ranges}"

    for xorb, fetches in answer.get("fetch_info", {}).items():
        for fetch in fetches:
            fetch["url"] = address(xorb, [fetch["url_range"]])
    for xorb, fetches in answer.get("xorbs", {}).items():
        for fetch in fetches:
            fetch["url"] = address(xorb, [range["bytes"] for range in fetch["ranges"]])
    return answer


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Clients leave when they like."""


store = Server(("127.0.0.2", 0), Store)
stores = f"http://127.0.0.2:{store.server_port}"
hub = Server(("127.0.0.1", 0), Hub)
threading.Thread(target=store.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{hub.server_port}", flush=True)
hub.serve_forever()
