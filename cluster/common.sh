# shellcheck shell=bash disable=SC2034
# What ci/cluster and the scripts of this folder share, ci/lib.sh with it.
. "$(dirname "${BASH_SOURCE[0]}")/../ci/lib.sh"
PATH+=:/usr/sbin:/sbin # after a plain su they are not there

here=$root/cluster
number=${KUBEXIT_CLUSTER_NUMBER:-0}
cluster_cache=${KUBEXIT_CLUSTER_CACHE:-$cache/cluster}
patience=${KUBEXIT_CLUSTER_PATIENCE:-180}
bin=$cluster_cache/bin
state=$cluster_cache/state-$number # of one run; in the node it is /run/cluster
kubeconfig=$state/kubeconfig
logs=$state/log

name=kubexit-$number # of the link and of the cgroups
network=${KUBEXIT_CLUSTER_NETWORK:-10.201.$number}
machine_address=$network.1 # this end of the link
node_address=$network.2
pods=$network.128/25
# These are seen in the node only.
node_name=node
services=10.96.0.0/16
api_service=10.96.0.1 # the first of them: what the service "kubernetes" gets

[[ $number =~ ^[0-9]{1,2}$ ]] || fail "KUBEXIT_CLUSTER_NUMBER is $number: it has to be a number from 0 to 99"
[[ $patience =~ ^[0-9]+$ ]] || fail "KUBEXIT_CLUSTER_PATIENCE is $patience: it has to be a number of seconds"
[[ $network =~ ^[0-9]{1,3}(\.[0-9]{1,3}){2}$ ]] || fail "KUBEXIT_CLUSTER_NETWORK is $network: it has to be the first three numbers of a network, such as 10.201.0"
[[ $cluster_cache == /* ]] || fail "KUBEXIT_CLUSTER_CACHE is $cluster_cache: it has to be a path from the root"

# start_time PID: when that process was started. With the pid it names a process for good: pids are used again
start_time() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra fields <<<"${stat##*) }" # the name in front may hold anything
    echo "${fields[19]}"
}

# node_pid: the pid of the node's first process; fails if it does not run
node_pid() {
    local pid started
    read -r pid started 2>/dev/null <"$state/pid" || return 1
    [ "$(start_time "$pid")" = "$started" ] || return 1
    echo "$pid"
}

# The node's programs are never started again: one that ends is noted by init, and nobody has to wait for what cannot come.
check_whole() {
    [ ! -e "$state/failed" ] || fail "$(head -n 1 "$state/failed"). The outputs are in $logs; ci/cluster down clears it away"
}

# wait_for SECONDS WORDS COMMAND...: until COMMAND succeeds
wait_for() {
    local end=$((SECONDS + $1)) words=$2
    shift 2
    until timeout 30 "$@" >/dev/null 2>&1; do
        check_whole
        [ "$SECONDS" -lt "$end" ] || fail "waited too long for $words. The outputs are in $logs; ci/cluster down clears it away"
        sleep 0.2
    done
}
