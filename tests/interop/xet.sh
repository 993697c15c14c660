# Files in chunks: what hf brings from our Xet storage is right, and each finds what the other has
# brought. Sourced by run; each function runs in a shell and a folder of its own.

# Body bytes of chunks that the hub has sent, and of large files as they are.
sent_chunks() {
    stat 's["body_bytes"].get("xorb", 0)'
}

# A hub whose files are in Xet; the arguments are more of the hub's.
xet_hub() {
    unset HF_HUB_DISABLE_XET
    hub --xet "$@"
}

hf_brings_chunks() {
    xet_hub --repo "org/name=$1:$size" "${@:2}"
    local path
    path=$("$hf" download org/name $weights --quiet)
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    within "$(sent_chunks)" 1 $((size + size / 50)) "bytes of chunks"
    same "$(sent_large)" 0 "what came as it is"
    same "$(stat 's["tokens_on_cdn"]')" 0 "tokens at other hosts"
}

hf_finds_chunks_of_ours() {
    xet_hub --repo org/name=bf16:$size
    local path after
    path=$("$moshi" download org/name $weights)
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    within "$(sent_chunks)" 1 $((size * 87 / 100)) "bytes of chunks"
    same "$(sent_large)" 0 "what came as it is"
    same "$(stat 's["tokens_on_cdn"]')" 0 "tokens at other hosts"
    after=$(sent_chunks)
    "$hf" cache verify org/name
    same "$("$hf" download org/name $weights --quiet)" "$path" "the path that hf prints"
    same "$(sent_chunks)" "$after" "what was sent after hf"
}

we_find_chunks_of_hf() {
    xet_hub --repo org/name=bf16:$size
    local path after
    path=$("$hf" download org/name $weights --quiet)
    after=$(sent_chunks)
    same "$("$moshi" download org/name $weights)" "$path" "the path that we print"
    same "$(sent_chunks)" "$after" "what was sent after us"
}

# One bit on its way: hf takes it for the file, we do not.
flipped_chunk() {
    xet_hub --repo org/name=bf16:$size --fault 'flip at=9000000 times=1 route=xorb'
    local path
    path=$("$moshi" download org/name $weights)
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    within "$(sent_chunks)" 1 $((size * 87 / 100 + (1 << 20))) "bytes of chunks"
    "$hf" cache verify org/name
}
