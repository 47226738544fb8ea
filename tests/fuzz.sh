#!/usr/bin/env bash
# Fuzzes the readers of users' files and texts. See docs/fuzzing.md.
#   tests/fuzz.sh [-s SECONDS] [-j JOBS] [-a] [TARGET ...]
# SECONDS for each target (default 600), JOBS targets at a time (default 1), all targets when none is named. -a: with afl-fuzz instead of our own loop.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=600 jobs=1 engine=own
while getopts s:j:ah option; do
    case $option in
        s) seconds=$OPTARG ;;
        j) jobs=$OPTARG ;;
        a) engine=afl ;;
        *) sed -n '2,4p' "$0" | cut -c3-; exit 1 ;;
    esac
done
shift $((OPTIND - 1))

if [ $engine = afl ] && ! command -v afl-fuzz > /dev/null; then
    echo "afl-fuzz is missing: install AFL++ (Debian and Ubuntu: apt-get install afl++), or leave -a out." >&2
    exit 1
fi

export out=$PWD/out/fuzz seconds
export program=$out/bin/DiffSynthSharp.Fuzz.dll
dotnet build tests/DiffSynthSharp.Fuzz -c Release -v quiet -clp:ErrorsOnly
dotnet tests/DiffSynthSharp.Fuzz/bin/Release/net10.0/DiffSynthSharp.Fuzz.dll instrument "$out/bin"
if [ $# -eq 0 ]; then
    mapfile -t targets < <(dotnet "$program" list)
    set -- "${targets[@]}"
fi

# A process that dies (stack overflow, native crash, endless input) leaves its input behind; the next one keeps it and goes on.
own() {
    local until=$((SECONDS + seconds)) code
    while [ $SECONDS -lt $until ]; do
        code=0
        dotnet "$program" run "$1" --seconds $((until - SECONDS)) --seed $RANDOM --findings "$out/findings" || code=$?
        if [ $code -eq 0 ] || [ $code -eq 2 ]; then return 0; fi
        if [ $code -eq 1 ] || [ $code -eq 130 ]; then return 1; fi
    done
}

afl() {
    local seeds=$out/afl-seeds work=$out/afl/$1
    rm -rf "${seeds:?}/$1"
    dotnet "$program" distill "$1" "$seeds" --findings "$out/findings"
    mkdir -p "$work"
    AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1 DOTNET_TieredPGO=0 \
        afl-fuzz -i "$seeds/$1/corpus" -o "$work" -V "$seconds" -t 10000 -m none -- dotnet "$program" afl "$1" > "$work/log.txt" \
        || { tail -n 20 "$work/log.txt"; return 1; }
    grep -E 'run_time|execs_done|execs_per_sec|corpus_count|edges_found|saved_crashes|saved_hangs' "$work/default/fuzzer_stats"
    # Our own loop goes on from what was found.
    mkdir -p "$out/findings/$1/corpus"
    cp "$work"/default/queue/id* "$out/findings/$1/corpus/"
    find "$work/default/crashes" "$work/default/hangs" -name 'id*' -print0 | xargs -0 --no-run-if-empty dotnet "$program" replay "$1" || true
}
export -f own afl

printf '%s\n' "$@" | xargs -I{} -P "$jobs" bash -c "$engine {}"
echo
[ ! -f "$out/findings/runs.tsv" ] || cat "$out/findings/runs.tsv"
if crashes=$(find "$out/findings" -path '*/crashes/*.txt' | grep .); then
    echo "Inputs that make a reader fail (each lies beside its text):"
    echo "$crashes"
    exit 2
fi
