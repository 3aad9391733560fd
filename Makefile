# TRIM: one rule a verb. `make help` shows them; what each does is in tasks.py and scripts/verbs/.
#
# Values travel to the tasks in the environment, never pasted into shell text, and only those given on make's
# command line count: an ambient USER, NAME or TO must not act.

# What an operator wrote, taken literally: $(shell ...) in a value is text. TRIM_ARG_X carries X to the recipe, and
# nothing else does: a PATH= or HOME= is refused, not obeyed. PYTHON is for setup.
override GIVEN := $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v))
$(foreach v,$(GIVEN),$(eval override $v := $$(value $v)))
$(foreach v,$(GIVEN),$(eval export TRIM_ARG_$v := $$($v)))
$(foreach v,$(filter-out PYTHON,$(GIVEN)),$(eval unexport $v))

# Override: with a SHELL= or trim= of the command line, recipes would do nothing and call it success.
override SHELL := /bin/bash
override .SHELLFLAGS := -c
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := help
override TOP := $(CURDIR)
override VENV := $(TOP)/.venv
PYTHON ?= python3
# Tests fork big processes by the thousand: with huge pages a fork copies a fifth.
override CHEAP_FORKS := PYTHONMALLOC=malloc GLIBC_TUNABLES=glibc.malloc.hugetlb=1
# The longest files come first, as they are told. Unit tests by themselves: what they leave in memory makes forks dear.
override SIDE_BY_SIDE = -n $$(( $$(nproc) + 1 )) --dist loadfile --no-loadscope-reorder

# Threads take memory from two heaps: what one gave back serves the others. Large pieces are mapped by themselves: among
# the small ones that stay they would leave holes (glibc's; scripts/edge.py keeps it to us).
override FLAT := MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=524288 MALLOC_TRIM_THRESHOLD_=8388608

override COMMON := DRY V JSON UNATTENDED CRON MAIL_TO WAIT
# Those that the edge takes itself, from the environment; one that was not given is not there.
override BY_EDGE := CRON MAIL_TO WAIT
$(foreach v,$(filter-out $(GIVEN),$(BY_EDGE)),$(eval unexport TRIM_ARG_$v))
override lower = $(subst A,a,$(subst B,b,$(subst C,c,$(subst D,d,$(subst E,e,$(subst F,f,$(subst G,g,$(subst H,h,$(subst I,i,$(subst J,j,$(subst K,k,$(subst L,l,$(subst M,m,$(subst N,n,$(subst O,o,$(subst P,p,$(subst Q,q,$(subst R,r,$(subst S,s,$(subst T,t,$(subst U,u,$(subst V,v,$(subst W,w,$(subst X,x,$(subst Y,y,$(subst Z,z,$(subst _,-,$1)))))))))))))))))))))))))))
override option = --$(if $(filter V,$1),verbose,$(if $(filter A B,$1),side-)$(call lower,$1))="$$TRIM_ARG_$1"

# $(call trim,VERB,VARIABLES): runs the task with the variables that were given; refuses those it does not take.
override define trim
@if [ ! -x "$(VENV)/bin/invoke" ]; then echo "$1: TRIM is not set up here yet. Next: make -C $(TOP) setup" >&2; exit 1; fi; \
cd "$(TOP)" && $(FLAT) exec "$(VENV)/bin/invoke" $(if $(filter-out $2 $(COMMON),$(GIVEN)),refuse-variables --verb=$1 --given="$(GIVEN)" --known="$2 $(COMMON)" $(if $(filter UNATTENDED,$(GIVEN)),$(call option,UNATTENDED)),$1 $(foreach v,$(filter-out $(BY_EDGE),$(GIVEN)),$(call option,$v)))
endef

# $(call test,@FILE): the tests with pytest's options in FILE, those with servers first; with TESTS=path what is there.
override define test
export $(CHEAP_FORKS); run() { "$(VENV)/bin/python" -m pytest "$$@"; }; $(if $(filter TESTS,$(GIVEN)),run "$$TRIM_ARG_TESTS",\
run $(SIDE_BY_SIDE) $1 tests/make tests/integration; servers=$$?; run $(SIDE_BY_SIDE) tests/unit && exit $$servers)
endef

INSTANCE_KEYS := ACCESS SSH_HOST SSH_USER SSH_PORT SSH_KEY RUN_AS WEB_ROOT WEB_URL PHP SITE STAGE PARENT PROTECTED TAGS \
	EXTRA_PATHS EXCLUDE DATA_ROOT COMPRESS KEEP NO_INDEX CONTACT MIRROR_OF MIRROR_DELAY KIND EXPIRES \
	PROFILES PROFILE_REPOSITORY
CLONE_AND_UPDATE := REVISION LAG LOCAL PHP_CHECK TEST CONFIRM KIND EXPIRES FULL QUIET CHANGED OPEN

##@ Sites
instance: ## Take over a Tiki, or create one with VERSION=: NAME= WEB_ROOT= [VERSION= [SOURCE=folder-or-file] [DB_ADMIN=option-file] [PHP_CHECK=no]] [ACCESS=ssh SSH_HOST= ...]
	$(call trim,instance,NAME $(INSTANCE_KEYS) VERSION SOURCE DB_ADMIN PHP_CHECK)
blank: ## Register an empty place to restore into: NAME= WEB_ROOT= DB_NAME= ... (DB_PASS from the environment)
	$(call trim,blank,NAME $(INSTANCE_KEYS))
instances: ## Table of all sites, with the age of their last archive: [INSTANCE=]
	$(call trim,instances,INSTANCE)
list: instances ## The same as instances
doctor: ## Everything that could hurt at night, checked now: [INSTANCE=]
	$(call trim,doctor,INSTANCE JOBS)
maintenance: ## The maintenance page: INSTANCE= STATE=on|off [REASON=]
	$(call trim,maintenance,INSTANCE STATE REASON JOBS)
unmute: ## Let a muted copy act for itself: mail, jobs, tokens; its banner goes: INSTANCE=
	$(call trim,unmute,INSTANCE JOBS)
restrict: ## Who may see a site, by address or login: INSTANCE= [ALLOW=10.0.0.0/8,...] [USERS=name,...] [BOTH=1] [STATE=off]
	$(call trim,restrict,INSTANCE ALLOW USERS BOTH STATE)

##@ Archives
backup: ## Make a verified archive: INSTANCE= [KEEP=n] [EXCLUDE=paths] [COMPRESS=zst] [NO_INDEX=1]
	$(call trim,backup,INSTANCE KEEP EXCLUDE COMPRESS NO_INDEX JOBS)
archives: ## What archives there are, and what is known of each: [INSTANCE=]
	$(call trim,archives,INSTANCE)
extract: ## Take files or one table out of an archive: INSTANCE= FILE=path|TABLE=name [ARCHIVE=] [DEST=folder|-] [LIST=1] [OVERWRITE=yes] [UNVERIFIED=yes]
	$(call trim,extract,INSTANCE ARCHIVE FILE TABLE DEST LIST OVERWRITE UNVERIFIED)
prove: ## Show that an archive restores, without touching the site: INSTANCE= [ARCHIVE=] [UNVERIFIED=yes]
	$(call trim,prove,INSTANCE ARCHIVE UNVERIFIED JOBS)
restore: ## Make a site what an archive says: INSTANCE= [ARCHIVE=] [FROM=other] [CONFIRM=name] [FULL=1] [SAFETY=no] [UNVERIFIED=yes]
	$(call trim,restore,INSTANCE ARCHIVE FROM CONFIRM SAFETY FULL UNVERIFIED)

##@ Sites side by side
clone: ## Make one site what another is, kept quiet: FROM= TO=b[,c] [ONLY=data|code] [ARCHIVE=] [KIND=failover|office|demo|before|debug] [EXPIRES=90d] [MOVE=1] [CONFIRM=b,c] [CHANGED=discard] [FULL=1] [QUIET=no] [OPEN=yes] [UNVERIFIED=yes]
	$(call trim,clone,FROM TO ONLY CONFIRM ARCHIVE KIND EXPIRES FULL QUIET MOVE CHANGED OPEN UNVERIFIED)
refresh: ## Bring a stage the data of its PARENT, not the code: INSTANCE= [CONFIRM=name] [CHANGED=discard] [FULL=1] [OPEN=yes]
	$(call trim,refresh,INSTANCE CONFIRM FULL CHANGED OPEN)
promote: ## Bring a stage's code, not its data, to the next one up; backup first: INSTANCE= [TO=] [CONFIRM=name]
	$(call trim,promote,INSTANCE TO CONFIRM)
takeover: ## The main site is gone, a copy takes its place: INSTANCE= [CONFIRM=name]
	$(call trim,takeover,INSTANCE CONFIRM)
mirror: ## Keep one site a fixed time behind another, from its archives: FROM= TO=b[,c] DELAY=1d|1w|1m [CONFIRM=b,c] [CHANGED=discard] [OPEN=yes] [FORCE=1]
	$(call trim,mirror,FROM TO DELAY CONFIRM CHANGED OPEN FORCE)
stages: ## Which site is derived from which, with the age of its data
	$(call trim,stages,)
compare: ## In what two sites differ, or a site and an archive: A=name B=name@latest [DIFF=path|all] [TABLE=name|all] [EXPECTED=1] [HTML=1] [UNVERIFIED=yes]
	$(call trim,compare,A B DIFF TABLE EXPECTED HTML UNVERIFIED)

##@ Everyday
adopt: ## Take over TRIM's or Tiki Manager's data folder: FROM=folder [ARCHIVES=folder]
	$(call trim,adopt,FROM ARCHIVES)
completion: ## How TAB comes to know verbs, variables, sites and archives: [FOR=bash|zsh|fish]
	$(call trim,completion,FOR)
edit: ## Change an env file in your editor; it counts once it is right: INSTANCE=
	$(call trim,edit,INSTANCE)
editinstance: edit ## The same as edit
tags: ## The words a site is selected by, shown or changed: [INSTANCE=] [ADD=a,b] [DROP=c]
	$(call trim,tags,INSTANCE ADD DROP)
detect: ## Look again: version, PHP, database, folders against the env file: INSTANCE= [WRITE=1]
	$(call trim,detect,INSTANCE WRITE JOBS)
copysshkey: ## Let TRIM log in without a password, and prove it: INSTANCE= [HOST_KEYS=accept-new]
	$(call trim,copysshkey,INSTANCE HOST_KEYS)
delete: ## Forget a site, which stays; or remove it: INSTANCE= [DESTROY=1] [CONFIRM=name] [SAFETY=no]
	$(call trim,delete,INSTANCE DESTROY CONFIRM SAFETY)
fix: ## Owners and modes as Tiki needs them, caches emptied: INSTANCE=
	$(call trim,fix,INSTANCE JOBS)
access: ## A shell in the web root, one after the other: INSTANCE=
	$(call trim,access,INSTANCE)
cli: ## Tiki's console.php there: INSTANCE= [COMMAND="cache:clear"] [CONFIRM=name]
	$(call trim,cli,INSTANCE COMMAND CONFIRM JOBS)
database: ## The database client with the site's own account: INSTANCE= [COMMAND="SELECT ..."]
	$(call trim,database,INSTANCE COMMAND)
stats: ## Key figures of all sites: [INSTANCE=] [CSV=1]
	$(call trim,stats,INSTANCE CSV JOBS)
profile: ## Apply a Tiki profile, say what it changed in preferences: INSTANCE= PROFILE= [REPOSITORY=name, URL or folder] [FORCE=1]
	$(call trim,profile,INSTANCE PROFILE REPOSITORY FORCE JOBS)
reinstall: ## Drop what a site holds, install it anew, apply its profiles: INSTANCE= [PROFILE=] [REPOSITORY=] [CONFIRM=name]
	$(call trim,reinstall,INSTANCE PROFILE REPOSITORY CONFIRM JOBS)
temporary-user: ## A login for a helper that expires: INSTANCE= IN_GROUP= [DAYS=1] [NAME=] [DROP=login|expired]
	$(call trim,temporary-user,INSTANCE IN_GROUP DAYS NAME DROP)

##@ Code
update: ## The newest code of a site's branch or series, with a way back: INSTANCE= [REVISION=] [LAG=3d] [LOCAL=discard] [PHP_CHECK=no] [CONFIRM=name]
	$(call trim,update,INSTANCE REVISION LAG LOCAL PHP_CHECK CONFIRM)
upgrade: ## Another branch or release, above the one it has: INSTANCE= VERSION=27.x [REVISION=] [LAG=3d] [LOCAL=discard] [PHP_CHECK=no] [CONFIRM=name]
	$(call trim,upgrade,INSTANCE VERSION REVISION LAG LOCAL PHP_CHECK CONFIRM)
rehearse: ## An update or upgrade tried on a throw-away clone: does it migrate, answer, how long: INSTANCE= [VERSION=] [REVISION=] [LAG=3d] [LOCAL=discard] [PHP=] [PHP_CHECK=no] [TEST=command]
	$(call trim,rehearse,INSTANCE VERSION REVISION LAG LOCAL PHP_CHECK PHP TEST JOBS)
cloneandupdate: ## Clone, then update the clone; what changed, how it answers; TEST judges: FROM= TO= [TEST=command] [CONFIRM=name] [REVISION=] [LAG=3d] [LOCAL=discard] [PHP_CHECK=no] [KIND=] [EXPIRES=90d] [FULL=1] [QUIET=no] [CHANGED=discard] [OPEN=yes]
	$(call trim,cloneandupdate,FROM TO $(CLONE_AND_UPDATE))
cloneandupgrade: ## The same to another branch or release: FROM= TO= VERSION=27.x [TEST=command] [CONFIRM=name] [REVISION=] [LAG=3d] [LOCAL=discard] [PHP_CHECK=no] [KIND=] [EXPIRES=90d] [FULL=1] [QUIET=no] [CHANGED=discard] [OPEN=yes]
	$(call trim,cloneandupgrade,FROM TO VERSION $(CLONE_AND_UPDATE))
bisect: ## Find the commit that broke something, on a clone: INSTANCE= GOOD=commit-or-tag BAD=commit-or-tag [RUN=command] [LOCAL=discard] [PHP_CHECK=no]
	$(call trim,bisect,INSTANCE GOOD BAD RUN LOCAL PHP_CHECK)
rollback: ## Back to before the last update, upgrade or promote, code and database: INSTANCE= [CONFIRM=name]
	$(call trim,rollback,INSTANCE CONFIRM)
versions: ## Which Tikis can be had, the PHP each needs, and whether a host has it: [INSTANCE=]
	$(call trim,versions,INSTANCE)
prepare: ## Make the complete code of a version, once for all sites: VERSION=24.4|27.x|trunk [SOURCE=folder-or-file] [FORCE=1]
	$(call trim,prepare,VERSION SOURCE FORCE)
patch: ## Local changes of a site's code, kept as patches: INSTANCE= [ACTION=list|apply|drop] [FILE=file-or-address] [CONFIRM=name]
	$(call trim,patch,INSTANCE ACTION FILE CONFIRM)

##@ Mods of a site
mods: ## What mods there are, by type: installed, local, remote, published: INSTANCE= [TYPE=] [FIND=] [TIKI=] [PROVIDER=] [HTML=1]
	$(call trim,mods,INSTANCE TYPE FIND TIKI PROVIDER HTML JOBS)
mods-install: ## Install mods and what they require, shown first: INSTANCE= MOD=type-name,... [SET="var=value"] [ANSWERS=file] [PROVIDER=] [CONFIRM=name] [YES=1] [FORCE=1]
	$(call trim,mods-install,INSTANCE MOD PROVIDER SET ANSWERS FORCE YES CONFIRM JOBS)
mods-upgrade: ## The newest revision of mods, with the SQL between: INSTANCE= MOD=type-name,...|all [SET="var=value"] [ANSWERS=file] [PROVIDER=] [CONFIRM=name] [YES=1] [FORCE=1]
	$(call trim,mods-upgrade,INSTANCE MOD PROVIDER SET ANSWERS FORCE YES CONFIRM JOBS)
mods-remove: ## Take mods out, dependents first; what they replaced comes back: INSTANCE= MOD=type-name,... [CONFIRM=name] [YES=1] [FORCE=1]
	$(call trim,mods-remove,INSTANCE MOD FORCE YES CONFIRM JOBS)
mods-config: ## The answers to what a mod asks: INSTANCE= MOD= [SET="var=value"] [ANSWERS=file] [PROVIDER=]
	$(call trim,mods-config,INSTANCE MOD PROVIDER SET ANSWERS)
mods-check: ## The files of mods against what was installed: INSTANCE= [MOD=]
	$(call trim,mods-check,INSTANCE MOD JOBS)
mods-run: ## The SQL of a maintenance mod, its tables kept before: INSTANCE= MOD=maintenance-name [SET="var=value"] [ANSWERS=file] [PROVIDER=] [CONFIRM=name] [YES=1]
	$(call trim,mods-run,INSTANCE MOD PROVIDER SET ANSWERS YES CONFIRM JOBS)
mods-diff: ## A mod's files in a site against the collection, for who works on it: INSTANCE= [MOD=]
	$(call trim,mods-diff,INSTANCE MOD)
mods-copy: ## A mod's files from a site into the collection: INSTANCE= MOD=
	$(call trim,mods-copy,INSTANCE MOD)
mods-restore: ## A mod's files from the collection into a site: INSTANCE= MOD= [CONFIRM=name]
	$(call trim,mods-restore,INSTANCE MOD CONFIRM)

##@ The collection of mods
mods-update: ## Fetch the lists of what providers publish: [PROVIDER=address,...]
	$(call trim,mods-update,PROVIDER)
mods-show: ## All that is known of mods, dependencies both ways: MOD=type-name,... [PROVIDER=]
	$(call trim,mods-show,MOD PROVIDER)
mods-download: ## Mods of a provider into the collection, sums compared: MOD=type-name,... [PROVIDER=] [FORCE=1]
	$(call trim,mods-download,MOD PROVIDER FORCE)
mods-new: ## A control file to start from: TYPE= NAME=
	$(call trim,mods-new,TYPE NAME)
mods-lint: ## Everything that is wrong with mods of the collection, by file and line: [MOD=]
	$(call trim,mods-lint,MOD)
mods-rebuild: ## The collection's list anew from its control files
	$(call trim,mods-rebuild,)
mods-publish: ## Pack mods for others and list them: MOD=type-name,...|all [SIGN=1]
	$(call trim,mods-publish,MOD SIGN)
mods-republish: ## Publish what is newer than its published revision: MOD=type-name,...|all [SIGN=1]
	$(call trim,mods-republish,MOD SIGN)
mods-unpublish: ## Take mods off the public list; archives stay: MOD=type-name,...|all
	$(call trim,mods-unpublish,MOD)
mods-serve: ## The collection over HTTP for others, for reading alone: [PORT=8017] [LISTEN=address] [FROM=mirror]
	$(call trim,mods-serve,PORT LISTEN FROM)
mods-mirror: ## A whole provider in another folder, here or behind ssh, sftp, ftp: PROVIDER= [TO=]
	$(call trim,mods-mirror,PROVIDER TO)

##@ Show sites
show: ## A throw-away Tiki with administrator rights, in seconds: VERSION=24.x [FOR=issue FOR_USER=name] [EXPIRES=7d] [PREPARE=1] [PHP_CHECK=no]
	$(call trim,show,VERSION FOR FOR_USER EXPIRES PREPARE PHP_CHECK)
shows: ## Table of all shows: state, whose, until when, how big
	$(call trim,shows,)
show-snapshot: ## A dump with one row a line and the tree of a show, behind its guard: ID=
	$(call trim,show-snapshot,ID)
show-reset: ## A show as it was when new, with new passwords: ID=
	$(call trim,show-reset,ID)
show-update: ## The newest code of a show's version; what was done in it stays: ID= [PHP_CHECK=no]
	$(call trim,show-update,ID PHP_CHECK)
show-destroy: ## A last snapshot, then all of a show goes: ID=id,...|due|all [CONFIRM=all] [SNAPSHOT=no]
	$(call trim,show-destroy,ID CONFIRM SNAPSHOT)
show-gate: ## What sshd runs for a web front end's key, see docs/show.md: ROLE=front|user|admin [FOR_USER=name]
	$(call trim,show-gate,ROLE FOR_USER)

##@ Unattended
cron: ## Let a verb run by itself, by a line of your crontab: VERB= [INSTANCE=] AT="30 2 * * *" [ARGS="KEEP=7"] [SYSTEMD=1] [ID=]
	$(call trim,cron,VERB INSTANCE AT ARGS ID SYSTEMD)
crons: ## What runs by itself: next run, last run, how that ended
	$(call trim,crons,)
cron-remove: ## Take a line or timer away: ID=
	$(call trim,cron-remove,ID)
status: ## One line a site: backup, proof, check, version, disk, certificate: [INSTANCE=] [LOOK=1] [NAGIOS=1] [PROMETHEUS=path]
	$(call trim,status,INSTANCE LOOK NAGIOS PROMETHEUS)
check: ## Has anybody changed a site who should not have? INSTANCE= [DIFF=path] [ACCEPT=path|all] [ACCEPT_FROM=file] [RESTORE=path]
	$(call trim,check,INSTANCE ACCEPT ACCEPT_FROM DIFF RESTORE JOBS)
verify: check ## The same as check
watch: ## The same look for the crontab: quiet when all is well, mail on findings: INSTANCE= [MAIL_TO=]
	$(call trim,watch,INSTANCE JOBS)
logs: ## What runs did: [INSTANCE=] [VERB=] [LAST=1, the newest with its whole log]
	$(call trim,logs,INSTANCE VERB LAST)
notify-test: ## A test message through every channel that is set up: mail, chats, pings
	$(call trim,notify-test,)
report: ## The page of all sites, var/report/index.html: [SEND=1] [PUSH=instance] [PAGE=name] [LOOK=no]
	$(call trim,report,SEND PUSH PAGE LOOK)

##@ This toolkit
clean: ## Old logs and what killed runs left; never archives or what is known of sites: [WHAT=logs,leftovers,cache,work,outbox|all]
	$(call trim,clean,WHAT)
setup: ## Install what TRIM needs: Debian packages and the Python environment
	@scripts/setup.sh run
demo: ## The whole job, for real, on a sample Tiki with its own MariaDB
	@scripts/setup.sh demo
	@"$(VENV)/bin/python" -m tests.lab.demo
test: ## The tests, in ten minutes on two cores: without those of tests/long.txt; or all of TESTS=path
	@scripts/setup.sh test
	@$(call test,@tests/long.txt)
test-all: ## All tests, in half an hour: those that break each call in turn too, and the long stories of each verb
	@scripts/setup.sh test
	@$(call test,)
test-faults: ## Every call of backup and restore broken in every way, behind ssh too: an hour
	@scripts/setup.sh test
	@$(CHEAP_FORKS) TRIM_FAULTS=all "$(VENV)/bin/python" -m pytest $(SIDE_BY_SIDE) tests/integration/test_faults_*.py
test-real: ## The round trip with a real Tiki: TREE=folder of its files [OLD=folder of an older one's, to upgrade]
	@scripts/setup.sh test
	@"$(VENV)/bin/python" -m tests.bench.real "$$TRIM_ARG_TREE" "$$TRIM_ARG_OLD"
bench: ## Each verb against the classic way and its floor, in one run: [WHAT=backup,restore,...] [SIZE=small|r1|FILESxSQL] [TREE=folder] [ROUNDS=5] [JSON=1|file] [MARKDOWN=1]
	@scripts/setup.sh test
	@"$(VENV)/bin/python" -m tests.bench.bench $(foreach v,$(filter-out PYTHON,$(GIVEN)),"$v=$$TRIM_ARG_$v")
lint: ## Style and floors
	@scripts/setup.sh test
	@"$(VENV)/bin/ruff" check scripts tests tasks.py && shellcheck scripts/setup.sh .ci/run tests/make/helper.bash conf/completion/candidates.sh conf/completion/trim.bash
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' \
		"$(TOP)/Makefile"
	@echo $(OLD_WORDS) | fold -s -w 100 | sed 's/^/  /'
	@printf '\nEvery verb: DRY=1 changes nothing, V=1 shows the commands, JSON=1 for programs, UNATTENDED=1 for cron,\nMAIL_TO= who is told of a failure, WAIT=10m for a busy site; JOBS=4 where a verb does several sites at once.\n'

##@ TRIM's other words: each says what takes its place
override OLD_WORDS := $(shell sed -n 's/^\([a-z-]*\): .*/\1/p' "$(TOP)/conf/old-words.txt")
$(OLD_WORDS):
	@sed -n 's/^$@: /&/p' "$(TOP)/conf/old-words.txt" >&2; exit 2

.PHONY: $(OLD_WORDS) $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' "$(TOP)/Makefile")
