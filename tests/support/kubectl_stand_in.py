#!/usr/bin/env python3
"""A double of kubectl, as far as reseal and the by-hand procedure use it: `version`, `get pods`, `delete pod`.

It knows this node's pods from the stand-in of the kubelet, and those of other nodes from ELSEWHERE; whoever deletes one of the latter is
told that it is deleted, and the deed is recorded in DELETED_ELSEWHERE. It refuses when the API server does not answer."""
import argparse
import http.client
import json
import os
import sys
import time

PODS = "/run/kubelet-stand-in/pods.json"
DELETED = "/run/kubelet-stand-in/deleted"
ELSEWHERE = "/etc/kubectl-stand-in/elsewhere.json"
DELETED_ELSEWHERE = "/var/log/kubectl-stand-in.deleted-elsewhere"
VERSION = 'version.Info{Major:"2", Minor:"1+", GitVersion:"v2.1.0-tos-final-build-20220805-tdh", GoVersion:"go1.12.10", Platform:"linux/amd64"}'
POD_WORDS = ("po", "pod", "pods")


def server_answers():
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=8)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def here():
    with open(PODS) as pods:
        return json.load(pods)


def elsewhere():
    try:
        with open(ELSEWHERE) as pods:
            return json.load(pods)
    except FileNotFoundError:
        return []


def get(options):
    pods = [pod for pod in here() + elsewhere() if pod["metadata"]["namespace"] == options.namespace]
    if options.names:
        pods = [pod for pod in pods if pod["metadata"]["name"] in options.names]
    if options.output == "json":
        print(json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}, indent=4))
    elif options.output == "name":
        print(*("pod/" + pod["metadata"]["name"] for pod in pods), sep="\n")
    elif not pods:
        print(f"No resources found in {options.namespace} namespace.", file=sys.stderr)
    else:
        print_table(pods, options.output == "wide")


def print_table(pods, wide):
    print("NAME READY STATUS RESTARTS AGE" + (" IP NODE" if wide else ""))
    for pod in pods:
        statuses = pod["status"].get("containerStatuses", [])
        ready = f"{sum(status['ready'] for status in statuses)}/{len(statuses)}"
        row = [pod["metadata"]["name"], ready, pod["status"]["phase"], sum(status["restartCount"] for status in statuses), "1d"]
        print(*row, *(["<none>", pod["spec"]["nodeName"]] if wide else []))


def delete(options):
    missing = False
    for name in options.names:
        name = name.removeprefix("pod/")
        if is_among(here(), name, options.namespace):
            with open(os.path.join(DELETED, name), "w"):
                pass
            wait_until_gone(name, options)
        elif is_among(elsewhere(), name, options.namespace):
            with open(DELETED_ELSEWHERE, "a") as record:
                record.write(name + "\n")
        else:
            print(f'Error from server (NotFound): pods "{name}" not found', file=sys.stderr)
            missing = True
            continue
        print(f'pod "{name}" deleted')
    return 1 if missing else 0


def is_among(pods, name, namespace):
    return any(pod["metadata"]["name"] == name and pod["metadata"]["namespace"] == namespace for pod in pods)


def wait_until_gone(name, options):
    """As kubectl waits; the mirror of a static pod is there again at once."""
    end = time.monotonic() + 60
    while options.wait and time.monotonic() < end and os.path.exists(os.path.join(DELETED, name)):
        time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(prog="kubectl")
    parser.add_argument("verb", choices=["delete", "get", "version"])
    parser.add_argument("kind", nargs="?", default="pods")
    parser.add_argument("names", nargs="*")
    parser.add_argument("-n", "--namespace", default="default")
    parser.add_argument("-o", "--output", default="")
    parser.add_argument("--wait", type=lambda text: text != "false", default=True)
    parser.add_argument("--grace-period")
    parser.add_argument("--request-timeout")
    options = parser.parse_intermixed_args()
    output = next((word for word in ("json", "name", "wide") if options.output == word), "")
    options.output = output
    if options.kind.startswith("pod/"):
        options.kind, options.names = "pods", [options.kind] + options.names
    if options.verb == "version":
        print("Client Version:", VERSION)
    if not server_answers():
        print("The connection to the server localhost:8080 was refused - did you specify the right host or port?", file=sys.stderr)
        return 1
    if options.verb == "version":
        print("Server Version:", VERSION)
        return 0
    if options.kind not in POD_WORDS:
        print(f'error: the server doesn\'t have a resource type "{options.kind}"', file=sys.stderr)
        return 1
    return delete(options) if options.verb == "delete" else get(options)


if __name__ == "__main__":
    sys.exit(main())
