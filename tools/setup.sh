#!/bin/sh
# Sets up .venv for the node (`sh tools/setup.sh node`) or for its tests as well (`… test`).
# System packages are installed where this is possible without a question (root and apt);
# elsewhere the command is printed, and everything that can do without them still works.
set -eu
purpose=${1:-node}
cd "$(dirname "$0")/.."

again="make -C '$PWD' -B setup" # in whichever folder that is typed
say() { printf 'setup: %s\n' "$*" >&2; }

# name of a file or program that a package brings, then the package
missing_packages() {
	missing=""
	need() { eval "$1" >/dev/null 2>&1 || missing="$missing $2"; }
	need 'command -v cc' gcc
	need 'ls /usr/include/portaudio.h' portaudio19-dev
	need 'python3 -c "import ensurepip"' python3-venv
	# shellcheck disable=SC2016
	need 'ls "$(python3 -c "import sysconfig; print(sysconfig.get_path(\"include\"))")/Python.h"' python3-dev
	if [ "$purpose" = test ]; then
		need 'command -v pulseaudio' pulseaudio
		need 'command -v pactl' pulseaudio-utils
		need 'ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' libasound2-plugins
		need 'command -v chromium || command -v chromium-browser || command -v google-chrome' chromium
		need 'command -v chromedriver' chromium-driver
		need 'command -v Xvfb' xvfb
		need 'command -v espeak-ng' espeak-ng
		need 'command -v jackd' jackd2
		need 'command -v oscsend' liblo-tools
		need 'command -v shellcheck' shellcheck
		need 'ls /usr/lib/*/libXtst.so.6' libxtst6
		need 'ls /usr/lib/*/libavahi-client.so.3' libavahi-client3
	fi
	echo "$missing"
}

system_packages() {
	case "$(uname -s)" in
	Linux) ;;
	Darwin)
		[ -e /opt/homebrew/include/portaudio.h ] || [ -e /usr/local/include/portaudio.h ] ||
			say "for live sound: brew install portaudio && $again"
		return 0 ;;
	*) return 0 ;;
	esac
	packages=$(missing_packages)
	[ -n "$packages" ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		say "installing$packages"
		export DEBIAN_FRONTEND=noninteractive
		# A list of words is meant:
		# shellcheck disable=SC2086,SC2015
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages >/dev/null ||
			say "that failed; going on without"
	else
		say "some parts (live sound$([ "$purpose" = test ] && echo ', some tests')) need system packages:"
		say "  sudo apt-get install --no-install-recommends$packages"
		say "and then: $again"
	fi
}

find_python() {
	for candidate in python3 python3.13 python3.12 python3.11; do
		if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			echo "$candidate"
			return 0
		fi
	done
	say "Python 3.11 or newer is needed, and none was found"
	exit 1
}

system_packages
python=$(find_python)
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip=".venv/bin/python -m pip --disable-pip-version-check"
extras=""
[ "$purpose" = test ] && extras="[test]"
say "installing Python packages (a few minutes the first time)"
$pip install --quiet --constraint constraints.txt --editable ".$extras"
$pip install --quiet --constraint constraints.txt PyAudio 2>/dev/null ||
	say "PyAudio could not be built, so live sound is off: it needs a C compiler and PortAudio's headers"
say "done: .venv/bin/vjnode --help"
