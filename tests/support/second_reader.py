#!/usr/bin/env python3
"""second_reader.py BUNDLE FINGERPRINT: a second reader of the bundle format, written from docs/BUNDLE_FORMAT.md alone.

Python's standard library and the openssl command. Prints the entries it accepted; exits with 1 at the first thing that is not as specified."""
import base64, hashlib, json, re, subprocess, sys, tempfile, zlib

BLOCK = 512
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
KINDS = ["SHA256SUMS", "SHA256SUMS.sig", "signer.pub", "bundle.json", "nodes/", "certs/", "secrets/", "executor/", "reseal-node", "README.txt", "README.zh-CN.txt"]


def need(condition, what):
    if not condition:
        sys.exit(f"second reader: {what}")


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
        need(octal(100, 8) == (0o600 if rank(path) == 6 else 0o755 if rank(path) in (7, 8) else 0o644), f"{path}: mode")
        need(len(path) <= 200 and path.count("/") < 4 and all(re.fullmatch(r"[A-Za-z0-9._-]+", part) and part not in (".", "..") for part in path.split("/")), f"{path}: name")
        size = octal(124, 12)
        content = tar[at + BLOCK : at + BLOCK + size]
        end = at + BLOCK + -(-size // BLOCK) * BLOCK
        need(len(content) == size and not any(tar[at + BLOCK + size : end]), f"{path}: content and padding")
        yield folder, path, content
        at = end
    need(tar[at:] == bytes(2 * BLOCK), "two zero blocks at the end")


def main(bundle, fingerprint):
    with open(bundle, "rb") as file:
        read = list(entries(unpack(file.read())))
    folder, found = read[0][0], {path: content for _, path, content in read}
    order = [path for _, path, _ in read]
    need(len(found) == len(order) and order == sorted(order, key=lambda path: (rank(path), path.encode())), "each entry once, in order")
    need(len({path.lower() for path in order}) == len(order), "no names that differ in case only")
    with tempfile.TemporaryDirectory() as work:
        for path in order[:3]:
            with open(f"{work}/{path}", "wb") as file:
                file.write(found[path])
        openssl = lambda *words: subprocess.run(["openssl", *words], cwd=work, capture_output=True)
        spki = openssl("pkey", "-pubin", "-in", "signer.pub", "-outform", "DER").stdout
        need("SHA256:" + base64.b64encode(hashlib.sha256(spki).digest()).decode() == fingerprint, "the signer is the one on paper")
        need(openssl("dgst", "-sha256", "-verify", "signer.pub", "-signature", "SHA256SUMS.sig", "SHA256SUMS").returncode == 0, "signature")
    sums = found["SHA256SUMS"].decode()
    need(sums.endswith("\n"), "SHA256SUMS ends in LF")
    title, *lines = sums[:-1].split("\n")
    need(title == f"# reseal bundle v1 {folder}", "title and folder")
    listed = dict(reversed(line.split("  ", 1)) for line in lines)
    need([line.split("  ", 1)[1] for line in lines] == sorted(listed), "the list is sorted")
    need(set(listed) == set(order) - {"SHA256SUMS", "SHA256SUMS.sig"}, "list and entries match one to one")
    for path, digest in listed.items():
        need(hashlib.sha256(found[path]).hexdigest() == digest, f"{path}: digest")
    manifest = json.loads(found["bundle.json"])
    need(set(manifest) == {"format", "needs_executor", "site", "serial", "created", "not_after", "profile", "authorities", "nodes"}, "fields of bundle.json")
    need(manifest["format"] == 1 and f"{manifest['site']}-{manifest['serial']}" == folder, "format and name")
    need(sorted(f"nodes/{node['name']}.json" for node in manifest["nodes"]) == sorted(path for path in order if rank(path) == 4), "a slice for each node")
    for node in manifest["nodes"]:
        slice_ = json.loads(found[f"nodes/{node['name']}.json"])
        need(set(slice_) - {"machine_id"} == {"format", "site", "serial", "node", "identity", "roles", "steps"}, f"fields of the slice of {node['name']}")
        need(NAME.fullmatch(node["name"]) and slice_["node"] == node["name"] and slice_["roles"] == node["roles"], f"the slice of {node['name']}")
        for step in slice_["steps"]:
            if step["kind"] == "install-files":
                for file in step["files"]:
                    need(set(file) == {"target", "entry", "mode"} and file["entry"] in listed and re.fullmatch("0[0-7]{3}", file["mode"]), "a file to install")
            else:
                need(step["kind"] == "edit-json" and set(step) == {"kind", "target", "member", "from", "to"}, "a known step")
    print("\n".join(order))


if __name__ == "__main__":
    main(*sys.argv[1:])
