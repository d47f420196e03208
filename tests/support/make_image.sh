#!/usr/bin/env bash
# make_image.sh ETCD_FOLDER ARCHIVE: writes the one root file system that all containers of a site share, for `docker import`:
# etcd and etcdctl with the libraries that they need, busybox, and the stand-ins of `image/`.
set -euo pipefail
etcd=$(realpath "$1")
archive=$(realpath -m "$2")
here=$(dirname "$(realpath "$0")")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p -m 755 "$root"/{bin,etc,srv,var/lib}
mkdir -m 1777 "$root/tmp"
cp -L "$etcd/etcd" "$etcd/etcdctl" /bin/busybox "$here"/image/* "$root/bin/"
for program in sh cat cp nc sleep timeout; do ln -s busybox "$root/bin/$program"; done
for library in $({ ldd "$etcd/etcd"; ldd "$etcd/etcdctl"; ldd /bin/busybox; } 2>/dev/null | grep -o '/[^ :)]*' | sort -u); do
    mkdir -p -m 755 "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
tar --owner=0 --group=0 -C "$root" -cf "$archive.$$" .
mv "$archive.$$" "$archive"
