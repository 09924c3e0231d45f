#!/bin/bash
# Builds the balancer's programs: $CARGO_TARGET_DIR/bpf/towpath-balancer.o, for the kernel's virtual machine.
#
# Does nothing when nothing has changed. rust-src and bpf-linker are installed by tests/setup.sh. A compiler that has a core
# library for this target needs no rust-src: Debian's, with rustc-web and libstd-rust-web-dev-bpf.
set -euo pipefail
cd "$(dirname "$0")/programs"

root=$(cd ../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
[[ $target = /* ]] || target=$root/$target
object=$target/bpf/towpath-balancer.o
fail() { printf 'bpf/build.sh: %s\n' "$*" >&2; exit 1; }

command -v bpf-linker >/dev/null || fail "bpf-linker is missing: run tests/setup.sh"

# The core library is built from source for this target. Stable Rust does that only when it is told to. Without its source the
# target's own is taken, of this compiler or of Debian's.
export RUSTC_BOOTSTRAP=1
core=(-Z build-std=core)
lib() { printf '%s/lib/rustlib' "$("$1" --print sysroot 2>/dev/null)"; }
if [ ! -d "$(lib "${RUSTC:-rustc}")/src/rust/library/core" ]; then
    for compiler in "${RUSTC:-rustc}" /usr/bin/rustc; do
        [ -d "$(lib "$compiler")/bpfel-unknown-none/lib" ] || continue
        export RUSTC=$compiler
        core=()
        break
    done
    [ ${#core[@]} = 0 ] || fail "no core library for the kernel's virtual machine: rustup component add rust-src, or \
apt-get install rustc-web cargo-web libstd-rust-web-dev-bpf"
fi
export CARGO_TARGET_BPFEL_UNKNOWN_NONE_RUSTFLAGS="--cfg=bpf_target_arch=\"$(uname -m)\" -Cdebuginfo=2 -Ctarget-cpu=v3 \
-Clink-arg=--btf -Clink-arg=--cpu-features=+allows-misaligned-mem-access"
unset RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
cargo build --quiet --release --locked --target bpfel-unknown-none "${core[@]}" \
    --target-dir "$target/bpf/build"

built=$target/bpf/build/bpfel-unknown-none/release/towpath-balancer
# Whoever has the former file open goes on with it.
cmp -s "$built" "$object" || { cp "$built" "$object.new"; mv "$object.new" "$object"; }
