# shellcheck shell=bash
# Keys, certificates and kubeconfig files of one run, for cluster/node. Every program has its own, with no more rights than on any cluster.

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650)

# certificate NAME SUBJECT USAGE [ALTERNATIVE NAMES]
certificate() {
    local extensions=(-addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=$3")
    [ -z "${4-}" ] || extensions+=(-addext "subjectAltName=$4")
    openssl req -x509 -CA ca.crt -CAkey ca.key "${new_key[@]}" -subj "$2" "${extensions[@]}" -keyout "$1.key" -out "$1.crt"
}

# kubeconfig_for NAME SERVER
kubeconfig_for() {
    cat <<YAML
apiVersion: v1
kind: Config
clusters:
- name: kubexit
  cluster: {server: "$2", certificate-authority-data: $(base64 -w 0 ca.crt)}
users:
- name: $1
  user: {client-certificate-data: $(base64 -w 0 "$1.crt"), client-key-data: $(base64 -w 0 "$1.key")}
contexts:
- name: kubexit
  context: {cluster: kubexit, user: $1}
current-context: kubexit
YAML
}

make_certificates() {
    local api=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
    openssl req -x509 "${new_key[@]}" -subj /CN=kubexit-ca -keyout ca.key -out ca.crt &&
        openssl genrsa -out service-accounts.key 2048 &&
        certificate api-server /CN=kube-apiserver serverAuth "$api,IP:127.0.0.1,IP:$api_service,IP:$node_address" &&
        certificate api-server-client /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth &&
        certificate kubelet-server "/O=system:nodes/CN=system:node:$node_name" serverAuth "DNS:$node_name,IP:$node_address" &&
        certificate kubelet "/O=system:nodes/CN=system:node:$node_name" clientAuth &&
        certificate controller-manager /CN=system:kube-controller-manager clientAuth &&
        certificate scheduler /CN=system:kube-scheduler clientAuth &&
        certificate admin /O=system:masters/CN=admin clientAuth
}

make_keys() (
    mkdir -m 700 "$state/keys" && cd "$state/keys" || exit
    make_certificates >"$logs/keys.log" 2>&1 || fail "openssl could not make the certificates: $(tail -n 3 "$logs/keys.log")"
    for each in kubelet controller-manager scheduler; do
        kubeconfig_for "$each" https://127.0.0.1 >"$each.conf"
    done
    (umask 077 && kubeconfig_for admin "https://$node_address" >"$kubeconfig")
    chown --reference="$cluster_cache" "$kubeconfig" # with sudo: of the one who calls
)
