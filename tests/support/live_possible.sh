#!/bin/sh
# Says what is missing for live sites on this machine, if anything: root, programs where nodes look for them, namespaces, and an overlay
# on the root file system.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
for tool in bash busybox containerd curl docker dockerd etcd etcdctl ip mariadbd mariadb-install-db nsenter openssl python3 runc strace unshare; do
    command -v "$tool" >/dev/null || { echo "needs $tool"; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 1; }
unshare --net --mount --uts --ipc --pid --cgroup --fork sh -euc '
    mount -t tmpfs disk /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
    ip link add switch type bridge' 2>/dev/null || { echo "needs namespaces, an overlay on /, and a bridge"; exit 1; }
