# The verbs of the project. `make help` lists them. Nothing here decides: it installs, builds, runs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
CONFIG ?= $(if $(filter deb test-deb,$(MAKECMDGOALS)),release,debug)
BIN := $(CURDIR)/.build/$(CONFIG)
CACHE ?= $(CURDIR)/.cache
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What the build links, what berth runs (nft), and what tests and demo make images from or measure against.
BUILD_PACKAGES := pkg-config libyaml-dev libseccomp-dev libcap-dev libarchive-dev libsqlite3-dev libcrypt-dev
RUN_PACKAGES := nftables
TEST_PACKAGES := busybox-static iproute2 util-linux mmdebstrap curl zstd xz-utils binutils valgrind python3-jsonschema \
  iptables docker-registry skopeo umoci buildah git nodejs apache2-utils openssl runc crun gcc libc6-dev attr
# What the virtual machine of `make test-vm` needs beside those.
VM_PACKAGES := qemu-system-x86 e2fsprogs
PROGRAMS := berth berth-agent berth-worker berth-shim berth-oci

.PHONY: deps build release deb test test-unit test-vm test-deb cycles demo demo-images bench fmt lint install clean help

deps: ## install the Debian packages that are missing (with sudo where needed)
	@command -v $(SWIFT) >/dev/null || { echo "berth is written in Swift 6.3 or later, and '$(SWIFT)' is not on PATH."; \
	  echo "Install a toolchain for your Debian release from swift.org/install (unpack it, put usr/bin on PATH), then run make again."; exit 1; }
	@missing=$$(for p in $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then echo "installing:" $$missing; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  case " $$missing " in *" docker-registry "*) [ ! -d /run/systemd/system ] || $(SUDO) systemctl disable --now docker-registry;; esac; fi

build: deps ## build everything for debugging
	$(SWIFT) build

release: deps ## build the optimised programs, Swift's libraries inside
	$(SWIFT) build -c release --static-swift-stdlib

test: deps ## run every test; needs root for the container, network and end-to-end suites
	@[ "$$(id -u)" = 0 ] || { echo "make test needs root: sudo make test"; exit 1; }
	$(SWIFT) build -c release --static-swift-stdlib --product berth
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --no-parallel

test-unit: deps ## run the suites that need no privileges
	$(SWIFT) test --filter 'BerthModelTests|BerthLoaderTests|BerthInitTests|BerthDoctorTests|BerthPlanTests|BerthControlTests|BerthLogTests|BerthCommandTests|TidyTests'

test-vm: deps ## boot Debian (systemd, pure cgroup v2) in QEMU, install the package there and run checks; needs root
	@[ "$$(id -u)" = 0 ] || { echo "make test-vm needs root: sudo make test-vm"; exit 1; }
	@dpkg-query -W $(VM_PACKAGES) >/dev/null 2>&1 || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(VM_PACKAGES) >/dev/null
	@[ $(CONFIG) = release ] || for p in $(PROGRAMS); do $(SWIFT) build --product $$p || exit 1; done
	Tests/VirtualMachine/run $(BIN) $(CACHE) "$(VM_CHECKS)"

deb: ## make the Debian package of the release programs; run `make release` first
	@[ -x $(BIN)/berth-agent ] || { echo "run 'make release' first"; exit 1; }
	mkdir -p $(CACHE) && Sources/packaging/make-deb $(BIN) $(CACHE)/berth.deb

test-deb: deb ## install and remove the package in fresh trees of Debian's releases; needs root
	Sources/packaging/test-deb $(CACHE)/berth.deb bookworm trixie

cycles: deps ## a thousand times create, start, exec, stop, down: nothing may be left, nothing may grow (needs root)
	$(SWIFT) build --build-tests
	$(SUDO) env BERTH_CYCLES=200 $(SWIFT) test --skip-build --no-parallel --filter CycleTests

demo-images: ## make the demo's images from Debian packages (kept in .cache)
	CACHE=$(CACHE) examples/demo/make-image

demo: deps ## build, bring the demo stack up, show that it works, take it down
	$(SWIFT) build --product berth && $(SWIFT) build --product berth-agent && $(SWIFT) build --product berth-worker && $(SWIFT) build --product berth-shim
	CACHE=$(CACHE) examples/demo/make-image
	$(SUDO) env CACHE=$(CACHE) BERTH=$(BIN)/berth DEMO_IMAGES=$(DEMO_IMAGES) examples/demo/run

bench: release ## measure berth on the example stacks (needs root)
	$(SUDO) env BERTH=$(CURDIR)/.build/release/berth CACHE=$(CACHE) examples/bench/run

fmt: ## rewrite the sources in the house style
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

lint: ## check the sources against the house style
	$(SWIFT) format lint --recursive --parallel Sources Tests Package.swift

install: ## install the release programs below PREFIX (default /usr/local); run `make release` first
	@[ -x .build/release/berth ] || { echo "run 'make release' first"; exit 1; }
	install -D -m 0755 .build/release/berth $(DESTDIR)$(PREFIX)/bin/berth
	for p in $(filter-out berth,$(PROGRAMS)); do install -D -m 0755 .build/release/$$p $(DESTDIR)$(PREFIX)/libexec/berth/$$p; done

clean: ## remove what was built
	rm -rf .build

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
