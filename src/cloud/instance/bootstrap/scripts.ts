/** Shell scripts that a machine runs before it joins. They are the same for every machine: what differs comes as arguments. */

const beginning = String.raw`#!/bin/bash
set -euo pipefail

# The network of a machine that has just booted, and the servers of others, may need a moment.
attempt() {
  local wait
  for wait in 5 10 20 40; do
    "$@" && return 0
    sleep "$wait"
  done
  "$@"
}

swapoff -a
sed -i -E 's/^([^#].*[[:space:]]swap[[:space:]])/#\1/' /etc/fstab
`

/**
 * Brings what kubeadm needs, where the image has it not: containerd, and kubelet and kubeadm of the version in $1 (1.36.3) from
 * the repository of its release in $2 (1.36). For Debian and Ubuntu; on others the image has to bring all three.
 */
export const prepareForKubeadm = String.raw`${beginning}
modprobe overlay
modprobe br_netfilter
sysctl --system > /dev/null

export DEBIAN_FRONTEND=noninteractive
apt() { attempt apt-get -o DPkg::Lock::Timeout=300 "$@"; }

repository() { # name, key, line
  install -d -m 0755 /etc/apt/keyrings
  attempt curl -fsSL "$2" -o "/etc/apt/keyrings/$1.asc"
  echo "deb [signed-by=/etc/apt/keyrings/$1.asc] $3" > "/etc/apt/sources.list.d/$1.list"
}

has() { command -v "$1" > /dev/null; }

tools() {
  apt update
  apt install -y ca-certificates curl conntrack
}

if ! has containerd; then
  . /etc/os-release
  tools
  repository docker "https://download.docker.com/linux/$ID/gpg" "https://download.docker.com/linux/$ID $VERSION_CODENAME stable"
  apt update
  apt install -y containerd.io
  # The package comes with the part switched off that kubelets talk to.
  install -d /etc/containerd
  containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' > /etc/containerd/config.toml
  systemctl restart containerd
fi

if ! has kubeadm || ! has kubelet; then
  tools
  packages="https://pkgs.k8s.io/core:/stable:/v$2/deb/"
  repository kubernetes "$packages"Release.key "$packages /"
  apt update
  apt install -y "kubelet=$1-*" "kubeadm=$1-*"
  apt-mark hold kubelet kubeadm
fi

systemctl enable --now containerd
systemctl enable kubelet
`

/** Brings k3s's installer, in the file $1; it takes the k3s that the image has, if that is of the right version. */
export const prepareForK3s = String.raw`${beginning}
attempt curl -fsSL https://get.k3s.io -o "$1"
`
