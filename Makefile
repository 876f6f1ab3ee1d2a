# lstmd: an inference server for LSTMs. `make help` lists the targets.
#
# Everything is built under build/ (release) or build/<flavour>/ (asan, tsan, fuzz, cover), so that
# flavours never need a `clean` in between. CC, CFLAGS, LDFLAGS, PREFIX and DESTDIR are yours;
# V=1 shows whole command lines, WERROR=1 makes warnings errors.

FLAVOUR  ?= release
PREFIX   ?= /usr/local
DESTDIR  ?=
PORT     ?= 8501
CFLAGS   ?= -O2 -g
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

# ---- What is compiled, and how ----------------------------------------------------------------

build_release := build
build_asan    := build/asan
build_tsan    := build/tsan
build_fuzz    := build/fuzz
build_cover   := build/cover
B := $(build_$(FLAVOUR))
ifeq ($(B),)
$(error FLAVOUR must be release, asan, tsan, fuzz or cover, not '$(FLAVOUR)')
endif

flags_release := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
flags_asan    := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
flags_tsan    := -fsanitize=thread -fno-omit-frame-pointer
flags_fuzz    := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
flags_cover   := --coverage -O0
ldflags_release := -pie -Wl,-z,relro,-z,now
ldflags_asan    := $(flags_asan)
ldflags_tsan    := $(flags_tsan)
ldflags_fuzz    := -fsanitize=address,undefined
ldflags_cover   := --coverage
CC := $(if $(filter fuzz,$(FLAVOUR)),clang,$(if $(filter default,$(origin CC)),gcc,$(CC)))

warnings := -Wall -Wextra -Wshadow -Wconversion -Wdouble-promotion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings \
            -Wpointer-arith $(if $(WERROR),-Werror)
pkgs    := libmicrohttpd jansson openblas zlib
cppdefs := -D_GNU_SOURCE -I.
# Deferred, so that targets which need no library (help, deps) work before they are installed.
pkg_cflags = $(eval pkg_cflags := $(shell pkg-config --cflags $(pkgs)))$(pkg_cflags)
pkg_libs   = $(eval pkg_libs := $(shell pkg-config --libs $(pkgs)))$(pkg_libs)
check_libs = $(shell pkg-config --cflags --libs check) -lcurl
all_cflags = -std=c11 $(warnings) $(cppdefs) $(pkg_cflags) -pthread $(flags_$(FLAVOUR)) $(CFLAGS)
all_libs   = $(ldflags_$(FLAVOUR)) -pthread $(LDFLAGS) $(pkg_libs) -lm

# The gate kernels are one source, compiled once per instruction set and chosen at run time.
machine := $(shell uname -m)
isas    := generic $(if $(filter x86_64,$(machine)),avx2 avx512)
isa_generic := -DKERNEL_LANES=4
isa_avx2    := -DKERNEL_LANES=8 -mavx2 -mfma
isa_avx512  := -DKERNEL_LANES=16 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512

core_src   := $(filter-out core/kernels_simd.c,$(wildcard core/*.c))
server_src := $(filter-out server/main.c,$(wildcard server/*.c))
core_obj   := $(core_src:%.c=$(B)/obj/%.o) $(isas:%=$(B)/obj/core/kernels_%.o)
server_obj := $(server_src:%.c=$(B)/obj/%.o)
test_src   := $(wildcard tests/support/*.c tests/core/*.c tests/server/*.c tests/http/*.c)
test_obj   := $(test_src:%.c=$(B)/obj/%.o)
fuzz_src   := $(wildcard tests/fuzz/fuzz_*.c)
fuzzers    := $(fuzz_src:tests/fuzz/%.c=$(B)/%)

## all: build/lstmd and build/liblstm.a
all: $(B)/lstmd $(B)/liblstm.a
.PHONY: all

$(B)/liblstm.a: $(core_obj)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/lstmd: $(B)/obj/server/main.o $(server_obj) $(B)/liblstm.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -o $@ $^ $(all_libs)

$(B)/run_tests: $(test_obj) $(B)/obj/suites.o $(server_obj) $(B)/liblstm.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -o $@ $^ $(all_libs) $(check_libs)

# Every tests/*/test_<name>.c defines `Suite *suite_<name>(void)`; the list of them is generated,
# so a suite cannot be forgotten.
suites := $(patsubst test_%,%,$(basename $(notdir $(filter tests/core/test_% tests/server/test_% tests/http/test_%,$(test_src)))))
$(B)/suites.c: $(test_src) Makefile
	$(Q)mkdir -p $(@D)
	$(Q){ echo '#include "tests/support/suites.h"'; \
	  for s in $(suites); do echo "Suite *suite_$$s(void);"; done; \
	  echo 'Suite *(*const all_suites[])(void) = {'; \
	  for s in $(suites); do echo "    suite_$$s,"; done; \
	  echo '    0};'; } > $@
$(B)/obj/suites.o: $(B)/suites.c $(B)/flags
	$(Q)$(CC) $(all_cflags) -c -o $@ $<

$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(server_obj) $(B)/liblstm.a
	$(call say,LINK,$@)
	$(Q)$(CC) -fsanitize=fuzzer $(all_cflags) -o $@ $^ $(all_libs)

$(B)/bench_%: $(B)/obj/tests/bench/bench_%.o $(server_obj) $(B)/liblstm.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_cflags) -o $@ $^ $(all_libs)

$(B)/obj/core/kernels_%.o: core/kernels_simd.c $(B)/flags
	$(call say,CC,$< ($*))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_cflags) -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast $(isa_$*) -DKERNEL_ISA=$* -MMD -MP -c -o $@ $<

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
