#!/bin/bash
# Builds everything and runs every test; all steps run, and the summary is printed last.
#
# As another user than root, only the tests themselves run through sudo.
set -uo pipefail
cd "$(dirname "$0")/.."

results=() failed=0
step() {
    local name=$1 started=$SECONDS status=0
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    "$@" || status=$?
    local word=passed
    [ $status = 0 ] || { word=FAILED; failed=1; }
    results+=("$(printf '%-8s %-12s %4d s' "$word" "$name" $((SECONDS - started)))")
}

if [ "$(id -u)" != 0 ]; then
    triple=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    export "CARGO_TARGET_${triple}_RUNNER=sudo -E"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
nextest() { cargo nextest run --workspace --no-fail-fast --color "${COLOR:-auto}" 2>&1 | tee "$log"; }

step build cargo build --workspace --all-targets
step programs bpf/build.sh
step init cargo build -p init --target x86_64-unknown-linux-musl
step formatting cargo fmt --all -- --check
step lints cargo clippy --workspace --all-targets -- -D warnings
step examples cargo test --workspace --doc --quiet
step tests nextest
step fuzzing tests/fuzz/run.sh 3

printf '\n== summary\n'
sed -n '/Summary/,$p' "$log"
printf '%s\n' "${results[@]}"
exit $failed
