#!/usr/bin/env python3
"""second_reader.py BUNDLE FINGERPRINT...: a second reader of the bundle format, written from docs/BUNDLE_FORMAT.md alone.

Python's standard library and the openssl command. Prints the entries it accepted; exits with 1 at the first thing that is not as specified."""
import base64, hashlib, ipaddress, json, os, re, subprocess, sys, tempfile, zlib

BLOCK = 512
KINDS = ["SHA256SUMS", "SHA256SUMS.sig", "signer.pub", "countersignatures/", "bundle.json", "nodes/", "certs/", "secrets/", "executor/", "reseal-node", "README.txt", "README.zh-CN.txt"]


def need(condition, what):
    if not condition:
        sys.exit(f"second reader: {what}")


# What a value may be. Each of these takes a value and tells.


def like(pattern):
    return lambda value: type(value) is str and re.fullmatch(pattern, value) is not None


def number(most):
    return lambda value: type(value) is int and 0 <= value <= most


def many(of, most):
    return lambda value: type(value) is list and len(value) <= most and all(map(of, value))


def record(needed, left_out={}):
    known = {**needed, **{name: lambda value, of=of: value is None or of(value) for name, of in left_out.items()}}
    return lambda value: type(value) is dict and needed.keys() <= value.keys() <= known.keys() and all(known[name](part) for name, part in value.items())


def target(text):
    parts = text.split("/")[1:] if text_(text) and text.startswith("/") and len(text.encode()) <= 1024 else [""]
    plain = lambda part: 0 < len(part.encode()) <= 255 and part not in (".", "..") and not re.search(r"[\x00-\x1f\x7f-\x9f*\\]", part)
    stars = parts.count("*")
    closed = re.match(r"/(var/lib/reseal|proc|sys|dev|run)(/|$)", str(text))
    return all(part == "*" or plain(part) for part in parts) and stars <= 1 and "*" not in (parts[0], parts[-1]) and not closed


def address(text):
    try:
        return text_(text) and "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


text_ = like(r"(?s).*")
word = lambda value: text_(value) and len(value.encode()) <= 255
label = like(r"(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
identifier = like(r"[A-Za-z0-9_]{1,64}")
digest = like(r"[0-9a-f]{64}")
recipient = like(r"age1[02-9ac-hj-np-z]{58}")
fingerprint_ = like(r"SHA256:[A-Za-z0-9+/]{43}=?")
moment = like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
mode = like(r"0[0-7]{3}")
version = lambda value: like(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")(value) and all(len(part) <= 10 and int(part) < 2**32 for part in value.split("."))
seconds, port, serial = number(2**32 - 1), number(2**16 - 1), number(10**18 - 1)
format_ = lambda value: type(value) is int and value == 1


def manifest_of(entry):
    certificate = record({"fingerprint": digest, "not_before": moment, "not_after": moment})
    both = {"name": label, "certificate": entry, "installed": target, "former": certificate, "renewed": certificate}
    authority = record({**both, "public_key": fingerprint_, "leaves": many(record({**both, "key": like(r"secrets/[A-Za-z0-9._-]+")}), 256)})
    known = {"format": format_, "needs_executor": version, "needs_signers": lambda value: type(value) is int and 1 <= value <= 8, "site": label, "serial": serial, "created": moment, "not_after": moment, "profile": label}
    node = record({"name": label, "roles": many(label, 16)}, {"recipient": recipient})
    return record({**known, "authorities": many(authority, 64), "nodes": many(node, 16384)}, {"sealing": record({}, {"site_recipient": recipient})})


def slice_of():
    identity = record({"host_names": many(word, 256), "addresses": many(address, 256)}, {"machine_id": text_})
    member = record({"node": label, "host_name": text_, "address": address, "port": port, "peer_port": port})
    cluster = record({"name": label, "members": many(member, 256), "authority": target, "certificate": target, "key": target})
    known = {"format": format_, "site": label, "serial": serial, "node": label, "identity": identity, "roles": many(label, 16)}
    return record({**known, "folders_to_back_up": many(target, 64), "etcd": many(cluster, 16), "steps": many(lambda step: type(step) is dict, 256)})


def steps_of(entry):
    workloads = many(record({"container": text_, "programs": many(word, 64)}), 64)
    health = many(record({"tls": lambda value: type(value) is bool, "port": port, "paths": many(word, 64)}), 64)
    connection = record({}, {"socket": text_, "host": address, "port": port, "user": text_, "database": text_})
    waits = {"settle": seconds, "stop_timeout": seconds, "start_timeout": seconds}
    table = {"table": identifier, "key_column": identifier, "value_column": identifier, "backup_table": identifier}
    rows = many(record({"key": text_, "entry": entry}), 1024)
    return {
        "await-containers": record({"kind": text_, "workloads": workloads, "health": health, "timeout": seconds}),
        "await-etcd": record({"kind": text_, "cluster": label, "member": label, "timeout": seconds}),
        "edit-json": record({"kind": text_, "target": target, "member": text_, "from": text_, "to": text_}),
        "install-files": record({"kind": text_, "files": many(record({"target": target, "entry": entry, "mode": mode}), 1024)}),
        "restart-pods": record({"kind": text_, "namespace": text_, "name_contains": text_, "programs": many(word, 64), "timeout": seconds}),
        "restart-static-pods": record({"kind": text_, "manifests": many(target, 64), "holding": target, "workloads": workloads, **waits}, {"cluster": label}),
        "update-database": record({"kind": text_, **table, "rows": rows, "update_sql": entry, "undo_sql": entry, "connection": connection}),
    }


def check_slice(slice_, manifest, node, listed):
    entry = lambda value: type(value) is str and value in listed
    need(slice_of()(slice_), f"the slice of {node['name']} has its fields and no other")
    for name in ("format", "site", "serial"):
        need(slice_[name] == manifest[name], f"{name} of the slice of {node['name']}")
    need(slice_["node"] == node["name"] and slice_["roles"] == node["roles"], f"the slice of {node['name']}")
    members = {(cluster["name"], member["node"]) for cluster in slice_["etcd"] for member in cluster["members"]}
    if manifest.get("sealing") is not None:
        listed = [path for path in listed if not path.startswith("secrets/") or path.startswith(f"secrets/{node['name']}/")]
    steps = steps_of(entry)
    for step in slice_["steps"]:
        need(step.get("kind") in steps and steps[step["kind"]](step), f"a step of {node['name']} of a known kind, with its fields and no other")
        if step.get("cluster") is not None:
            need((step["cluster"], step.get("member", node["name"])) in members, f"a step of {node['name']} about a member of a cluster of its slice")


def check_secrets(manifest, found):
    sealing, nodes = manifest.get("sealing"), {node["name"]: node.get("recipient") for node in manifest["nodes"]}
    site = sealing and sealing.get("site_recipient")
    secrets = [path for path in found if path.startswith("secrets/")]
    if sealing is None:
        need(not any(nodes.values()) and not any(path.endswith(".age") for path in secrets), "nothing is sealed that bundle.json does not tell of")
        keys = [leaf["key"] for authority in manifest["authorities"] for leaf in authority["leaves"]]
        need(all(key in found for key in keys), "the keys of bundle.json are there")
        return
    need(("secrets/site-identity.age" in secrets) == bool(site), "the site's identity is there if it has a recipient")
    for path in secrets:
        header = found[path][:4096].split(b"\n---")[0].split(b"\n")
        stanzas = [line.split(b" ")[1:] for line in header if line.startswith(b"-> ")]
        need(header[0] == b"age-encryption.org/v1" and 1 <= len(stanzas) <= 8, f"{path}: an age header")
        if path == "secrets/site-identity.age":
            need([stanzas[0][0], stanzas[0][2], len(stanzas)] == [b"scrypt", b"15", 1], "one scrypt of 2^15")
            continue
        owner = re.fullmatch(r"secrets/([^/]+)/[^/]+\.age", path)
        need(owner is not None and owner[1] in nodes, f"{path} is sealed for a node of the bundle")
        need([stanza[0] for stanza in stanzas].count(b"X25519") == bool(nodes[owner[1]]) + bool(site) > 0, f"{path}: a stanza for each recipient")


def once(pairs):
    need(len(dict(pairs)) == len(pairs), "no field stands twice")
    return dict(pairs)


def rank(path):
    for index, kind in enumerate(KINDS):
        if path == kind or (kind.endswith("/") and path.startswith(kind)):
            return index
    need(False, f"{path} is no entry of a bundle")


def unpack(file):
    need(file[:16] == bytes.fromhex("1f8b08040000000000ff240052532000"), "gzip header")
    need(hashlib.sha256(file[48:]).digest() == file[16:48], "digest in the gzip header")
    member = zlib.decompressobj(wbits=31)
    data = member.decompress(file)
    need(member.eof and not member.unused_data, "one gzip member and nothing after it")
    return data


def entries(tar):
    at, folder, mtime = 0, None, None
    while tar[at] != 0:
        header = tar[at : at + BLOCK]
        text = lambda start, length: header[start : start + length].rstrip(b"\0").decode("ascii")
        octal = lambda start, length: int(text(start, length).strip(), 8)
        prefix, name = text(345, 155), text(0, 100)
        path = f"{prefix}/{name}" if prefix else name
        need(header[257:265] == b"ustar\x0000" and header[156:157] == b"0", f"{path}: a regular file of ustar")
        need(octal(148, 8) == sum(header) - sum(header[148:156]) + 8 * 32, f"{path}: checksum")
        need(octal(108, 8) == octal(116, 8) == 0 and not text(157, 100) and not text(265, 32) and not text(297, 32), f"{path}: no owner, no link")
        top, path = path.split("/", 1)
        folder, mtime = folder or top, mtime if mtime is not None else octal(136, 12)
        need(top == folder and octal(136, 12) == mtime, f"{path}: folder and time")
        need(octal(100, 8) == (0o600 if path.startswith("secrets/") else 0o755 if path.startswith("executor/") or path == "reseal-node" else 0o644), f"{path}: mode")
        need(len(path) <= 200 and path.count("/") < 4 and all(re.fullmatch(r"[A-Za-z0-9._-]+", part) and part not in (".", "..") for part in path.split("/")), f"{path}: name")
        size = octal(124, 12)
        content = tar[at + BLOCK : at + BLOCK + size]
        end = at + BLOCK + -(-size // BLOCK) * BLOCK
        need(len(content) == size and not any(tar[at + BLOCK + size : end]), f"{path}: content and padding")
        yield folder, path, content
        at = end
    need(tar[at:] == bytes(2 * BLOCK), "two zero blocks at the end")


def signers(order, found, fingerprints):
    """Who of those on paper signed, by openssl; strangers are passed over."""
    further = [path for path in order if path.startswith("countersignatures/")]
    need(len(further) <= 14 and len(further) % 2 == 0, "a key and a signature each, of at most seven further signers")
    expected = [f"countersignatures/{number // 2 + 1}.{'sig' if number % 2 else 'pub'}" for number in range(len(further))]
    need(further == expected, "further signers are numbered from 1 on")
    accepted = set()
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(f"{work}/countersignatures")
        for path in order[:3] + further:
            need(len(found[path]) <= 4096 or path == "SHA256SUMS", f"{path}: size")
            with open(f"{work}/{path}", "wb") as file:
                file.write(found[path])
        openssl = lambda *words: subprocess.run(["openssl", *words], cwd=work, capture_output=True)
        for key, signature in [("signer.pub", "SHA256SUMS.sig"), *zip(further[::2], further[1::2])]:
            spki = openssl("pkey", "-pubin", "-in", key, "-outform", "DER").stdout
            fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(spki).digest()).decode()
            if fingerprint in fingerprints:
                need(openssl("dgst", "-sha256", "-verify", key, "-signature", signature, "SHA256SUMS").returncode == 0, "signature")
                accepted.add(fingerprint)
    need(accepted, "a signer is one on paper")
    return accepted


def main(bundle, *fingerprints):
    with open(bundle, "rb") as file:
        read = list(entries(unpack(file.read())))
    folder, found = read[0][0], {path: content for _, path, content in read}
    order = [path for _, path, _ in read]
    need(len(found) == len(order) and order == sorted(order, key=lambda path: (rank(path), path.encode())), "each entry once, in order")
    need(len({path.lower() for path in order}) == len(order), "no names that differ in case only")
    accepted = signers(order, found, fingerprints)
    sums = found["SHA256SUMS"].decode()
    need(sums.endswith("\n"), "SHA256SUMS ends in LF")
    title, *lines = sums[:-1].split("\n")
    need(title == f"# reseal bundle v1 {folder}", "title and folder")
    listed = dict(reversed(line.split("  ", 1)) for line in lines)
    need([line.split("  ", 1)[1] for line in lines] == sorted(listed), "the list is sorted")
    need(set(listed) == {path for path in order if rank(path) not in (0, 1, 3)}, "list and entries match one to one")
    for path, digest in listed.items():
        need(hashlib.sha256(found[path]).hexdigest() == digest, f"{path}: digest")
    document = lambda path: json.loads(found[path], object_pairs_hook=once)
    manifest = document("bundle.json")
    need(manifest_of(lambda value: type(value) is str and value in listed)(manifest), "bundle.json has its fields and no other")
    need(len(accepted) >= manifest["needs_signers"], "as many signers as bundle.json says")
    need(f"{manifest['site']}-{manifest['serial']}" == folder, "the name of bundle.json")
    need(sorted(f"nodes/{node['name']}.json" for node in manifest["nodes"]) == sorted(path for path in order if path.startswith("nodes/")), "a slice for each node")
    check_secrets(manifest, found)
    need(not any("/".join(path.split("/")[:depth]) in found for path in order for depth in range(1, path.count("/") + 1)), "no entry is the folder of another")
    for node in manifest["nodes"]:
        check_slice(document(f"nodes/{node['name']}.json"), manifest, node, listed)
    print("\n".join(order))


if __name__ == "__main__":
    main(*sys.argv[1:])
