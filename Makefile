# lstmd: an inference server for LSTMs. `make help` lists the targets.
#
# Everything is built under build/ (release) or build/<flavour>/ (asan, tsan, fuzz, cover), so that
# flavours never need a `clean` in between. CC, AR, PKG_CONFIG, CFLAGS, LDFLAGS, PREFIX and DESTDIR
# are yours; V=1 shows whole command lines, WERROR=1 makes warnings errors.

FLAVOUR  ?= release
PREFIX   ?= /usr/local
DESTDIR  ?=
PORT     ?= 8501
CFLAGS   ?= $(or $(optimize_$(FLAVOUR)),-O2) -g
PKG_CONFIG ?= pkg-config
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# What a target has built: on all cores, unless `make -j` says on how many.
sub = --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- What is compiled, and how ----------------------------------------------------------------

build_release := build
build_asan    := build/asan
build_tsan    := build/tsan
build_fuzz    := build/fuzz
build_cover   := build/cover
build_afl     := build/afl
build_reach   := build/reach
B := $(build_$(FLAVOUR))
ifeq ($(B),)
$(error FLAVOUR must be release, asan, tsan, fuzz, afl, reach or cover, not '$(FLAVOUR)')
endif

flags_release = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE $(hardening)
flags_asan    := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
flags_tsan    := -fsanitize=thread -fno-omit-frame-pointer
flags_fuzz    := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
flags_cover   := --coverage
flags_afl     := -fsanitize=address,undefined -fno-sanitize-recover=all
flags_reach   := -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping
# Optimised, lines of C become one, and gcov no longer knows which ran.
optimize_cover := -O0
ldflags_release := -pie -Wl,-z,relro,-z,now
ldflags_asan    := $(flags_asan)
ldflags_tsan    := $(flags_tsan)
ldflags_fuzz    := -fsanitize=address,undefined
ldflags_cover   := --coverage
ldflags_afl     := $(flags_afl)
ldflags_reach   := -fprofile-instr-generate
flavour_cc_fuzz  := clang
flavour_cc_reach := clang
flavour_cc_afl   := afl-clang-fast
CC := $(or $(flavour_cc_$(FLAVOUR)),$(if $(filter default,$(origin CC)),gcc,$(CC)))

# What only some compilers and processors have: probes of the stack, and landing pads for jumps.
hardening = $(eval hardening := $(shell for flag in -fstack-clash-protection -fcf-protection=full \
              -mbranch-protection=standard; do $(CC) -Werror $$flag -x c -c -o /dev/null /dev/null 2>/dev/null && \
              echo $$flag; done))$(hardening)

warnings := -Wall -Wextra -Wshadow -Wconversion -Wdouble-promotion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings \
            -Wpointer-arith $(if $(WERROR),-Werror)
pkgs    := libmicrohttpd jansson openblas zlib gnutls spng hiredis libseccomp
cppdefs := -D_GNU_SOURCE -I.
# Deferred, so that targets which need no library (help, deps) work before they are installed.
pkg_cflags = $(eval pkg_cflags := $(shell $(PKG_CONFIG) --cflags $(pkgs)))$(pkg_cflags)
pkg_libs   = $(eval pkg_libs := $(shell $(PKG_CONFIG) --libs $(pkgs)))$(pkg_libs)
check_libs = $(shell $(PKG_CONFIG) --cflags --libs check) -lcurl
all_cflags = -std=c11 $(warnings) $(cppdefs) $(pkg_cflags) -pthread $(flags_$(FLAVOUR)) $(CFLAGS)
all_libs   = $(ldflags_$(FLAVOUR)) -pthread $(LDFLAGS) $(pkg_libs) -lm

# The kernels are compiled once per instruction set and chosen at run time.
machine := $(or $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null))),$(shell uname -m))
isas    := generic $(if $(filter x86_64,$(machine)),avx2 avx512)
isa_generic := -DKERNEL_LANES=4
isa_avx2    := -DKERNEL_LANES=8 -mavx2 -mfma
isa_avx512  := -DKERNEL_LANES=16 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512

isa_src    := core/kernels_simd.c core/kernels_activations.c core/kernels_variants.c
core_src   := $(filter-out $(isa_src),$(wildcard core/*.c core/import/*.c))
server_src := $(filter-out server/main.c,$(wildcard server/*.c))
core_obj   := $(core_src:%.c=$(B)/obj/%.o) $(foreach isa,$(isas),$(isa_src:%.c=$(B)/obj/%.$(isa).o))
server_obj := $(server_src:%.c=$(B)/obj/%.o) $(B)/obj/web_files.o
test_src   := $(wildcard tests/support/*.c tests/core/*.c tests/import/*.c tests/server/*.c tests/http/*.c tests/clients/*.c) \
              tests/faults/allocations.c
test_obj   := $(test_src:%.c=$(B)/obj/%.o) $(B)/obj/clients/c/lstmd_client.o
# Linked into programs of the flavour cover.
end_cover  := $(B)/obj/tests/tools/coverage_exit.o
fuzz_src   := $(wildcard tests/fuzz/fuzz_*.c)
fuzzers    := $(fuzz_src:tests/fuzz/%.c=$(B)/%)
generated  := $(addprefix $(B)/,lstmd.8 lstmd.bash lstmd.fish lstmd.zsh)

## all: build/lstmd and build/liblstm.a, the manual page and shell completions
all: $(B)/lstmd $(B)/liblstm.a $(generated)
.PHONY: all

$(B)/liblstm.a: $(core_obj)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/lstmd: $(B)/obj/server/main.o $(server_obj) $(B)/liblstm.a $(end_$(FLAVOUR))
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -o $@ $^ $(all_libs)

# What the binary says of itself, so that it cannot go stale.
$(B)/lstmd.8: $(B)/lstmd
	$(call say,GEN,$@)
	$(Q)$< man > $@
$(B)/lstmd.bash $(B)/lstmd.fish $(B)/lstmd.zsh: $(B)/lstmd.%: $(B)/lstmd
	$(call say,GEN,$@)
	$(Q)$< completion $* > $@

# Preloaded into daemons by tests, to let their calls fail.
preloads := $(addprefix $(B)/lib,$(addsuffix .so,allocations faults network))
$(preloads): $(B)/lib%.so: tests/faults/%.c tests/faults/%.h $(B)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) -std=c11 $(warnings) $(cppdefs) -O1 -g -fPIC -shared -o $@ $< -ldl

$(B)/run_tests: $(test_obj) $(B)/obj/suites.o $(server_obj) $(B)/liblstm.a $(end_$(FLAVOUR)) | $(preloads)
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -o $@ $^ $(all_libs) $(check_libs)

# The demo page is a part of the binary, with the client that it uses.
web_files := $(sort $(wildcard clients/web/*)) clients/javascript/lstmd.js
$(B)/web_files.c: server/web_embed.sh $(web_files) clients/web
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)server/web_embed.sh $(web_files) > $@
$(B)/obj/web_files.o: $(B)/web_files.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_cflags) -c -o $@ $<

# Every tests/*/test_<name>.c defines `Suite *suite_<name>(void)`; the list of them is generated,
# so a suite cannot be forgotten.
suites := $(patsubst test_%,%,$(basename $(notdir $(filter tests/core/test_% tests/import/test_% tests/server/test_% tests/http/test_% tests/clients/test_%,$(test_src)))))
$(B)/suites.c: $(test_src) Makefile
	$(Q)mkdir -p $(@D)
	$(Q){ echo '#include "tests/support/suites.h"'; \
	  for s in $(suites); do echo "Suite *suite_$$s(void);"; done; \
	  echo 'const struct named_suite all_suites[] = {'; \
	  for s in $(suites); do echo "    {\"$$s\", suite_$$s},"; done; \
	  echo '    {0}};'; } > $@
$(B)/obj/suites.o: $(B)/suites.c $(B)/flags
	$(Q)$(CC) $(all_cflags) -c -o $@ $<

# A fuzzer brings libFuzzer's main(); of the flavours afl and cover, that of one of our drivers.
fuzz_main_afl   := $(B)/obj/tests/fuzz/afl_driver.o
fuzz_main_cover := $(B)/obj/tests/fuzz/corpus_driver.o
$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(fuzz_main_$(FLAVOUR)) $(server_obj) $(B)/liblstm.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(if $(fuzz_main_$(FLAVOUR)),,-fsanitize=fuzzer) $(all_cflags) -o $@ $^ $(all_libs)

# Random networks against the oracle of the tests.
support_obj := $(patsubst %.c,$(B)/obj/%.o,$(filter-out tests/support/run_tests.c tests/support/allocation_faults.c,$(wildcard tests/support/*.c)))
$(B)/differential: $(B)/obj/tests/tools/differential.o $(support_obj) $(server_obj) $(B)/liblstm.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -o $@ $^ $(all_libs) $(check_libs)

# Programs for measuring, kept out of the daemon: build/evaluate, ...
$(B)/%: $(B)/obj/tests/tools/%.o $(B)/liblstm.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -o $@ $^ $(all_libs) -lcurl

define isa_rule
$(B)/obj/core/%.$(1).o: core/%.c $(B)/flags
	$$(call say,CC,$$< ($(1)))
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CC) $$(all_cflags) -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast $(isa_$(1)) -DKERNEL_ISA=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach isa,$(isas),$(eval $(call isa_rule,$(isa))))

# It stands in front of the sanitizer's allocator, which calls it before the sanitizer is ready.
$(B)/obj/tests/faults/allocations.o: private flags_asan :=
$(B)/obj/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_cflags) -MMD -MP -c -o $@ $<

# Objects depend on this stamp, so a change of compiler or flags rebuilds them.
$(B)/flags: force
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(CC) $(all_cflags) $(all_libs) $(isa_avx2) $(isa_avx512)' | cmp -s - $@ || echo '$(CC) $(all_cflags) $(all_libs) $(isa_avx2) $(isa_avx512)' > $@
.PHONY: force
force:

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- Setting up -------------------------------------------------------------------------------

# What Debian and Ubuntu call what is needed to build, to test, and to check everything.
build_packages := gcc libc6-dev make pkg-config libmicrohttpd-dev libjansson-dev \
                  libopenblas-dev zlib1g-dev libgnutls28-dev libspng-dev libhiredis-dev \
                  libseccomp-dev libcurl4-openssl-dev
test_packages  := $(build_packages) check curl openssl python3 \
                  python3-setuptools python3-venv python3-wheel redis-server
dev_packages   := $(test_packages) clang clang-format clang-tidy llvm afl++ libonnx-testdata
docker_packages := podman crun netavark aardvark-dns iptables mmdebstrap iproute2 docker-compose haproxy \
                   redis-server prometheus python3 python3-yaml

# Installs those of the packages that are missing, saying so first; sudo only when not root.
define install_packages
	$(Q)missing=; for p in $(1); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  echo "Installing from Debian:$$missing"; sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef
.PHONY: deps deps-test deps-dev deps-docker
deps:
	$(call install_packages,$(build_packages))
deps-test:
	$(call install_packages,$(test_packages))
deps-dev:
	$(call install_packages,$(dev_packages))
deps-docker:
	$(call install_packages,$(docker_packages))
	$(Q)mkdir -p build/docker-check && cp tests/docker/package.json build/docker-check/ && \
	if command -v npm >/dev/null; then npm install --prefix build/docker-check --silent --no-audit --no-fund; fi

## run: install what is missing, build, and serve the shipped model at http://127.0.0.1:8501
.PHONY: run
run: deps
	$(Q)$(MAKE) $(sub) all
	$(Q)exec build/lstmd serve --models models --port $(PORT)

# ---- Testing ----------------------------------------------------------------------------------

## test: install what the tests need, build, and run every test
.PHONY: test
test: deps-test
	$(Q)$(MAKE) $(sub) check-all

.PHONY: check-all
check-all: $(B)/run_tests $(B)/lstmd $(B)/prepare_digit
	$(Q)tests/tools/check_house.sh
	$(Q)tests/tools/check_install.sh
	$(Q)$(if $(filter release,$(FLAVOUR)),tests/tools/check_hardening.sh $(B)/lstmd)
	$(Q)OPENBLAS_NUM_THREADS=1 $(B)/run_tests
	$(Q)LSTMD=$(B)/lstmd PREPARE_DIGIT=$(B)/prepare_digit tests/web/run.sh
	$(Q)LSTMD=$(B)/lstmd tests/tools/onnx_node_tests.sh
	$(Q)LSTMD=$(B)/lstmd tests/clients/run.sh

## test-clients: the clients and their documents' lines against the daemon
.PHONY: test-clients
test-clients: $(B)/lstmd $(B)/run_tests
	$(Q)$(B)/run_tests c_client
	$(Q)$(B)/run_tests c_client_faults
	$(Q)LSTMD=$(B)/lstmd tests/clients/run.sh

## deps-web: install what the page's test in a browser needs: Chromium, and npm's playwright-core and axe-core
.PHONY: deps-web
deps-web:
	$(call install_packages,chromium)
	$(Q)npm install --silent --no-fund --no-audit --ignore-scripts --prefix build/browser playwright-core@1.64.1 axe-core@4

## test-web: the demo page under Node, and in Chromium where deps-web has been
.PHONY: test-web
test-web: $(B)/lstmd $(B)/prepare_digit
	$(Q)LSTMD=$(B)/lstmd PREPARE_DIGIT=$(B)/prepare_digit \
	  NODE_PATH=$${NODE_PATH:-$(CURDIR)/build/browser/node_modules} tests/web/run.sh browser

## test-docker: the files of docker/ judged, the stack run as processes, the image built by podman
.PHONY: test-docker
test-docker: $(B)/lstmd
	$(Q)tests/docker/validate.sh
	$(Q)tests/docker/stack.sh $(B)/lstmd
	$(Q)tests/docker/image.sh

## asan: all tests under AddressSanitizer and UndefinedBehaviorSanitizer
## tsan: all tests under ThreadSanitizer
.PHONY: asan tsan
asan tsan: deps-test
	$(Q)$(MAKE) $(sub) FLAVOUR=$@ sanitized

.PHONY: sanitized
sanitized: $(B)/run_tests $(B)/lstmd
	$(Q)CK_FORK=no OPENBLAS_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=1 \
	  TSAN_OPTIONS=halt_on_error=1 $(B)/run_tests

FUZZ_SECONDS ?= 60
## fuzz: every fuzzer for FUZZ_SECONDS (60), two at a time
.PHONY: fuzz fuzz-all
fuzz: deps-dev
	$(Q)$(MAKE) $(sub) FLAVOUR=fuzz fuzz-all
fuzz-all: $(fuzzers)
	$(Q)tests/tools/run_fuzzers.sh $(B) $(FUZZ_SECONDS)

FUZZER ?= router
## afl: AFL++ on the fuzzer FUZZER (router) for FUZZ_SECONDS (60)
.PHONY: afl
afl: deps-dev
	$(Q)$(MAKE) $(sub) FLAVOUR=afl build/afl/fuzz_$(FUZZER)
	$(Q)tests/tools/run_afl.sh build/afl/fuzz_$(FUZZER) tests/fuzz/corpus/$(FUZZER) $(FUZZ_SECONDS)

## fuzz-cover: lines of each parser that the fuzzers' corpora reach, as a table
.PHONY: fuzz-cover fuzz-cover-all
fuzz-cover: deps-dev
	$(Q)$(MAKE) $(sub) FLAVOUR=reach fuzz-cover-all
fuzz-cover-all: $(fuzzers)
	$(Q)tests/tools/fuzz_coverage.py $(B)

## cover: lines that the tests and the fuzzers' corpora reach, as a table; the others need a reason
.PHONY: cover cover-all
cover: deps-test
	$(Q)$(MAKE) $(sub) FLAVOUR=cover cover-all
cover-all: $(B)/run_tests $(B)/lstmd $(fuzzers)
	$(Q)find $(B) -name '*.gcda' -delete
	$(Q)TORTURE=full CK_FORK=no OPENBLAS_NUM_THREADS=1 $(B)/run_tests >$(B)/run_tests.log || \
	  { tail -n 40 $(B)/run_tests.log; exit 1; }
	$(Q)for name in $(fuzzers:$(B)/fuzz_%=%); do \
	  $(B)/fuzz_$$name tests/fuzz/corpus/$$name || exit 1; done
	$(Q)tests/tools/coverage.py $(B)

SECONDS ?= 3600
## soak: mixed traffic for SECONDS (3600); memory, descriptors and threads must not grow
.PHONY: soak
soak: deps-test
	$(Q)$(MAKE) $(sub) $(B)/lstmd
	$(Q)tests/tools/soak.py $(B)/lstmd $(SECONDS) $(if $(filter release,$(FLAVOUR)),,--any-memory)

CASES ?= 10000
## differential: CASES (10000) random networks against the oracle, and against npm's onnxruntime-node
.PHONY: differential
differential: deps-test
	$(Q)$(MAKE) $(sub) build/differential build/onnx_run
	$(Q)OPENBLAS_NUM_THREADS=1 build/differential $(CASES) 1
	$(Q)tests/tools/onnx_differential.sh $(CASES)

# ---- Training and measuring -------------------------------------------------------------------

DATA ?= build/data
## data: fetch MNIST into build/data, checksums verified
.PHONY: data
data: deps-test
	$(Q)tests/tools/fetch_mnist.sh $(DATA)

## train: train the shipped model anew, into build/models/mnist
.PHONY: train
train: deps data
	$(Q)$(MAKE) $(sub) all
	build/lstmd train models/mnist.json --data $(DATA) --out build/models/mnist --epochs 40 \
	  --batch-size 100 --augment --schedule one-cycle --learning-rate 0.004 --clip-norm 1 --seed 1

## train-example: the TensorFlow example program, exactly: ends at about 0.93 test accuracy
.PHONY: train-example
train-example: deps data
	$(Q)$(MAKE) $(sub) all
	build/lstmd train models/mnist-example.json --data $(DATA) --out build/models/mnist-example \
	  --epochs 6 --batch-size 50 --restart

## train-http: the example network trained through HTTP on 10,000 images: the bits of lstmd train
.PHONY: train-http
train-http: deps-test data
	$(Q)$(MAKE) $(sub) $(B)/run_tests $(B)/lstmd
	$(Q)TRAIN_HTTP_DATA=$(DATA) OPENBLAS_NUM_THREADS=1 $(B)/run_tests train_http

KILL_ROUNDS ?= 200
## train-kill: the daemon killed KILL_ROUNDS (200) times in a storm of train-steps
.PHONY: train-kill
train-kill: deps-test
	$(Q)$(MAKE) $(sub) $(B)/run_tests $(B)/lstmd
	$(Q)TRAIN_KILL_ROUNDS=$(KILL_ROUNDS) OPENBLAS_NUM_THREADS=1 $(B)/run_tests train_durable

## torture: every allocation fails in turn, in core and in a daemon: the tests' quick forms in full
.PHONY: torture
torture: deps-test
	$(Q)$(MAKE) $(sub) $(B)/run_tests $(B)/lstmd
	$(Q)for suite in core_allocations request_allocations; do \
	  TORTURE=full OPENBLAS_NUM_THREADS=1 $(B)/run_tests $$suite || exit 1; done

## evaluate: accuracy of the shipped model through HTTP, on the test images and a distorted copy
.PHONY: evaluate
evaluate: deps-test data
	$(Q)$(MAKE) $(sub) all $(B)/evaluate
	$(Q)tests/tools/evaluate.sh $(DATA)

## bench: the kernel and the daemon timed on this machine
.PHONY: bench
bench: deps-test
	$(Q)$(MAKE) $(sub) all
	$(Q)tests/bench/bench.sh

# ---- Keeping house ----------------------------------------------------------------------------

c_files := $(wildcard clients/c/*.[ch] core/*.[ch] core/*/*.[ch] server/*.[ch] tests/*/*.[ch])
## format: clang-format on every C file
## format-check: fail if a file is not formatted
.PHONY: format format-check tidy
format: deps-dev
	$(Q)clang-format -i $(c_files)
format-check: deps-dev
	$(Q)clang-format --dry-run -Werror $(c_files)
## tidy: clang-tidy on core and server
tidy: deps-dev
	$(Q)clang-tidy --quiet $(filter-out $(isa_src),$(wildcard core/*.c core/*/*.c server/*.c)) -- -std=c11 $(cppdefs) $(pkg_cflags)

# <mode> <file> <where it goes under PREFIX>; what install puts and uninstall takes away.
define installed
755 build/lstmd bin/lstmd
644 build/liblstm.a lib/liblstm.a
644 core/lstm.h include/lstm.h
644 core/lstm_data.h include/lstm_data.h
644 core/lstm_import.h include/lstm_import.h
644 models/mnist/1/model.json share/lstmd/models/mnist/1/model.json
644 models/mnist/1/weights.safetensors share/lstmd/models/mnist/1/weights.safetensors
644 build/lstmd.8 share/man/man8/lstmd.8
644 build/lstmd.bash share/bash-completion/completions/lstmd
644 build/lstmd.fish share/fish/vendor_completions.d/lstmd.fish
644 build/lstmd.zsh share/zsh/site-functions/_lstmd
644 build/lstmd.service lib/systemd/system/lstmd.service
endef
export installed

## install: lstmd, its manual page, completions, unit and model, and liblstm.a, under PREFIX (/usr/local)
## uninstall: remove what install put there
.PHONY: install uninstall
install: all
	$(Q)sed 's,/usr/local,$(PREFIX),' server/lstmd.service > build/lstmd.service
	$(Q)echo "$$installed" | while read -r mode file path; do \
	  install -D -m $$mode $$file $(DESTDIR)$(PREFIX)/$$path && echo "  $(DESTDIR)$(PREFIX)/$$path" || exit 1; done
uninstall:
	$(Q)echo "$$installed" | while read -r mode file path; do rm -f $(DESTDIR)$(PREFIX)/$$path || exit 1; done
	$(Q)if [ -d $(DESTDIR)$(PREFIX)/share/lstmd ]; then find $(DESTDIR)$(PREFIX)/share/lstmd -type d -empty -delete; fi

## clean: remove build/, but not build/data and build/models
.PHONY: clean
clean:
	find build -mindepth 1 -maxdepth 1 ! -name data ! -name models -exec rm -rf {} + 2>/dev/null || true

## help: this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'
