# What the suites with real clients share: the programs, a Python with hf, hubs, checks.
# Sourced. Everything happens on loopback and under one temporary folder, which is removed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
here=$(mktemp -d "${TMPDIR:-/tmp}/interop.XXXXXX")
passed=0
failed=0
skipped=0

# No proxy, token or cache of the person who runs this has a say.
for name in $(compgen -e); do
    case $name in
        HF_* | HUGGING_FACE_* | HUGGINGFACE_* | *_proxy | *_PROXY | XDG_CACHE_HOME) unset "$name" ;;
    esac
done
export HF_HUB_DISABLE_XET=1 HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_UPDATE_CHECK=1
export HF_HUB_DISABLE_PROGRESS_BARS=1 NO_COLOR=1

# Builds the programs, unless PROGRAMS names the folder where they are.
build() {
    if [[ -z ${PROGRAMS:-} ]]; then
        (cd "$root" && cargo build --quiet --release -p moshi-fetch -p fake-hub)
    fi
    moshi=${PROGRAMS:-$target/release}/moshi-fetch
    fake_hub=${PROGRAMS:-$target/release}/fake-hub
}

# A Python environment of our own with hf, kept under the target folder: the newest that is known
# to work, or the version that is given.
install_hf() {
    local version=${1:-$HF_VERSION}
    local venv=$target/interop/hf-$version
    if [[ ! -x $venv/bin/hf ]]; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            "huggingface_hub==$version" "hf_xet==$HF_XET_VERSION"
    fi
    hf=$venv/bin/hf
    python=$venv/bin/python
    echo "hf is $("$python" -c 'import huggingface_hub as h; print(h.__version__)')"
}
HF_VERSION=2.4.0
HF_XET_VERSION=1.8.0
# What people still have: the last of each series before it.
OLDER_HF_VERSIONS=(0.36.2 1.33.0)

# Ends what this shell has started, by its number.
end_all() {
    local pid
    for pid in "${started[@]}"; do
        kill -CONT "$pid" 2>/dev/null || true
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    started=()
}
started=()

# Starts a program in the background; its number is then in $pid.
start() {
    local name=$1
    shift
    "$@" >"$name.out" 2>"$name.err" </dev/null &
    pid=$!
    started+=("$pid")
}

# Starts a fake hub and an empty cache. All arguments are those of the hub.
hub() {
    start hub "$fake_hub" "$@"
    hub_pid=$pid
    until [[ -s hub.out ]]; do
        kill -0 "$hub_pid" || { cat hub.err >&2; return 1; }
        sleep 0.05
    done
    HF_ENDPOINT=$(head -n 1 hub.out)
    export HF_ENDPOINT HF_HOME=$PWD/home
    rm -rf "$HF_HOME"
}

# Ends the hub, for another one to follow.
end_hub() {
    kill -INT "$hub_pid"
    wait "$hub_pid" || true
    rm hub.out
}

# One of the hub's counters: an expression over its statistics `s`.
stat() {
    curl -sS "$HF_ENDPOINT/__fake_hub/stats" | "$python" -c "import json, sys
s = json.load(sys.stdin)
print($1)"
}

# Body bytes of files that the hub has sent, whatever their size.
sent() {
    stat 'sum(s["body_bytes"].get(route, 0) for route in ("cdn", "resolve-cache", "resolve"))'
}

# Body bytes of large files that the hub has sent.
sent_large() {
    stat 's["body_bytes"].get("cdn", 0)'
}

# Waits until the hub has sent so many bytes of large files.
wait_sent() {
    local tries
    for tries in $(seq 1200); do
        (($(sent_large) >= $1)) && return
        sleep 0.03
    done
    echo "the hub has sent only $(sent_large) of $1 bytes" >&2
    return 1
}

# Waits until a file has a line that matches.
wait_line() {
    local tries
    for tries in $(seq 600); do
        grep -q "$1" "$2" && return
        sleep 0.05
    done
    echo "no $1 in $2" >&2
    cat "$2" >&2
    return 1
}

# What the hub says that a file hashes to: its ETag.
etag_of() {
    curl -sSI "$HF_ENDPOINT/$1" | tr -d '\r' | awk -F': ' '
        tolower($1) == "x-linked-etag" { gsub(/"/, "", $2); print $2 }'
}

sha256() {
    sha256sum "$1" | cut -d ' ' -f 1
}

# Inverts one bit of a file, and leaves its length as it is.
flip() {
    "$python" - "$1" "$2" <<'PYTHON'
import os, stat, sys
path, at = sys.argv[1], int(sys.argv[2])
mode = stat.S_IMODE(os.stat(path).st_mode)
os.chmod(path, mode | stat.S_IWUSR)
with open(path, "r+b") as file:
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 4]))
os.chmod(path, mode)
PYTHON
}

# Fails unless two things are the same.
same() {
    if [[ $1 != "$2" ]]; then
        echo "${3:-it} is $1, not $2" >&2
        return 1
    fi
}

# Fails unless a number is within bounds.
within() {
    if (($1 < $2 || $1 > $3)); then
        echo "${4:-it} is $1, not within $2 and $3" >&2
        return 1
    fi
}

# Fails unless a command exits with a code.
exits() {
    local want=$1 code=0
    shift
    "$@" || code=$?
    same "$code" "$want" "the exit code of $(basename "$1")"
}

# Runs a function in a folder and a shell of its own, and says what came of it. It may write the
# figures that it measured to the file `figures`.
check() {
    local name=$1 code=0 folder
    shift
    folder=$(mktemp -d "$here/check.XXXXXX")
    # Not in a condition: there bash would go on after a command that fails.
    set +e
    (
        set -eEuo pipefail
        started=()
        cd "$folder"
        trap end_all EXIT
        trap 'echo "line $LINENO: $BASH_COMMAND"' ERR
        "$@"
    ) >"$folder/log" 2>&1
    code=$?
    set -e
    if ((code == 0)); then
        passed=$((passed + 1))
        echo "ok    $name$(figures "$folder")"
        rm -rf "$folder"
    elif ((code == SKIP)); then
        skipped=$((skipped + 1))
        echo "skip  $name: $(tail -n 1 "$folder/log")"
    else
        failed=$((failed + 1))
        echo "FAIL  $name$(figures "$folder")"
        tail -n 40 "$folder/log" | sed 's/^/      /'
    fi
}
SKIP=77

figures() {
    if [[ -s $1/figures ]]; then
        printf ' (%s)' "$(paste -sd ' ' "$1/figures")"
    fi
}

finish() {
    rm -rf "$here"
    if ((skipped > 0)); then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    ((failed == 0))
}
