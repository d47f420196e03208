#!/usr/bin/env python3
"""A double of the kubelet: keeps the containers of static pods, and of pods "assigned by the API server", through docker's socket.

It does as kubelet 1.20 with dockershim was seen to do, where reseal depends on it:
  - every file of the manifest folder is a static pod, but those whose names begin with a dot; a copy with the same content is taken for
    the same pod, and taking it away restarts that; a copy with other content is a second pod
  - a pod has a pause container k8s_POD_<pod>_<namespace>_<uid>_<attempt> and containers k8s_<container>_<pod>_<namespace>_<uid>_<attempt>
  - a container that ends is started again, at once the first time, then after 10 s, doubled up to 300 s
  - the folder is looked at in a period, not watched; pods go and come independently of each other
  - a pod that the API server assigned and that is deleted there comes back under another name

Quirks are files in QUIRKS, and count from when they appear: no-remove (a manifest that vanishes is ignored), no-start (one that appears is
ignored), slow-stop (a pod goes SLOW_STOP s late), dead-left (ended containers are not removed)."""
import argparse
import hashlib
import http.client
import json
import os
import random
import re
import socket
import threading
import time
import urllib.parse

STATE = "/run/kubelet-stand-in"
QUIRKS = STATE + "/quirks"
DELETED = STATE + "/deleted"
PODS = STATE + "/pods.json"
ASSIGNED = "/var/lib/kubelet-stand-in.json"
HOST = socket.gethostname()
NAME = re.compile(r"k8s_([^_]+)_([^_]+)_([^_]+)_([^_]+)_(\d+)$")
BACK_OFF, LONGEST_BACK_OFF = 10, 300


def say(*words):
    print(time.strftime("%H:%M:%S"), *words, flush=True)


def quirk(name):
    return os.path.exists(os.path.join(QUIRKS, name))


class DockerError(Exception):
    pass


class Docker(http.client.HTTPConnection):
    """One request to the engine."""

    def __init__(self):
        super().__init__("docker", timeout=120)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect("/var/run/docker.sock")

    @classmethod
    def ask(cls, method, path, body=None, **query):
        engine = cls()
        try:
            query = "?" + urllib.parse.urlencode(query) if query else ""
            headers = {"Content-Type": "application/json"} if body is not None else {}
            engine.request(method, path + query, None if body is None else json.dumps(body), headers)
            response = engine.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise DockerError(f"{method} {path}: {error}") from error
        finally:
            engine.close()
        if response.status >= 400:
            raise DockerError(f"{method} {path}: {response.status} {content.decode(errors='replace').strip()}")
        return json.loads(content) if content.startswith((b"{", b"[")) else None


class Container:
    """A container that a kubelet made."""

    def __init__(self, listed, match):
        self.id = listed["Id"]
        self.name, self.pod, self.namespace, self.uid = match.groups()[:4]
        self.attempt = int(match[5])
        self.running = listed["State"] in ("running", "paused")

    @property
    def is_sandbox(self):
        return self.name == "POD"


def containers():
    found = []
    for listed in Docker.ask("GET", "/containers/json", all=1):
        match = NAME.search(listed["Names"][0].lstrip("/"))
        if match:
            found.append(Container(listed, match))
    return found


class Pod:
    """What is to run: a manifest under the name, and with the uid, that it has on this node."""

    def __init__(self, manifest, name, uid, source):
        self.manifest, self.name, self.uid, self.source = manifest, name, uid, source
        self.namespace = manifest["metadata"].get("namespace", "default")
        self.spec = manifest["spec"]
        self.grace = self.spec.get("terminationGracePeriodSeconds", 30)


class StaticPods:
    """The manifest folder, as far as it has been taken notice of."""

    def __init__(self, folder):
        self.folder, self.accepted, self.copies = folder, {}, {}

    def read(self):
        """Takes notice of the folder; gives the pods, and the uids of those one of several copies of which has gone."""
        found = {}
        for file in sorted(os.listdir(self.folder)):
            path = os.path.join(self.folder, file)
            if file.startswith(".") or not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as manifest:
                    found[file] = self.pod(manifest.read())
            except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
                say(f"{path} is no manifest: {error}")
        gone = [file for file, pod in self.accepted.items() if file not in found or found[file].uid != pod.uid]
        if quirk("no-remove"):
            gone = []
        restarted = set()
        for file in gone:
            uid = self.accepted.pop(file).uid
            if any(other.uid == uid for other in self.accepted.values()):
                restarted.add(uid)
        for file, pod in found.items():
            if file not in self.accepted and not quirk("no-start"):
                self.accepted[file] = pod
        return list({pod.uid: pod for pod in self.accepted.values()}.values()), restarted

    @staticmethod
    def pod(content):
        manifest = json.loads(content)
        uid = hashlib.md5(HOST.encode() + content).hexdigest()
        return Pod(manifest, f"{manifest['metadata']['name']}-{HOST}", uid, "file")


class AssignedPods:
    """The other folder: templates for which a controller behind the API server would keep one pod on this node."""

    def __init__(self, folder):
        self.folder = folder
        try:
            with open(ASSIGNED) as names:
                self.names = json.load(names)
        except OSError:
            self.names = {}

    def read(self):
        templates = {}
        for file in sorted(os.listdir(self.folder)):
            with open(os.path.join(self.folder, file)) as template:
                templates[file] = json.load(template)
        names = {file: self.names.get(file) or self.new_name(template) for file, template in templates.items()}
        for deleted in os.listdir(DELETED):
            names = {file: self.new_name(templates[file]) if name == deleted else name for file, name in names.items()}
            os.remove(os.path.join(DELETED, deleted))
        if names != self.names:
            self.names = names
            with open(ASSIGNED, "w") as kept:
                json.dump(names, kept)
        return [Pod(template, names[file], hashlib.md5(names[file].encode()).hexdigest(), "api") for file, template in templates.items()]

    @staticmethod
    def new_name(template):
        return template["metadata"]["generateName"] + "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))


class Kubelet:
    def __init__(self, options):
        self.options = options
        self.static, self.assigned = StaticPods(options.manifests), AssignedPods(options.assigned)
        self.busy = set()  # uids of pods that a thread works on
        self.ended = {}  # container id -> when it was first seen ended
        self.back_off = {}  # (uid, container) -> (seconds, when they were last made more)

    def once(self):
        pods, restarted = self.static.read()
        pods += self.assigned.read()
        present = containers()
        now = time.monotonic()
        self.ended = {c.id: self.ended.get(c.id, now) for c in present if not c.running}
        wanted = {pod.uid for pod in pods}
        for uid in {c.uid for c in present if c.uid not in wanted}:
            mine = [c for c in present if c.uid == uid]
            if any(c.running for c in mine) or not quirk("dead-left"):
                self.work(uid, self.take_down, mine, 30)
        for pod in pods:
            mine = [c for c in present if c.uid == pod.uid]
            if pod.uid in restarted:
                self.work(pod.uid, self.take_down, mine, pod.grace)
            elif any(self.due(pod, mine)):
                self.work(pod.uid, self.bring_up, pod, mine)
        self.publish(pods, present)

    def work(self, uid, task, *arguments):
        if uid in self.busy:
            return
        self.busy.add(uid)

        def thread():
            try:
                task(*arguments)
            except DockerError as error:
                say(error)
            finally:
                self.busy.discard(uid)

        threading.Thread(target=thread, daemon=True).start()

    def take_down(self, mine, grace):
        running = [c for c in mine if c.running]
        if running and quirk("slow-stop"):
            time.sleep(self.options.slow_stop)
        for container in sorted(mine, key=lambda c: c.is_sandbox):
            if container.running:
                Docker.ask("POST", f"/containers/{container.id}/stop", t=grace)
            if not quirk("dead-left"):
                Docker.ask("DELETE", f"/containers/{container.id}", force=1)
        if running:
            say(f"took down {running[0].pod}")

    def due(self, pod, mine):
        """What of a pod is missing and may be started now: the sandbox (None), or containers."""
        if not any(c.is_sandbox and c.running for c in mine):
            yield True
            return
        for spec in pod.spec["containers"]:
            same = [c for c in mine if c.name == spec["name"]]
            if not any(c.running for c in same) and not self.must_wait(pod, spec["name"], same):
                yield True

    def must_wait(self, pod, name, same):
        if not same:
            return False
        seconds, _ = self.back_off.get((pod.uid, name), (0, 0))
        last = max(same, key=lambda c: c.attempt)
        return time.monotonic() < self.ended.get(last.id, 0) + seconds

    def bring_up(self, pod, mine):
        sandbox = next((c.id for c in mine if c.is_sandbox and c.running), None)
        if sandbox is None:
            for container in mine:
                if container.running:
                    Docker.ask("POST", f"/containers/{container.id}/stop", t=pod.grace)
            sandbox = self.run(pod, "POD", mine, self.sandbox(pod))
        for spec in pod.spec["containers"]:
            same = [c for c in mine if c.name == spec["name"]]
            if not any(c.running for c in same) and not self.must_wait(pod, spec["name"], same):
                if same:
                    self.lengthen_back_off(pod, spec["name"])
                self.run(pod, spec["name"], mine, self.container(pod, spec, sandbox))

    def lengthen_back_off(self, pod, name):
        now, scale = time.monotonic(), self.options.back_off_scale
        seconds, since = self.back_off.get((pod.uid, name), (0, now))
        if now - since > 2 * LONGEST_BACK_OFF * scale:
            seconds = 0
        self.back_off[pod.uid, name] = (min(max(2 * seconds, BACK_OFF * scale), LONGEST_BACK_OFF * scale), now)

    def run(self, pod, name, mine, body):
        former = sorted((c for c in mine if c.name == name), key=lambda c: c.attempt)
        attempt = former[-1].attempt + 1 if former else 0
        for container in former[:-1]:
            if not quirk("dead-left"):
                Docker.ask("DELETE", f"/containers/{container.id}", force=1)
        labels = {"io.kubernetes.pod.name": pod.name, "io.kubernetes.pod.namespace": pod.namespace, "io.kubernetes.pod.uid": pod.uid,
                  "io.kubernetes.container.name": name, "io.kubernetes.docker.type": "podsandbox" if name == "POD" else "container"}
        full_name = f"k8s_{name}_{pod.name}_{pod.namespace}_{pod.uid}_{attempt}"
        created = Docker.ask("POST", "/containers/create", body | {"Labels": labels}, name=full_name)["Id"]
        Docker.ask("POST", f"/containers/{created}/start")
        say(f"started {full_name}")
        return created

    def sandbox(self, pod):
        network = "host" if pod.spec.get("hostNetwork") else "none"
        return {"Image": self.options.pause_image, "HostConfig": {"NetworkMode": network}}

    @staticmethod
    def container(pod, spec, sandbox):
        volumes = {volume["name"]: volume["hostPath"]["path"] for volume in pod.spec.get("volumes", [])}
        binds = [f"{volumes[mount['name']]}:{mount['mountPath']}:{'ro' if mount.get('readOnly') else 'rw'}" for mount in spec.get("volumeMounts", [])]
        network = "host" if pod.spec.get("hostNetwork") else f"container:{sandbox}"
        return {"Image": spec["image"], "Entrypoint": spec.get("command"), "Cmd": spec.get("args"),
                "Env": [f"{entry['name']}={entry['value']}" for entry in spec.get("env", [])],
                "HostConfig": {"Binds": binds, "NetworkMode": network}}

    def publish(self, pods, present):
        """What the API server would know of this node's pods, for the stand-in of kubectl."""
        listed = [self.published(pod, [c for c in present if c.uid == pod.uid]) for pod in pods]
        with open(PODS + ".new", "w") as new:
            json.dump(listed, new)
        os.rename(PODS + ".new", PODS)

    @staticmethod
    def published(pod, mine):
        statuses = []
        for spec in pod.spec["containers"]:
            same = [c for c in mine if c.name == spec["name"]]
            running = any(c.running for c in same)
            state = {"running": {}} if running else {"waiting": {"reason": "CrashLoopBackOff" if same else "ContainerCreating"}}
            statuses.append({"name": spec["name"], "image": spec["image"], "ready": running, "state": state,
                             "restartCount": max((c.attempt for c in same), default=0)})
        started = all(status["ready"] or status["restartCount"] for status in statuses)
        metadata = {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid, "annotations": {"kubernetes.io/config.source": pod.source}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod.spec | {"nodeName": HOST},
                "status": {"phase": "Running" if started else "Pending", "containerStatuses": statuses}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("manifests", help="the folder of static pods")
    parser.add_argument("--assigned", required=True, help="the folder of templates of pods that the API server assigned")
    parser.add_argument("--pause-image", required=True)
    parser.add_argument("--period", type=float, default=20, help="seconds between two looks")
    parser.add_argument("--back-off-scale", type=float, default=1, help="what the waits before a restart are multiplied by")
    parser.add_argument("--slow-stop", type=float, default=30, help="seconds by which the quirk of this name delays")
    options = parser.parse_args()
    os.makedirs(QUIRKS, exist_ok=True)
    os.makedirs(DELETED, exist_ok=True)
    kubelet = Kubelet(options)
    while True:
        try:
            kubelet.once()
        except (DockerError, OSError) as error:
            say(error)
        time.sleep(options.period)


if __name__ == "__main__":
    main()
