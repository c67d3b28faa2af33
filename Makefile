# Guestwright: every target does its own set-up on a bare Debian 12.
SHELL := /bin/bash
.DEFAULT_GOAL := help
UV := $(shell command -v uv 2>/dev/null || echo $(CURDIR)/.uv/bin/uv)
RUN := $(UV) run --quiet
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-demo setup-test demo demo-seal lab-xen test again quick lint bench bench-agent bench-engine bench-host bench-hvm bench-media bench-volumes bench-xenstore docs clean

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## packages and tools to use Guestwright from the checkout
	@tools/setup use

setup-test: setup ## everything that the tests need besides (QEMU, virt-sysprep, a kernel to boot)
	@tools/setup test

setup-demo: setup ## what the demo needs besides (QEMU, libvirt, a boot loader)
	@tools/setup demo

demo: setup-demo ## the whole story: a Debian, its facts, a sealed template, two machines from it, a sysprep
	@$(RUN) python lab/story.py

demo-seal: setup ## build a small Debian image, dirty it, plan, seal, verify
	@$(RUN) python lab/demo.py

lab-xen: setup-test ## boot a Xen host with a PV guest in QEMU, and take commands for both
	@$(RUN) python -m lab.xen.shell

# Whole modules to each process: what a module has built is built once. (With `worksteal`, both processes of
# pytest-xdist 3.8 can end up waiting for work for ever.)
PYTEST := pytest -n 2 --dist loadscope --no-loadscope-reorder --max-worker-restart 0

test: setup-test ## all tests, real machines included
	@mkdir -p var && rm -f var/tested; $(RUN) $(PYTEST); status=$$?; echo $$status >var/tested; exit $$status

again: setup-test ## what failed last time, one test at a time
	@$(RUN) pytest -q --last-failed --last-failed-no-failures none

quick: setup ## the tests that need no virtual machine
	@$(RUN) $(PYTEST) -m "not machine"

lint: setup ## ruff, mypy, import rules, shape limits
	@$(RUN) ruff format --check . && $(RUN) ruff check . && $(RUN) mypy && $(RUN) lint-imports && $(RUN) pytest -q tests/meta

bench: setup-test ## speed and memory against virt-sysprep, in one run
	@$(RUN) python bench/seal.py
	@$(RUN) python bench/appliance.py

bench-media: setup-test ## speed and size of media against genisoimage, pycdlib and mtools, in one run
	@$(RUN) python bench/media.py

bench-volumes: setup-test ## copies of a sparse volume beside cp and qemu-img, and what a durable job costs, in one run
	@$(RUN) python bench/volumes.py

bench-host: setup-test ## the host service with a thousand simulated guests: delay, idle cost, floods
	@$(RUN) python bench/host.py && $(RUN) python bench/host_sysprep.py

bench-hvm: setup-test ## an HVM guest with an emulated CD on the emulated Xen host, under the host service (10 minutes)
	@$(RUN) python bench/hvm.py

bench-engine: setup-test ## the engine with 1,000 and 10,000 machines, on SQLite and PostgreSQL: inventory, API, followers
	@$(RUN) python bench/engine.py && $(RUN) python bench/engine_api.py

bench-agent: setup-test ## the agent in Debian and on Xen: event to store, idle cost beside qemu-ga, exec
	@$(RUN) python bench/agent.py

bench-xenstore: setup-test ## latency, memory and growth against C xenstored and oxenstored, in one run
	@$(RUN) python bench/xenstore.py

docs: setup ## write the generated pages again
	@$(RUN) python tools/gen_operations.py && $(RUN) python tools/gen_errors.py && $(RUN) python tools/gen_schema.py && $(RUN) python tools/gen_host_api.py && $(RUN) python tools/gen_api.py && $(RUN) python tools/gen_cli.py

clean: ## remove what the targets made (not the system packages)
	@rm -rf .venv .uv var dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
