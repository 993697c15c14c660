# What links, kills and liars do to content of Xet, and what it may cost.
# Sourced by run; each function runs in a shell and a folder of its own.

# Weights, as in most of what is downloaded; one xorb and a bit.
weights=bf16-70m

# resets MAX EVERY: each connection dies after so many bytes.
resets() {
    need_xet
    site --reset-every "$2"
    "$moshi" download org/name $weights >path
    is_right $weights "$(cat path)"
    echo "$(asked reset) resets" >>figures
    within "$(asked reset)" $((60000000 / $2 / 2)) 100000 "resets"
    wire "$(size_of $weights)" "$1"
    is_polite
}

killed() {
    need_xet
    site --rate 20e6
    start moshi "$moshi" download org/name $weights
    until (($(sent_by) >= $(size_of $weights) / 2)); do
        kill -0 "$pid"
        sleep 0.05
    done
    kill -KILL "$pid"
    wait "$pid" || true
    "$moshi" download org/name $weights >path
    is_right $weights "$(cat path)"
    wire "$(size_of $weights)" 0.88
    is_polite
}

# What expires is got again, and nothing else is.
short_leases() {
    need_xet
    site --rate 4e6 --lifetime 5
    "$moshi" download org/name $weights >path
    is_right $weights "$(cat path)"
    within "$(asked token)" 2 60 "tokens"
    echo "$(asked token) tokens, $(asked expired) answers of an expired address" >>figures
    wire "$(size_of $weights)" 0.88
    is_polite
}

# Tokens that die before they said: that is found out by a refusal.
dead_tokens() {
    need_xet
    site --rate 8e6 --tokens 2
    "$moshi" download org/name $weights >path
    is_right $weights "$(cat path)"
    within "$(asked refused)" 1 60 "refusals"
    echo "$(asked token) tokens, $(asked refused) refusals" >>figures
    same "$(sent_by cdn)" 0 "what came by plain HTTP"
    wire "$(size_of $weights)" 0.88
    is_polite
}

# The storage is gone for good, and what it has sent is kept.
dead_storage() {
    need_xet
    site --dies-at 30000000
    "$moshi" download org/name $weights >path
    is_right $weights "$(cat path)"
    echo "$(sent_by xorb) bytes of xorbs, $(sent_by cdn) by plain HTTP" >>figures
    within "$(sent_by cdn)" 1 $(($(size_of $weights) - 30000000)) "what came by plain HTTP"
    wire "$(size_of $weights)" 1
    is_polite
}

# flips BYTES [OPTION OF THE HUB]...: a bit of each 4 MB is wrong, also of what is fetched again.
# Nothing of that reaches the file, and each costs no more than so much.
flips() {
    need_xet
    local most=$1 less
    shift
    measure_packed
    less=$(cat "$here/packed_len")
    site --flip-every 4000000 "$@"
    "$moshi" download org/name $weights >path
    is_right $weights "$(cat path)"
    within "$(asked flip)" 8 1000 "flipped bits"
    echo "$(asked flip) flips" >>figures
    wire "$(size_of $weights)"
    within "$(sent_by)" "$less" $((less + $(asked flip) * most)) "what was sent"
    is_polite
}

# one_flip BYTES [OPTION OF THE HUB]...: one bit is wrong once, and costs no more than so much.
one_flip() {
    need_xet
    local most=$1 less
    shift
    measure_packed
    less=$(cat "$here/packed_len")
    site --flip-at 20000000 "$@"
    "$moshi" download org/name $weights >path
    is_right $weights "$(cat path)"
    same "$(asked flip)" 1 "flipped bits"
    echo "$(($(sent_by) - less)) bytes more" >>figures
    within "$(sent_by)" "$less" $((less + most)) "what was sent"
    is_polite
}

# What the weights cost without faults, in bytes.
measure_packed() {
    if [[ ! -s $here/packed_len ]]; then
        site
        "$moshi" download org/name $weights >path
        sent_by >"$here/packed_len"
        end_all
        rm -rf "$HF_HOME" hub.out
    fi
}
