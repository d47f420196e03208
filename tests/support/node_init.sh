#!/usr/bin/env bash
# The first process of a simulated node, already in namespaces of its own: builds its root, moves into it, says "ready", and stays until
# its standard input ends, which is when the test that started it is gone. Bash takes care of orphans meanwhile.
#
# NODE: the host name. DISK: a folder on a file system that is not an overlay; what it holds outlives the node.
set -euo pipefail
hostname "$NODE"
mkdir -p "$DISK"/{upper,work,root,docker}
mount -t overlay overlay -o "lowerdir=/,upperdir=$DISK/upper,workdir=$DISK/work" "$DISK/root"
cd "$DISK/root"
mkdir -p proc sys dev run tmp var/lib/docker .former

mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 run run
mount -t tmpfs tmp tmp
# Programs come from the distribution's packages, not from what else this machine may have.
for folder in usr/local/bin usr/local/sbin; do
    [ ! -d "$folder" ] || mount -t tmpfs -o ro,mode=755 empty "$folder"
done
# The overlay driver of docker does not work on an overlay.
mount --bind "$DISK/docker" var/lib/docker

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup sys/fs/cgroup
    # A group that holds processes cannot hand controllers on.
    mkdir -p sys/fs/cgroup/init
    while read -r process; do echo "$process" >sys/fs/cgroup/init/cgroup.procs; done <sys/fs/cgroup/cgroup.procs || true
    for controller in $(cat sys/fs/cgroup/cgroup.controllers); do
        echo "+$controller" >sys/fs/cgroup/cgroup.subtree_control || true
    done
else
    mount -t tmpfs cgroup sys/fs/cgroup
    for controller in cpu cpuacct cpuset memory devices freezer blkio pids none,name=systemd; do
        folder=sys/fs/cgroup/${controller#none,name=}
        mkdir "$folder"
        mount -t cgroup -o "$controller" cgroup "$folder" 2>/dev/null || rmdir "$folder"
    done
fi

pivot_root . .former
cd /
umount --lazy /.former
rmdir /.former
# A resolver on a closed network would only wait.
{ : >/etc/resolv.conf; } 2>/dev/null || true
echo ready
read -r _ || true
