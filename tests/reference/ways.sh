# The ways in which a file comes from the hub, by hf and by ours, and what is true afterwards.
# Sourced by run; each function runs in a shell and a folder of its own.

# Fails unless a file that was brought is the one that was uploaded.
is_right() {
    cmp "$here/files/$1" "$2"
    rm -f "$(readlink -f "$2")" "$2"
}

size_of() {
    wc -c <"$here/files/$1" | tr -d ' '
}

# Body bytes that the hub's routes have sent, those of files by default.
sent_by() {
    local routes=${*:-xorb cdn v1 v2 shard}
    stat "sum(s['body_bytes'].get(route, 0) for route in '$routes'.split())"
}

asked() {
    stat "s['requests'].get('$1', 0)"
}

# No token has left for another host, and all that was asked for was allowed.
is_polite() {
    same "$(asked leaked)" 0 "tokens on signed addresses"
    same "$(asked 'not signed')" 0 "ranges that were not signed for"
}

# wire LEN [MAX]: what the file has cost; fails if it is more than MAX.
wire() {
    local sent
    sent=$(sent_by)
    if (($1 > 0)); then
        "$python" -c "
import sys
print(f'wire/file {$sent / $1:.4f}')
sys.exit($sent / $1 > float('${2:-inf}'))" >>figures
    fi
}

compared() {
    "$reference" compare 40 >figures
}

# Without our hub between: the reference's storage has manners of its own.
directly() {
    site --direct
    need_xet
    "$moshi" download org/name "$1" >path
    is_right "$1" "$(cat path)"
    same "$(sent_by cdn)" 0 "what came by plain HTTP"
}

hf_brings() {
    local name=$1
    shift
    site "$@"
    "$hf" download org/name "$name" --quiet >path
    is_right "$name" "$(cat path)"
    same "$(sent_by cdn)" 0 "what came by plain HTTP"
    wire "$(size_of "$name")"
    is_polite
}

hf_brings_by_v1() {
    hf_brings "$1" --no-v2
    within "$(asked v1)" 1 100 "questions of version 1"
}

hf_brings_by_http() {
    site
    HF_HUB_DISABLE_XET=1 "$hf" download org/name "$1" --quiet >path
    is_right "$1" "$(cat path)"
    same "$(sent_by xorb v1 v2)" 0 "what came by Xet"
    is_polite
}

hf_brings_all() {
    site
    "$hf" download org/name --quiet >path
    local name
    for name in "${names[@]}"; do
        is_right "$name" "$(cat path)/$name"
    done
    same "$(sent_by cdn)" 0 "what came by plain HTTP"
    is_polite
}

# Whether our program knows Xet at all.
need_xet() {
    if ! "$moshi" download --help | grep -q -e --no-xet; then
        echo 'our program does not know Xet yet'
        exit $SKIP
    fi
}

# by_xet NAME [OPTION OF THE HUB]...
by_xet() {
    need_xet
    local name=$1
    shift
    site "$@"
    "$python" "$root/tests/nginx/measure.py" taken "$moshi" download org/name "$name" >path
    is_right "$name" "$(cat path)"
    same "$(sent_by cdn)" 0 "what came by plain HTTP"
    wire "$(size_of "$name")"
    is_polite
}

by_v1() {
    by_xet "$1" --no-v2
    within "$(asked v1)" 1 100 "questions of version 1"
}

# The longest file: what it takes of time and memory, too.
long_by_xet() {
    by_xet "$1"
    local seconds busy rss
    read -r seconds busy rss <taken
    echo "$seconds s, $busy s of processor, peak $((rss / 1024)) MiB" >>figures
    within "$rss" 1 $((96 << 10)) "peak memory in KiB"
}

all_by_xet() {
    need_xet
    site
    "$moshi" download org/name >path
    local name total=0
    for name in "${names[@]}"; do
        total=$((total + $(size_of "$name")))
        is_right "$name" "$(cat path)/$name"
    done
    same "$(sent_by cdn)" 0 "what came by plain HTTP"
    wire $total
    is_polite
}

by_http() {
    site
    HF_HUB_DISABLE_XET=1 "$moshi" download org/name "$1" >path
    is_right "$1" "$(cat path)"
    same "$(sent_by xorb v1 v2)" 0 "what came by Xet"
    wire "$(size_of "$1")"
    is_polite
}
