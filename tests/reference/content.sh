# What there is to bring: made from seeds, uploaded by hf_xet, offered by a hub.
# Sourced by run.

# Builds the reference, unless REFERENCE names it. Not with --locked: it has a lock file of its own,
# in which what our engine depends on may have changed.
build_reference() {
    if [[ -z ${REFERENCE:-} ]]; then
        cargo build --quiet --release --manifest-path "$root/tests/reference/Cargo.toml" \
            --target-dir "$target/reference"
    fi
    reference=${REFERENCE:-$target/reference/release/reference}
}

# Starts the storage server. It ends when our side of its stdin does.
start_storage() {
    mkfifo "$here/storage.in"
    "$reference" serve "$here/storage" <"$here/storage.in" >"$here/storage.out" \
        2>"$here/storage.err" &
    local pid=$!
    exec {storage_ends}>"$here/storage.in"
    until [[ -s $here/storage.out ]]; do
        kill -0 "$pid" || { cat "$here/storage.err" >&2; return 1; }
        sleep 0.05
    done
    storage=$(head -n 1 "$here/storage.out")
}

# file NAME KIND BYTES SEED
file() {
    "$reference" content "$2" "$3" "$4" "$here/files/$1"
    names+=("$1")
}

# Every kind and every size; a fine-tune shares most of what it is with the file that it was made
# from. The order is that of uploads.
make_content() {
    mkdir "$here/files"
    names=()
    file bf16-0 bf16 0 1
    file bf16-1 bf16 1 1
    file bf16-10 bf16 10 1
    file text-64k text $((64 << 10)) 2
    file prose-1m prose 1000000 3
    file zeros-1m zeros 1000000 3
    file bf16-8m bf16 $((8 << 20)) 4
    file f32-8m f32 $((8 << 20)) 5
    file random-8m random $((8 << 20)) 6
    file prose-8m prose $((8 << 20)) 7
    file bf16-70m bf16 $((70 << 20)) 8
    file tuned-70m tuned $((70 << 20)) 8
    file random-70m random $((70 << 20)) 9
    long=bf16-${big_mib}m
    file "$long" bf16 $((big_mib << 20)) 10
}

upload_content() {
    HF_HOME=$here/upload "$python" "$root/tests/reference/upload.py" "$storage" "$here/files" \
        "${names[@]}" >"$here/manifest"
    rm -rf "$here/upload"
}

# Starts a hub and an empty cache. All arguments are those of the hub.
site() {
    start hub "$python" "$root/tests/reference/hub.py" "$storage" "$here/manifest" \
        "$here/files" "$@"
    until [[ -s hub.out ]]; do
        kill -0 "$pid" || { cat hub.err >&2; return 1; }
        sleep 0.05
    done
    HF_ENDPOINT=$(head -n 1 hub.out)
    export HF_ENDPOINT HF_HOME=$PWD/home
}
