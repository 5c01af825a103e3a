# shellcheck shell=bash
# What the scripts of this folder share. Each begins with:   . "$(dirname "$0")/lib.sh"
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache
python=/usr/bin/python3.11 # Debian's: it is the one that is frozen, and others have no libpython3.11.a made for fixed addresses
begun=${EPOCHREALTIME//[!0-9]/}
# The packages that each job needs of Debian 12. git is left out on purpose: without it the program says that its commit is unknown.
# shellcheck disable=SC2034  # for the scripts
freeze_packages=(python3.11 python3.11-venv libpython3.11-dev libssl3 zlib1g-dev libc6-dev gcc musl-tools make binutils patchelf openssl)

# say WORDS...: a line of progress, with the seconds since the script began
say() {
    local tenths=$(((${EPOCHREALTIME//[!0-9]/} - begun) / 100000))
    printf '%4d.%d s  %s\n' $((tenths / 10)) $((tenths % 10)) "$*"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# step WORDS COMMAND...: run COMMAND, say before and after it what it is about; where it fails, show the end of what it wrote
step() {
    local words=$1 begin=${EPOCHREALTIME//[!0-9]/} log
    log=$cache/log/${0##*/}-${words//[!a-zA-Z0-9]/-}
    log=${log:0:120}.log
    shift
    mkdir -p "$cache/log"
    say "$words ..."
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        fail "failed: $words. The whole output is in $log"
    fi
    local tenths=$(((${EPOCHREALTIME//[!0-9]/} - begin) / 100000))
    say "$words: done in $((tenths / 10)).$((tenths % 10)) s"
}

as_root() {
    if [ "$EUID" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo: $*"
    fi
}

install_packages() {
    as_root apt-get -q update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}

# need PACKAGE...: install those of the Debian packages that are missing
need() {
    local package missing=()
    command -v apt-get >/dev/null || fail "this script is for Debian 12: there is no apt-get here. It needs: $*"
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] || step "installing Debian packages (${missing[*]})" install_packages "${missing[@]}"
}

# carries_overlay FOLDER: whether images can be laid over each other there. Not where an overlay lies already, such as a container's own root: the
# kernel refuses to mount another one, or to remove files in it
carries_overlay() {
    local probe=$1/probe status=0 overlay='mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged'
    mkdir -p "$probe"/{lower,upper,work,merged}
    touch "$probe/lower/file"
    (cd "$probe" && as_root unshare --mount bash -c "$overlay && rm merged/file && mkdir merged/file") || status=1
    as_root rm -rf "$probe"
    return "$status"
}

# environment FOLDER STAMP: make a virtual environment anew unless it was made for this STAMP; succeeds if it has to be filled. The one
# who fills it writes the stamp, last, so that an interrupted filling is done again
environment() {
    [ "$(cat "$1/stamp" 2>/dev/null)" != "$2" ] || return 1
    rm -rf "$1"
    "$python" -m venv "$1"
}

# describe_commit: set commit to what --version shows, with -dirty for what is in no commit, and SOURCE_DATE_EPOCH to the commit's time, for
# all that wants a time. Where the history is not at hand, as in a container that builds, KUBEXIT_COMMIT and SOURCE_DATE_EPOCH give them.
# shellcheck disable=SC2034  # for the scripts
describe_commit() {
    local git=(git -C "$root" -c "safe.directory=$root")
    commit=$("${git[@]}" rev-parse --short=12 HEAD 2>/dev/null) || commit=
    if [ -n "$commit" ]; then
        [ -z "$("${git[@]}" status --porcelain)" ] || commit+=-dirty
        SOURCE_DATE_EPOCH=$("${git[@]}" log -1 --format=%ct)
    fi
    commit=${commit:-${KUBEXIT_COMMIT-}}
    export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
}

tests_venv=$cache/venv-dev

# prepare_tests PACKAGE...: install what all tests need, and those Debian packages besides. Python's packages go to $tests_venv
prepare_tests() {
    local stamp
    need python3.11 python3.11-venv libc6-dev gcc musl-tools bash "$@"
    stamp=$(sha256sum <"$root/requirements-dev.txt")
    if environment "$tests_venv" "$stamp"; then
        PIP_DISABLE_PIP_VERSION_CHECK=1 step "installing the tools for tests" "$tests_venv/bin/pip" install --require-hashes -r "$root/requirements-dev.txt"
        echo "$stamp" >"$tests_venv/stamp"
    fi
}
