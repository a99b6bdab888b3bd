#!/bin/sh
# Installs what the tests need besides Go, or says in one line what to install.
# It is run by `make tools`, which `make test` runs first.
set -eu

# have NAME...: is any of these on the path?
have() {
	for name in "$@"; do
		command -v "$name" >/dev/null 2>&1 && return 0
	done
	return 1
}

# install PACKAGE WHAT: installs a Debian package if this is such a system and we may.
install() {
	if have apt-get && [ "$(id -u)" = 0 ]; then
		echo "installing $1 ($2)"
		if [ -z "${updated:-}" ]; then
			apt-get update -qq
			updated=yes
		fi
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1 >/dev/null
		return
	fi
	echo "make test needs $2: install it, for example with: sudo apt-get install $1" >&2
	exit 1
}

have curl || install curl "curl, for the lines that the README has people paste"
have node || install nodejs "Node.js 18 or newer, for the vendors' SDKs"
have npm || install npm "npm, for the vendors' SDKs"
have python3 || install python3 "Python 3.11 or newer, for the example in Python"
have chromium chromium-browser google-chrome google-chrome-stable || install "chromium" "Chromium, for the browser tests"
[ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || have initdb || install postgresql "PostgreSQL 15 or newer, of which the tests start a server of their own"
