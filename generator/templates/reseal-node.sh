#!/bin/sh
# Runs the executor of this machine's architecture, from the folder that this script lies in.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
case $(uname -m) in
x86_64 | amd64) arch=x86_64 ;;
aarch64 | arm64) arch=aarch64 ;;
*)
    echo "error: no executor for a machine of type $(uname -m)" >&2
    echo "hint: nodes are x86_64 or aarch64; 节点架构应为 x86_64 或 aarch64" >&2
    exit 1
    ;;
esac
executor=$here/executor/linux-$arch/reseal-node
if [ ! -e "$executor" ]; then
    echo "error: this bundle has no executor for $arch" >&2
    echo "hint: build it again with --executor PATH for $arch; 请用 --executor 加入 $arch 的执行程序后重新打包" >&2
    exit 1
fi
if [ ! -x "$executor" ]; then
    echo "error: $executor cannot be executed: the medium keeps no permissions or is mounted noexec" >&2
    echo "hint: unpack the tarball on the node's own disk, for example under /root; 请将压缩包解压到节点本地磁盘（如 /root）后再运行" >&2
    exit 1
fi
exec "$executor" "$@"
