#!/usr/bin/env bash
# fetch_etcd.sh VERSION FOLDER: puts `etcd` and `etcdctl` of a minor version (3.4, 3.5) into FOLDER.
#
# Where the installed etcd is of that version, it is linked to. Otherwise the packages of the Debian release that has it are fetched from
# the mirror that this machine's apt is configured with, checked by apt's keys, and unpacked; nothing is installed. Prints why it cannot.
set -euo pipefail
version=$1
folder=$(realpath -m "$2")

is_wanted() { [ -x "$1/etcdctl" ] && case $("$1/etcd" --version 2>/dev/null) in "etcd Version: $version."*) true ;; *) false ;; esac; }

is_wanted "$folder" && exit 0
mkdir -p "$folder"
if is_wanted /usr/bin; then
    ln -sf /usr/bin/etcd /usr/bin/etcdctl "$folder/"
    exit 0
fi

case $version in
3.4) release=bookworm ;;
3.5) release=trixie ;;
*) echo "no Debian release with etcd $version is known here"; exit 1 ;;
esac
mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian Debian //p' | head -n 1)
[ -n "$mirror" ] || { echo "apt here has no Debian mirror, from which etcd $version would come"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$work/sources.list"
apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists"
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o APT::Default-Release= -o Acquire::Languages=none)
cd "$work"
{ "${apt[@]}" update && "${apt[@]}" download etcd-server etcd-client; } >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
install -m 755 unpacked/usr/bin/etcd unpacked/usr/bin/etcdctl "$folder/"
is_wanted "$folder" || { echo "what was fetched for etcd $version does not run here:"; "$folder/etcd" --version; exit 1; }
