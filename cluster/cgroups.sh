# shellcheck shell=bash
# The node's control groups, for cluster/node: one folder called $name, in every hierarchy of version 1 or in the one of version 2.

cgroup=/sys/fs/cgroup

unified() {
    [ "$(stat -f -c %T "$cgroup")" = cgroup2fs ]
}

make_cgroups() {
    if unified; then
        make_unified_cgroup
    elif [ -e "$cgroup/memory/cgroup.clone_children" ]; then
        make_legacy_cgroups
    else
        fail "there are no control groups below $cgroup, of neither version: they have to be mounted there"
    fi
}

make_legacy_cgroups() {
    local hierarchy file
    for hierarchy in "$cgroup"/*/; do
        [ ! -e "${hierarchy}cgroup.clone_children" ] || mkdir -p "$hierarchy$name" # those without are of version 2, on a machine with both
    done
    for file in cpuset.cpus cpuset.mems; do # a new one is empty, and nothing can run in it
        cat "$cgroup/cpuset/$file" >"$cgroup/cpuset/$name/$file"
    done
}

# The kubelet wants all controllers that it knows of. What has to be turned on for the machine's children is noted, and turned off again.
make_unified_cgroup() {
    local controller on
    for controller in cpu cpuset memory pids hugetlb; do
        grep -qw "$controller" "$cgroup/cgroup.controllers" || continue
        on=$(cat "$cgroup/cgroup.subtree_control")
        [[ " $on " != *" $controller "* ]] || continue
        echo "+$controller" >"$cgroup/cgroup.subtree_control" 2>/dev/null ||
            fail "the controller $controller cannot be turned on in $cgroup/cgroup.subtree_control. In a container: its root group holds processes; move them into a child first"
        echo "$controller" >>"$state/controllers"
    done
    mkdir -p "$cgroup/$name"
}

# our_cgroups: all folders, the deepest first
our_cgroups() {
    local parents=("$cgroup/")
    unified || parents=("$cgroup"/*/)
    find "${parents[@]/%/$name}" -depth -type d 2>/dev/null || true
}

# The kernel takes a moment to be done with the processes that were in there.
remove_cgroups() {
    local end=$((SECONDS + 30)) controller
    until [ -z "$(our_cgroups)" ]; do
        our_cgroups | xargs -r rmdir 2>/dev/null || true
        [ "$SECONDS" -lt "$end" ] || fail "these control groups are in use and cannot be removed: $(our_cgroups | paste -s -d ' ')"
        [ -z "$(our_cgroups)" ] || sleep 0.1
    done
    [ -e "$state/controllers" ] || return 0
    while read -r controller; do # fails where somebody uses it by now
        echo "-$controller" >"$cgroup/cgroup.subtree_control" 2>/dev/null || true
    done <"$state/controllers"
}
