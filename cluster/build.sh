# shellcheck shell=bash
# Makes the programs of the cluster with Go, for ci/cluster. What is made is named by all that it is made of, and made once.

# version_of WORD: what go.mod says of Kubernetes or of Go itself
version_of() {
    sed -nE "s|^\s*$1 (v?[0-9a-z.]+)\$|\1|p" "$here/go.mod" | head -n 1
}

# Go needs a go command to be fetched with. Debian's is too old for Kubernetes, and good enough for that.
any_go() {
    command -v go || {
        need golang-1.19-go >&2
        echo /usr/lib/go-1.19/bin/go
    }
}

# fetch_go GO MODULE VERSION: fetch a toolchain as what the go command itself takes it for, a module. Modules hold no executable files
fetch_go() (
    folder=$cluster_cache/go
    wanted=$(sed -nE "s|^$2 $3 (.*)|\1|p" "$here/toolchain.sum")
    [ -n "$wanted" ] || fail "toolchain.sum has no line for $2 $3: this machine's architecture has not been tried yet"
    mkdir -p "$folder"
    answer=$(cd "$folder" && GOTOOLCHAIN=local GOMODCACHE=$folder GOFLAGS=-modcacherw timeout 900 "$1" mod download -json "$2@$3") || {
        echo "$answer" >&2
        fail "Go could not be fetched"
    }
    grep -qF "\"Sum\": \"$wanted\"" <<<"$answer" || fail "what came for $2 $3 is not what toolchain.sum says: $answer"
    rm -rf "$folder/cache"
    chmod +x "$folder/$2@$3"/pkg/tool/*/* "$folder/$2@$3/bin/"*
)

# set_go: make $go the go command of the version that go.mod names. The machine's own, if it is that
set_go() {
    local wanted module=golang.org/toolchain version found
    wanted=$(version_of toolchain)
    version=v0.0.1-$wanted.linux-$(dpkg --print-architecture)
    need ca-certificates
    go=$(command -v go) && [ "$(cd / && GOTOOLCHAIN=local "$go" env GOVERSION)" = "$wanted" ] && return
    go=$cluster_cache/go/$module@$version/bin/go
    if [ ! -x "$go" ]; then
        found=$(any_go)
        step "fetching Go ($wanted)" fetch_go "$found" "$module" "$version"
    fi
    unset GOROOT # it would be another one's
}

# compile FOLDER LDFLAGS OUT
compile() {
    (cd "$here" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 nice -n "${KUBEXIT_CLUSTER_NICE:-10}" \
        timeout "${KUBEXIT_CLUSTER_BUILD_LIMIT:-3600}" "$go" build -p "${KUBEXIT_CLUSTER_JOBS:-$(nproc)}" \
        -trimpath -buildvcs=false -ldflags "-s -w $2" -o "$3.new" "./$1") || return
    mv "$3.new" "$3"
}

# program FOLDER [LDFLAGS]: make $bin/FOLDER, unless it was made of the same sources
program() {
    local flags=${2-} key
    key=$(cd "$here" && cat go.mod go.sum "$1"/*.go <(echo "$flags" "$(dpkg --print-architecture)") | sha256sum | cut -c 1-16)
    if [ ! -x "$bin/$1-$key" ]; then
        set_go
        step "building $1" compile "$1" "$flags" "$bin/$1-$key"
    fi
    ln -sfn "$1-$key" "$bin/$1"
}

# An image is a layer, its configuration, and a list of both.
pause_image() {
    local work=$cluster_cache/pause
    rm -rf "$work" && mkdir -p "$work"
    tar -C "$bin" --dereference --owner=0 --group=0 --mtime=@0 -cf "$work/layer.tar" pause
    cat >"$work/config.json" <<JSON
{"architecture": "$(dpkg --print-architecture)", "os": "linux", "config": {"Entrypoint": ["/pause"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$(sha256sum <"$work/layer.tar" | cut -d ' ' -f 1)"]}}
JSON
    echo '[{"Config": "config.json", "RepoTags": ["localhost/kubexit-pause:1"], "Layers": ["layer.tar"]}]' >"$work/manifest.json"
    tar -C "$work" -cf "$bin/pause.tar.new" manifest.json config.json layer.tar
    mv "$bin/pause.tar.new" "$bin/pause.tar"
    rm -r "$work"
}

build() {
    local version package=k8s.io/component-base/version called
    version=$(version_of k8s.io/kubernetes)
    mkdir -p "$bin"
    # without these all of them call themselves v0.0.0-master
    program programs "-X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d . -f 2 <<<"$version") -X $package.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=$version"
    for called in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl; do
        ln -sfn programs "$bin/$called"
    done
    program pause
    [ "$bin/pause.tar" -nt "$bin/pause" ] || pause_image
}
