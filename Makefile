# What a person does with Towpath: see it, test it, measure it. `make` alone lists the targets.
#
# Works as root or with sudo: only what needs root (namespaces, packages) runs as root.

CARGO ?= cargo
SHELL := /bin/bash
# Namespaces are root's, and so are the benchmarks.
BENCH = $(if $(filter-out 0,$(shell id -u)),sudo )$${CARGO_TARGET_DIR:-target}/release/bench
# What is measured, as far as not all is.
CHOICE = $(addprefix --only ,$(ONLY)) $(addprefix --daemon ,$(DAEMONS)) $(addprefix --rounds ,$(ROUNDS))

.DEFAULT_GOAL := help
.PHONY: help setup build demo demo-vm test check fuzz bench bench-quick bench-balancer image deb test-image bench-image

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing on Debian 12
	@tests/setup.sh

build: ## build the daemon, the shell and the balancer's programs
	$(CARGO) build -p towpathd -p shell
	@bpf/build.sh

image: ## build the appliance: a disk image, as .qcow2, signed for Secure Boot, and for upgrades, in target/image
	@tests/setup.sh
	bpf/build.sh
	$(CARGO) build --release -p towpathd -p shell
	$(CARGO) build --release -p init --target x86_64-unknown-linux-musl
	images/build.sh $${CARGO_TARGET_DIR:-target}/image $${CARGO_TARGET_DIR:-target}/release
	images/uki.sh $${CARGO_TARGET_DIR:-target}/image

deb: ## build the package for an ordinary Debian host, in target/deb
	bpf/build.sh
	$(CARGO) build --release -p towpathd -p shell
	images/deb/build.sh $${CARGO_TARGET_DIR:-target}/deb $${CARGO_TARGET_DIR:-target}/release

demo: ## the walk-through on a network of namespaces; then the router's shell is yours
	@tests/setup.sh demo
	$(CARGO) build -p towpathd -p shell
	@tests/demo/run.sh

demo-vm: image ## the walk-through on the appliance in QEMU, typed at its serial console; then the console is yours
	@tests/demo/vm.sh $${CARGO_TARGET_DIR:-target}/image/towpath-*-amd64.img

test: ## install what is missing, build everything, run every test
	@tests/setup.sh
	@tests/run.sh

test-image: ## the long tests of the appliance and of the package; CUTS=40 power cuts instead of 200
	@tests/setup.sh
	$(CARGO) build -p towpathd -p shell
	$(CARGO) build -p init --target x86_64-unknown-linux-musl
	TOWPATH_CUTS=$(or $(CUTS),200) $(CARGO) nextest run --profile image -j 1 -p scenarios -E 'not test(/^figures::/)'
	images/deb/build.sh $${CARGO_TARGET_DIR:-target}/deb $${CARGO_TARGET_DIR:-target}/debug
	$(if $(filter-out 0,$(shell id -u)),sudo )images/deb/try.sh $${CARGO_TARGET_DIR:-target}/deb/*.deb bookworm
	$(if $(filter-out 0,$(shell id -u)),sudo )images/deb/try.sh $${CARGO_TARGET_DIR:-target}/deb/*.deb trixie
	$(if $(filter-out 0,$(shell id -u)),sudo )images/deb/boot.sh $${CARGO_TARGET_DIR:-target}/deb/*.deb bookworm

bench-image: image ## measure what the appliance promises, and print it
	TOWPATH_IMAGE=release $(CARGO) nextest run --profile image -j 1 -p scenarios -E 'test(/^figures::/)' --no-capture

check: ## formatting and lints
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

fuzz: ## feed every decoder octets that nobody would send; FOR=3600 seconds each instead of 60
	@tests/setup.sh
	@tests/fuzz/run.sh $(or $(FOR),60)

# ONLY="death commit" measures these chapters alone; DAEMONS="towpath bird" and ROUNDS=3 choose who takes part in the
# comparisons and how often.
bench: ## measure what the README promises, and print it
	$(CARGO) build --release -p towpathd -p shell -p bench
	@bpf/build.sh
	$(BENCH) $(CHOICE)

bench-quick: ## the same with fewer runs, a tenth of the routes, and without the slow daemons
	$(CARGO) build --release -p towpathd -p shell -p bench
	@bpf/build.sh
	$(BENCH) --quick $(CHOICE)

bench-balancer: ## what the balancer costs each packet, and what becomes of connections
	$(CARGO) build --release -p towpathd -p shell -p bench
	@bpf/build.sh
	$(BENCH) --only balancer --only connections $(CHOICE)
