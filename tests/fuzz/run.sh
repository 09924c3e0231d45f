#!/bin/bash
# Fuzzes every decoder for some seconds each: tests/fuzz/run.sh SECONDS [TARGET...]
#
# Works with the stable compiler: the instrumentation is that of LLVM, and the code is safe Rust, which needs no sanitizer.
# What earlier runs found stays in target/fuzz/corpus; what fails is kept in target/fuzz/artifacts and can be given to the
# target's program again.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ ${#targets[@]} != 0 ] || mapfile -t targets < <(cd fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')

work=$(realpath -m "${CARGO_TARGET_DIR:-../../target}/fuzz")
export CARGO_TARGET_DIR=$work
# Counters at every edge and comparison, as libFuzzer wants them.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks"
triple=$(rustc -vV | sed -n 's/^host: //p')
# A target is named so that build scripts and macros, which run here, are not instrumented.
"${CARGO:-cargo}" build --quiet --release --locked --target "$triple" --bins

python3 seeds.py "$work/corpus"
failed=()
for target in "${targets[@]}"; do
    mkdir -p "$work/corpus/$target" "$work/artifacts/$target"
    log=$work/$target.log
    if ! "$work/$triple/release/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=8192 \
        -artifact_prefix="$work/artifacts/$target/" "$work/corpus/$target" >"$log" 2>&1; then
        failed+=("$target")
        tail -n 40 "$log"
    fi
    printf '%-14s %s\n' "$target" "$(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p;' "$log")"
done
[ ${#failed[@]} = 0 ] || { printf 'fuzz: failed: %s\n' "${failed[*]}" >&2; exit 1; }
