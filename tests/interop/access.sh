# Tokens, gates and what is not there: as hf sees it, with exit codes that say which.
# Sourced by run; each function runs in a shell and a folder of its own.

guarded() {
    hub --repo org/gated=synthetic:$size --gated org/gated \
        --repo org/secret=synthetic:$size --private org/secret \
        --repo org/open=synthetic:$size --token hf_member --outsider hf_outsider
}

nobody_leaked() {
    same "$(stat 's["tokens_on_cdn"]')" 0 "tokens at the CDN"
}

# Both tools refuse, and only we say with the exit code that it is for lack of access.
refused() {
    local code=$1
    shift
    exits 1 "$hf" download "$@" $weights
    exits "$code" "$moshi" download "$@" $weights
    same "$(sent_large)" 0 "what was sent"
    nobody_leaked
}

gated_without_token() {
    guarded
    refused 4 org/gated
}

gated_for_an_outsider() {
    guarded
    export HF_TOKEN=hf_outsider
    refused 4 org/gated
}

private_without_token() {
    guarded
    refused 5 org/secret
}

private_for_an_outsider() {
    guarded
    export HF_TOKEN=hf_outsider
    refused 5 org/secret
}

a_bad_token() {
    guarded
    export HF_TOKEN=hf_expired
    refused 4 org/open
}

nothing_there() {
    guarded
    refused 5 org/none
    refused 5 org/open --revision none
    exits 1 "$hf" download org/open none.bin
    exits 5 "$moshi" download org/open none.bin
}

member() {
    guarded
    local repo
    for repo in org/gated org/secret; do
        "$@" "$moshi" download $repo $weights
        "$@" "$hf" cache verify $repo
        "$@" "$hf" download $repo $weights
    done
    same "$(sent_large)" $((2 * size)) "what was sent"
    nobody_leaked
}

member_by_variable() {
    member env HF_TOKEN=hf_member
}

member_by_file() {
    guarded
    mkdir -p "$HF_HOME"
    HF_TOKEN=hf_member "$hf" auth login --token hf_member || true
    same "$(cat "$HF_HOME/token")" hf_member "the token that hf has saved"
    "$moshi" download org/gated $weights
    same "$(sent_large)" "$size" "what was sent"
    nobody_leaked
    echo hf_member >elsewhere
    rm "$HF_HOME/token"
    HF_TOKEN_PATH=$PWD/elsewhere "$moshi" download org/secret $weights
    nobody_leaked
}

member_by_option() {
    guarded
    "$moshi" download org/secret --token hf_member
    same "$(sent_large)" "$size" "what was sent"
    "$hf" cache verify org/secret --token hf_member
    nobody_leaked
}

token_not_wanted() {
    guarded
    export HF_TOKEN=hf_member HF_HUB_DISABLE_IMPLICIT_TOKEN=1
    exits 4 "$moshi" download org/gated $weights
    nobody_leaked
}

token_after_a_reset() {
    hub --repo org/gated=synthetic:$size --gated org/gated --token hf_member \
        --url-lifetime 500ms --rate 8MB/s --fault 'rst every=3MB route=cdn'
    export HF_TOKEN=hf_member
    "$moshi" download org/gated $weights
    "$hf" cache verify org/gated
    nobody_leaked
}

# Without the network: what is there is found, what is not is named.
offline() {
    hub --repo org/name=synthetic:$size
    local path
    path=$("$moshi" download org/name $weights)
    end_hub
    same "$(HF_HUB_OFFLINE=1 "$hf" download org/name $weights --quiet)" "$path" "hf's path"
    same "$(HF_HUB_OFFLINE=1 "$moshi" download org/name $weights)" "$path" "our path"
    exits 1 env HF_HUB_OFFLINE=1 "$hf" download org/name config.json
    exits 5 env HF_HUB_OFFLINE=1 "$moshi" download org/name config.json
}
