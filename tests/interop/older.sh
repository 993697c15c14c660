# Older versions of hf: it downloads from the fake hub, and shares its cache with us both ways.
# Sourced by run; each function runs in a shell and a folder of its own.

# What is in a snapshot, beside what it should be.
snapshot_is_repo() {
    diff <(sums_of "$1") <(sums_of repo)
}

older_hf_downloads() {
    make_repo repo
    hub --repo org/name=repo
    snapshot_is_repo "$("$hf" download org/name --quiet)"
    same "$(stat 's["tokens_on_cdn"]')" 0 "tokens at the CDN"
}

older_hf_finds_ours() {
    make_repo repo
    hub --repo org/name=repo
    "$moshi" download org/name
    local after
    after=$(sent)
    snapshot_is_repo "$("$hf" download org/name --quiet)"
    same "$(sent)" "$after" "what was sent after us"
}

we_find_what_older_hf_brought() {
    make_repo repo
    hub --repo org/name=repo
    "$hf" download org/name --quiet
    local after
    after=$(sent)
    "$moshi" download org/name
    same "$(sent)" "$after" "what was sent after hf"
}

older_hf_brings_chunks() {
    xet_hub --repo "org/name=bf16:$size"
    local path
    path=$("$hf" download org/name $weights --quiet)
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    within "$(sent_chunks)" 1 $((size + size / 50)) "bytes of chunks"
    same "$(sent_large)" 0 "what came as it is"
    same "$("$moshi" download org/name $weights)" "$path" "the path that we print"
}
