#!/bin/sh
# Builds the engines for the CUDA card that is here, runs the tests that need one, and measures:
#   sh tools/bench_gpu.sh [FOLDER]      (default: tools/bench_results)
# It sets nothing up: it uses .venv, or else the python3 that is there, with what is installed.
# The table goes to FOLDER/CARD.md, to be committed. Without a card it says so and ends.
set -u
cd "$(dirname "$0")/.." || exit 1
folder=${1:-tools/bench_results}
python=.venv/bin/python
[ -x "$python" ] || python=python3

say() { printf 'bench_gpu: %s\n' "$*" >&2; }

if ! "$python" -c 'import vjnode.engines.cuda.capability, torch' 2>/dev/null; then
	say "$python lacks vjnode or torch; set this checkout up with: make -C '$PWD' setup"
	exit 1
fi
gpu=$("$python" -c 'from vjnode.engines.cuda.capability import gpu_here; print(gpu_here() or "")')
if [ -z "$gpu" ]; then
	say "there is no CUDA card here, or no NVIDIA driver for it; nothing was measured"
	exit 0
fi
card=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
card=${card:-$gpu}
file=$folder/$(printf '%s' "$card" | tr -c 'A-Za-z0-9\n' '-').md
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$folder" || exit 1

section() { printf '\n## %s\n\n' "$1" >>"$file"; }
# name of a log: what it says last goes into the table as it is
# shellcheck disable=SC2016
quote() { printf '```\n%s\n```\n' "$(tail -n "$2" "$1")" >>"$file"; }

say "$card ($gpu): into $file"
printf '# %s\n\n%s, vjnode %s, driver %s.\n' "$card" "$gpu" \
	"$(git rev-parse --short HEAD 2>/dev/null || echo 'without its history')" \
	"$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1)" >"$file"
failed=0

# What matters most comes first, so that whoever has to end this early has that.

build() { # flavour, size, models
	flavour=$1 size=$2
	shift 2
	say "building for $gpu with $flavour, $size px"
	"$python" -m vjnode engines build --gpu this --flavour "$flavour" --size "$size" "$@" \
		>"$scratch/build" 2>&1 && return
	failed=1
	say "not built: $(tail -n 1 "$scratch/build")"
	quote "$scratch/build" 3
}

# for each TensorRT that is here
build_all() { # size, models
	for flavour in tensorrt_rtx tensorrt; do
		"$python" -c "import $flavour" 2>/dev/null && build "$flavour" "$@"
	done
}

# Nothing else is on stage while frames are timed; a show compiles with one core, as ever.
threads=${TORCHINDUCTOR_COMPILE_THREADS:-8}

frames() { # size, model
	part=${file%.md}-$2-$1
	say "frames, $2, $1 px"
	TORCHINDUCTOR_COMPILE_THREADS=$threads "$python" -m tools.bench.engines --model "$2" \
		--size "$1" --markdown "$part.md" --json "$part.json" >"$scratch/log" 2>&1 ||
		{ failed=1; quote "$scratch/log" 25; }
	if [ -f "$part.md" ]; then
		cat "$part.md" >>"$file"
		rm "$part.md"
	fi
}

section "Frames"
build_all 1024 --model mobilestylegan --model stylegan2 --model encoder
frames 1024 mobilestylegan
frames 1024 stylegan2
frames 0 encoder

section "A live show, 1024 × 1024 at 60 frames/s"
say "a live show"
"$python" -m tools.bench.show --seconds 30 >"$scratch/show" 2>"$scratch/log" ||
	{ failed=1; quote "$scratch/log" 25; }
quote "$scratch/show" 25

section "Tests"
say "tests"
TORCHINDUCTOR_COMPILE_THREADS=$threads "$python" -m pytest -o addopts= -q -rfEs --tb=short \
	-m card tests/engines >"$scratch/tests" 2>&1 || failed=1
quote "$scratch/tests" 60

section "What can draw here"
"$python" -m vjnode engines list >"$scratch/list" 2>&1
quote "$scratch/list" 60

section "Smaller pictures"
for size in 512 256; do
	build_all "$size" --model mobilestylegan
	frames "$size" mobilestylegan
done

say "done: $file"
[ "$failed" = 0 ] || say "something failed; see there"
exit "$failed"
