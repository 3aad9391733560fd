# TRIM: one rule a verb. `make help` shows them; what each does is in tasks.py and scripts/verbs/.
#
# Values travel to the tasks in the environment, never pasted into shell text, and only those given on make's
# command line count: an ambient USER, NAME or TO must not act.

SHELL := /bin/bash
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := help
TOP := $(CURDIR)
VENV := $(TOP)/.venv
PYTHON ?= python3

# What an operator wrote, taken literally: $(shell ...) in a value is text. TRIM_ARG_X carries X to the recipe.
GIVEN := $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v))
$(foreach v,$(GIVEN),$(eval override $v := $$(value $v)))
$(foreach v,$(GIVEN),$(eval export TRIM_ARG_$v := $$($v)))

COMMON := DRY V JSON UNATTENDED
lower = $(subst A,a,$(subst B,b,$(subst C,c,$(subst D,d,$(subst E,e,$(subst F,f,$(subst G,g,$(subst H,h,$(subst I,i,$(subst J,j,$(subst K,k,$(subst L,l,$(subst M,m,$(subst N,n,$(subst O,o,$(subst P,p,$(subst Q,q,$(subst R,r,$(subst S,s,$(subst T,t,$(subst U,u,$(subst V,v,$(subst W,w,$(subst X,x,$(subst Y,y,$(subst Z,z,$(subst _,-,$1)))))))))))))))))))))))))))
option = --$(if $(filter V,$1),verbose,$(call lower,$1))="$$TRIM_ARG_$1"

# $(call trim,VERB,VARIABLES): runs the task with the variables that were given; refuses those it does not take.
define trim
@if [ ! -x "$(VENV)/bin/invoke" ]; then echo "$1: TRIM is not set up here yet. Next: make -C $(TOP) setup" >&2; exit 1; fi
@cd "$(TOP)" && exec "$(VENV)/bin/invoke" $(if $(filter-out $2 $(COMMON),$(GIVEN)),refuse-variables --verb=$1 --given="$(GIVEN)" --known="$2 $(COMMON)",$1 $(foreach v,$(GIVEN),$(call option,$v)))
endef

INSTANCE_KEYS := ACCESS SSH_HOST SSH_USER SSH_PORT SSH_KEY RUN_AS WEB_ROOT WEB_URL PHP SITE STAGE PARENT PROTECTED TAGS \
	EXTRA_PATHS EXCLUDE DATA_ROOT COMPRESS KEEP NO_INDEX CONTACT MIRROR_OF MIRROR_DELAY

##@ Sites
instance: ## Take over a Tiki: NAME= WEB_ROOT= [ACCESS=ssh SSH_HOST= ...]
	$(call trim,instance,NAME $(INSTANCE_KEYS))
blank: ## Register an empty place to restore into: NAME= WEB_ROOT= DB_NAME= ... (DB_PASS from the environment)
	$(call trim,blank,NAME $(INSTANCE_KEYS))
instances: ## Table of all sites, with the age of their last archive
	$(call trim,instances,INSTANCE)
list: instances ## The same as instances
doctor: ## Everything that could hurt at night, checked now: [INSTANCE=]
	$(call trim,doctor,INSTANCE)
maintenance: ## The maintenance page: INSTANCE= STATE=on|off [REASON=]
	$(call trim,maintenance,INSTANCE STATE REASON JOBS)

##@ Archives
backup: ## Make a verified archive: INSTANCE= [KEEP=n] [EXCLUDE=paths] [COMPRESS=zst] [NO_INDEX=1]
	$(call trim,backup,INSTANCE KEEP EXCLUDE COMPRESS NO_INDEX JOBS)
archives: ## What archives there are, and what is known of each: [INSTANCE=]
	$(call trim,archives,INSTANCE)
prove: ## Show that an archive restores, without touching the site: INSTANCE= [ARCHIVE=]
	$(call trim,prove,INSTANCE ARCHIVE UNVERIFIED JOBS)
restore: ## Make a site what an archive says: INSTANCE= [ARCHIVE=] [FROM=other] [CONFIRM=name]
	$(call trim,restore,INSTANCE ARCHIVE FROM CONFIRM SAFETY UNVERIFIED)

##@ Everyday
fix: ## Owners and modes as Tiki needs them, caches emptied: INSTANCE=
	$(call trim,fix,INSTANCE JOBS)

##@ This toolkit
setup: ## Install what TRIM needs: Debian packages and the Python environment
	@scripts/setup.sh run
demo: ## The whole job, for real, on a sample Tiki with its own MariaDB
	@scripts/setup.sh demo
	@"$(VENV)/bin/python" -m tests.lab.demo
test: ## Run all tests: [TESTS=path]
	@scripts/setup.sh test
	@"$(VENV)/bin/python" -m pytest $(if $(filter TESTS,$(GIVEN)),"$$TRIM_ARG_TESTS",tests)
test-real: ## The round trip with a real Tiki: TREE=folder of its files
	@scripts/setup.sh test
	@"$(VENV)/bin/python" -m tests.bench.real "$$TRIM_ARG_TREE"
bench: ## Times against the plain way, measured in one run: [TREE=folder]
	@scripts/setup.sh test
	@"$(VENV)/bin/python" -m tests.bench.bench "$$TRIM_ARG_TREE"
lint: ## Style and floors
	@scripts/setup.sh test
	@"$(VENV)/bin/ruff" check scripts tests tasks.py && shellcheck scripts/setup.sh .ci/run
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' \
		"$(TOP)/Makefile"
	@printf '\nEvery verb: DRY=1 changes nothing, V=1 shows the commands, JSON=1 for programs, UNATTENDED=1 for cron.\n'

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' "$(TOP)/Makefile")
