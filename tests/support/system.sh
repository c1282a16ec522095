#!/bin/sh
# Installs what the tests run beside Python, or says plainly what is missing.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need chromium chromium
need pdfsig poppler-utils
need qpdf qpdf
need openssl openssl
need zbarimg zbar-tools
need turnserver coturn
need redis-server redis-server
need ip iproute2
need softhsm2-util softhsm2
[ -n "$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null)" ] || missing="$missing postgresql"
[ -n "$(ls /usr/share/fonts/truetype/hanazono/HanaMinB.ttf 2>/dev/null)" ] || missing="$missing fonts-hanazono"
[ -n "$(ls /usr/share/fonts/truetype/babelstone/BabelStoneHan.ttf 2>/dev/null)" ] || missing="$missing fonts-babelstone-han"
fc-list 2>/dev/null | grep -qi "noto.*cjk" || missing="$missing fontconfig fonts-noto-cjk"
# What only a benchmark runs beside is named by its caller.
for program in "$@"; do need "$program" "$program"; done
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then sudo=""; elif command -v sudo >/dev/null 2>&1; then sudo="sudo"; else sudo="none"; fi
    if [ "$sudo" != none ]; then
        echo "installing:$missing"
        $sudo apt-get update -q >/dev/null
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $missing >/dev/null
        exit 0
    fi
fi
echo "The tests need these Debian packages, and this account may not install them:$missing" >&2
exit 1
