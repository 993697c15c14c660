# Both tools want one file at once: whoever comes second waits, and then fetches nothing.
# Sourced by run; each function runs in a shell and a folder of its own.

hf_is_first() {
    hub --repo org/name=synthetic:$size --rate 8MB/s
    start hf "$hf" download org/name $weights "$@"
    local first=$pid
    wait_sent $((size / 4))
    start moshi "$moshi" download org/name $weights --json "$@"
    local second=$pid
    wait_line '"event":"busy"' moshi.out
    exits 1 grep -q '"event":"begun"' moshi.out
    wait "$first"
    wait "$second"
    same "$(sent_large)" "$size" "what was sent"
    "$hf" cache verify org/name "$@"
}

we_are_first() {
    hub --repo org/name=synthetic:$size --rate 8MB/s
    start moshi "$moshi" download org/name $weights "$@"
    local first=$pid
    wait_sent $((size / 4))
    start hf "$hf" download org/name $weights "$@"
    local second=$pid
    wait "$first"
    wait "$second"
    same "$(sent_large)" "$size" "what was sent"
    "$hf" cache verify org/name "$@"
}

# hf is killed while we wait for it.
hf_dies_while_we_wait() {
    hub --repo org/name=synthetic:$size --rate 8MB/s
    start hf "$hf" download org/name $weights
    local first=$pid
    wait_sent $((size / 4))
    start moshi "$moshi" download org/name $weights --json
    local second=$pid
    wait_line '"event":"busy"' moshi.out
    kill -KILL "$first"
    wait "$first" || true
    wait "$second"
    "$hf" cache verify org/name
}

# We are killed while hf waits for us.
we_die_while_hf_waits() {
    hub --repo org/name=synthetic:$size --rate 8MB/s
    start moshi "$moshi" download org/name $weights
    local first=$pid
    wait_sent $((size / 4))
    start hf "$hf" download org/name $weights
    local second=$pid
    wait_resolved 2
    kill -KILL "$first"
    wait "$first" || true
    wait "$second"
    "$hf" cache verify org/name
    "$moshi" download org/name $weights
}

# Waits until the hub was asked where the file is, so many times.
wait_resolved() {
    local tries
    for tries in $(seq 200); do
        (($(stat 's["requests_by_route"].get("resolve", 0)') >= $1)) && return
        sleep 0.05
    done
    return 1
}
