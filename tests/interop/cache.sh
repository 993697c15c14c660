# One cache, two tools: what the one has brought, the other finds, believes and repairs.
# Sourced by run; each function runs in a shell and a folder of its own.

size=$((24 << 20))
weights=model.safetensors

# A repository of many files, as a folder.
make_repo() {
    mkdir -p "$1/sub/deeper"
    head -c 3000000 /dev/urandom >"$1/sub/deeper/weights-00001-of-00002.safetensors"
    head -c 2000000 /dev/urandom >"$1/sub/deeper/weights-00002-of-00002.safetensors"
    head -c 70000 /dev/urandom >"$1/sub/tokenizer.json"
    echo '{"a": 1}' >"$1/config.json"
    : >"$1/empty.txt"
    echo 'a name with spaces, and more' >"$1/sub/ä name %41+b.txt"
    printf '*.safetensors filter=lfs\n' >"$1/.gitattributes"
}

sums_of() {
    (cd "$1" && find -L . -path ./.cache -prune -o -type f -print | sed 's|^\./||' | LC_ALL=C sort \
        | while IFS= read -r name; do echo "$(sha256 "$name") $name"; done)
}

found() {
    HF_HUB_OFFLINE=1 "$python" "$root/tests/interop/found.py" "$@"
}

hf_downloads() {
    hub --repo org/name=synthetic:$size
    "$hf" download org/name
    "$hf" cache verify org/name
    same "$(sent_large)" "$size" "what was sent"
    same "$(stat 's["tokens_on_cdn"]')" 0 "tokens at the CDN"
}

# After ours: everything of hf finds the whole of a repository, and asks for no byte of it.
whole_repository() {
    local kind=$1 name=$2
    make_repo repo
    hub --repo "$name=repo"
    local repo=${name#datasets/}
    repo=${repo#spaces/}
    "$moshi" download "$repo" --repo-type "$kind"
    local after
    after=$(sent)
    diff <(found "$repo" "$kind" | LC_ALL=C sort -k 2) <(sums_of repo | LC_ALL=C sort -k 2)
    "$hf" cache verify "$repo" --repo-type "$kind" --fail-on-missing-files --fail-on-extra-files
    "$hf" cache ls --show-warnings --format json | tee ls.json
    grep -q "$repo" ls.json
    "$hf" download "$repo" --repo-type "$kind"
    same "$(sent)" "$after" "what was sent after hf"
    "$moshi" download "$repo" --repo-type "$kind"
    same "$(sent)" "$after" "what was sent after us"
    HF_HUB_OFFLINE=1 "$hf" download "$repo" --repo-type "$kind"
    HF_HUB_OFFLINE=1 "$hf" download "$repo" --repo-type "$kind" config.json
}

one_file() {
    hub --repo org/name=synthetic:$size
    local path
    path=$("$moshi" download org/name $weights)
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    found org/name model main $weights
    "$hf" cache verify org/name
    same "$("$hf" download org/name $weights --quiet)" "$path" "the path that hf prints"
    same "$(sent_large)" "$size" "what was sent"
}

a_tag() {
    hub --repo org/name=synthetic:$size --tag v1.0
    local path
    path=$("$moshi" download org/name $weights --revision v1.0)
    found org/name model v1.0 $weights
    "$hf" cache verify org/name --revision v1.0
    same "$("$hf" download org/name $weights --quiet --revision v1.0)" "$path" "hf's path"
    same "$(sent_large)" "$size" "what was sent"
}

a_commit() {
    hub --repo org/name=synthetic:$size
    local commit path
    commit=$(curl -sS "$HF_ENDPOINT/api/models/org/name/revision/main" \
        | "$python" -c 'import json, sys; print(json.load(sys.stdin)["sha"])')
    path=$("$moshi" download org/name $weights --revision "$commit")
    [[ $path == */snapshots/$commit/$weights ]]
    found org/name model "$commit" $weights
    same "$("$hf" download org/name $weights --quiet --revision "$commit")" "$path" "hf's path"
    same "$(sent_large)" "$size" "what was sent"
}

# A branch moves: the files that stay the same are not fetched again, by either.
a_new_commit() {
    hub --repo org/name=synthetic:$size --fault 'commit-change route=api from=2 times=1'
    "$moshi" download org/name
    "$hf" download org/name
    "$moshi" download org/name
    "$hf" download org/name
    "$hf" cache verify org/name
    within "$(sent_large)" "$size" $((2 * size)) "what was sent"
}

folder_ours_then_theirs() {
    make_repo repo
    hub --repo org/name=repo
    "$moshi" download org/name --local-dir local
    [[ ! -e $HF_HOME/hub ]]
    diff <(sums_of local) <(sums_of repo)
    "$hf" cache verify org/name --local-dir local --fail-on-missing-files
    local after
    after=$(sent)
    "$hf" download org/name --local-dir local
    "$moshi" download org/name --local-dir local
    same "$(sent)" "$after" "what was sent by and by"
}

folder_theirs_then_ours() {
    make_repo repo
    hub --repo org/name=repo
    "$hf" download org/name --local-dir local
    local after
    after=$(sent)
    "$moshi" download org/name --local-dir local
    "$hf" download org/name --local-dir local
    same "$(sent)" "$after" "what was sent by and by"
    diff <(sums_of local) <(sums_of repo)
}

# After hf: we find it, read all of it once, and ask for no byte of it.
theirs_then_ours() {
    local kind=$1 name=$2
    make_repo repo
    hub --repo "$name=repo"
    local repo=${name#*s/org/}
    repo=org/${repo#org/}
    "$hf" download "$repo" --repo-type "$kind"
    local after
    after=$(sent)
    "$moshi" download "$repo" --repo-type "$kind" --json >first.json
    grep -q '"verifying"' first.json
    "$moshi" download "$repo" --repo-type "$kind" --json >second.json
    exits 1 grep -q '"verifying"' second.json
    same "$(sent)" "$after" "what was sent by and by"
    "$hf" cache verify "$repo" --repo-type "$kind" --fail-on-missing-files --fail-on-extra-files
}

theirs_then_ours_one_file() {
    hub --repo org/name=synthetic:$size
    local path
    path=$("$hf" download org/name $weights --quiet)
    same "$("$moshi" download org/name $weights)" "$path" "the path that we print"
    same "$(sent_large)" "$size" "what was sent"
}

# hf dies midway; what it leaves disturbs nothing, and stays hf's.
hf_was_killed() {
    hub --repo org/name=synthetic:$size --rate 8MB/s
    start hf "$hf" download org/name $weights
    wait_sent $((size / 2))
    kill -KILL "$pid"
    wait "$pid" || true
    local blobs=$HF_HOME/hub/models--org--name/blobs
    same "$(find "$blobs" -name '*.incomplete' | wc -l)" 1 "the count of orphans"
    sha256 "$blobs"/*.incomplete >before
    "$moshi" download org/name $weights
    sha256 "$blobs"/*.incomplete >after
    diff before after
    "$hf" cache verify org/name
    found org/name model main $weights
    local wire
    wire=$(sent_large)
    echo "wire/file $("$python" -c "print(f'{$wire / $size:.2f}')")" >figures
    within "$wire" "$size" $((size * 16 / 10)) "what was sent"
    "$hf" cache prune --yes
    "$hf" cache verify org/name
}

# We die midway; hf is not disturbed, its pruning spares our bytes, and we continue.
we_were_killed() {
    hub --repo org/name=synthetic:$size --rate 8MB/s
    start moshi "$moshi" download org/name $weights
    wait_sent $((size / 2))
    kill -KILL "$pid"
    wait "$pid" || true
    "$hf" cache ls --show-warnings
    "$hf" cache prune --yes
    "$moshi" download org/name $weights
    local wire
    wire=$(sent_large)
    echo "wire/file $("$python" -c "print(f'{$wire / $size:.3f}')")" >figures
    # Of a small file, the 256 KiB that each open request may lose are many per cent.
    within "$wire" "$size" $((size + (4 << 20))) "what was sent"
    "$hf" cache verify org/name
}

# We die midway and hf brings the file: we find it, and clear our own away.
we_were_killed_and_hf_did_it() {
    hub --repo org/name=synthetic:$size --rate 8MB/s
    start moshi "$moshi" download org/name $weights
    wait_sent $((size / 2))
    kill -KILL "$pid"
    wait "$pid" || true
    "$hf" download org/name $weights
    local after
    after=$(sent_large)
    "$moshi" download org/name $weights
    same "$(sent_large)" "$after" "what was sent by and by"
    "$hf" cache verify org/name
    ls -la "$HF_HOME/hub/models--org--name/blobs"
}

# A bit of a finished file has flipped on the disk: it is found, and fetched again alone.
flipped_bit() {
    hub --repo org/name=synthetic:$size
    "$1" download org/name $weights
    local path before
    path=$(find "$HF_HOME/hub" -path '*/snapshots/*' -name $weights)
    before=$(sent_large)
    flip "$path" 11111111
    exits 1 "$hf" cache verify org/name
    "$hf" download org/name $weights
    same "$(sent_large)" "$before" "what hf made to be sent"
    "$moshi" download org/name $weights
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    "$hf" cache verify org/name
    local cost=$(($(sent_large) - before))
    echo "repair/file $("$python" -c "print(f'{$cost / $size:.3f}')")" >figures
    within "$cost" 1 "$2" "what the repair cost"
}

# A bit flips on its way to hf, which does not notice; we do.
flipped_on_the_way() {
    hub --repo org/name=synthetic:$size --fault 'flip at=11MB route=cdn times=1'
    "$hf" download org/name $weights
    exits 1 "$hf" cache verify org/name
    local path before
    path=$("$moshi" download org/name $weights)
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    "$hf" cache verify org/name
    before=$(sent_large)
    "$moshi" download org/name $weights
    same "$(sent_large)" "$before" "what was sent by and by"
    echo "repair/file $("$python" -c "print(f'{$before / $size - 1:.3f}')")" >figures
}

# A record of hf vouches for a file in a folder that is damaged: hf believes it, we do not.
flipped_bit_in_a_folder() {
    hub --repo org/name=synthetic:$size
    "$hf" download org/name $weights --local-dir local
    touch -r local/$weights stamp
    flip local/$weights 11111111
    touch -r stamp local/$weights
    "$hf" download org/name $weights --local-dir local
    same "$(sent_large)" "$size" "what hf made to be sent"
    "$moshi" download org/name $weights --local-dir local
    same "$(sha256 local/$weights)" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    "$hf" cache verify org/name --local-dir local
    local after
    after=$(sent_large)
    echo "repair/file $("$python" -c "print(f'{$after / $size - 1:.3f}')")" >figures
    "$hf" download org/name $weights --local-dir local
    same "$(sent_large)" "$after" "what hf made to be sent later"
}

# With Xet, hf keeps blobs in a store that all repositories share, with links to them.
shared_store() {
    hub --repo org/name=synthetic:$size --repo org/copy=synthetic:$size
    "$hf" download org/name $weights
    HF_HUB_DISABLE_XET=0 "$python" - "$HF_HOME/hub" <<'PYTHON'
import pathlib, sys
try:
    from huggingface_hub.utils._shared_blobs import publish_blob_to_shared_store
except ImportError:
    sys.exit(77)
[blob] = [blob for blob in pathlib.Path(sys.argv[1]).glob("models--*/blobs/*")]
size = blob.stat().st_size
assert publish_blob_to_shared_store(
    blob_path=str(blob), xet_hash="ab" * 32, cache_dir=sys.argv[1], expected_size=size,
    replace_existing=False)
assert blob.is_symlink()
PYTHON
    local stored=$HF_HOME/hub/blobs/ab/$("$python" -c 'print("ab" * 32)')
    "$moshi" download org/name $weights
    same "$(sent_large)" "$size" "what was sent"
    flip "$stored" 11111111
    local damaged path
    damaged=$(sha256 "$stored")
    path=$("$moshi" download org/name $weights)
    same "$(sha256 "$path")" "$(etag_of org/name/resolve/main/$weights)" "the digest"
    same "$(sha256 "$stored")" "$damaged" "what others share, and only they may write,"
    "$hf" cache verify org/name
    "$hf" cache ls --show-warnings
}

flipped_bit_of_hf() {
    # Nothing was recorded of it: any range may be the guilty one.
    flipped_bit "$hf" $((size * 11 / 10))
}

flipped_bit_of_ours() {
    # Recorded range by range: only the guilty one is fetched.
    flipped_bit "$moshi" $((9 << 20))
}
