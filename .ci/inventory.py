"""What the released programs are made of: a CycloneDX 1.5 document, and the licences of everything that is linked.

Asks cargo what is linked on any of the released targets, Cargo.lock for digests, and the sources of each package for its licence.
The same tree gives the same bytes: no time, no random number.
"""

import argparse
import json
import os
import re
import subprocess
import tomllib
import uuid
from pathlib import Path

PROGRAMS = {"reseal": ["x86_64"], "reseal-node": ["x86_64", "aarch64"]}
LICENSE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked"], check=True, capture_output=True, text=True).stdout


def linked(program, architecture):
    """Names and versions that a program links, and which brings along which; procedural macros and tests are not linked."""
    target = f"{architecture}-unknown-linux-musl"
    shape = ["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", " {p}", "--no-dedupe"]
    edges, above = {}, []
    for line in cargo("tree", "--package", program, "--target", target, *shape).splitlines():
        depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", line).groups()
        above[int(depth):] = [(name, version)]
        edges.setdefault((name, version), set())
        if int(depth):
            edges[above[-2]].add((name, version))
    return edges


def texts(folder):
    """The licence files of a package, by name."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and LICENSE_FILE.match(path.stem)]
    kept = [path for path in found if path.suffix in ("", ".md", ".txt") and len(path.relative_to(folder).parts) <= 3]
    return {path.relative_to(folder).as_posix(): path.read_text(errors="replace").strip() for path in kept}


def reference(package):
    name, version = package
    return f"pkg:cargo/{name}@{version}"


def component(package, metadata, digests):
    about = metadata[package]
    described = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package[0],
        "version": package[1],
        "licenses": [{"expression": (about["license"] or "NOASSERTION").replace("/", " OR ")}],
        "purl": reference(package),
    }
    if package in digests:
        described["hashes"] = [{"alg": "SHA-256", "content": digests[package]}]
    if about["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": about["repository"]}]
    return described


def runtime(name, version, license):
    return {"type": "library", "bom-ref": name, "name": name, "version": version, "licenses": [{"expression": license}]}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sbom", type=Path, required=True)
    options.add_argument("--licenses", type=Path, required=True)
    options.add_argument("--zig", required=True, help="the version of zig, whose musl is linked")
    options = options.parse_args()

    edges = {}
    for program, architectures in PROGRAMS.items():
        for architecture in architectures:
            for package, needs in linked(program, architecture).items():
                edges.setdefault(package, set()).update(needs)
    packages = json.loads(cargo("metadata", "--format-version", "1"))["packages"]
    metadata = {(package["name"], package["version"]): package for package in packages}
    lock = tomllib.loads(Path("Cargo.lock").read_text())
    digests = {(package["name"], package["version"]): package["checksum"] for package in lock["package"] if "checksum" in package}

    rust = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    runtimes = [runtime("rust-std", rust, "MIT OR Apache-2.0"), runtime("musl", f"as in zig {options.zig}", "MIT")]
    version = next(version for name, version in edges if name == "reseal")
    components = [component(package, metadata, digests) for package in sorted(edges)]
    content = json.dumps(components, sort_keys=True)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "release", "name": "reseal-release", "version": version}},
        "components": components + runtimes,
        "dependencies": [{"ref": "release", "dependsOn": sorted([reference((name, version)) for name in PROGRAMS] + ["musl", "rust-std"])}]
        + [{"ref": reference(package), "dependsOn": sorted(map(reference, edges[package]))} for package in sorted(edges)],
    }
    options.sbom.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")

    same = {}
    without = []
    for package in sorted(edges):
        found = texts(Path(metadata[package]["manifest_path"]).parent) if package in digests else {}
        if package in digests and not found:
            without.append(package)
        for name, text in found.items():
            same.setdefault(text, []).append(f"{package[0]} {package[1]} ({name})")
    said = ["The programs of reseal are under the Apache License, version 2.0 (LICENSE). They hold parts under the licences below.", ""]
    said += [f"{name} {version}: {metadata[name, version]['license']}" for name, version in sorted(edges) if (name, version) in digests]
    said += [f"{part['name']} {part['version']}: {part['licenses'][0]['expression']}" for part in runtimes]
    said += ["", f"Without a text of their own: {', '.join(name for name, _ in without)}." if without else ""]
    for text, of in sorted(same.items(), key=lambda item: item[1]):
        said += ["", "=" * 80, *of, "-" * 80, text]
    options.licenses.write_text("\n".join(said) + "\n")
    print(f"{len(components)} packages linked, {len(same)} licence texts; without one: {len(without)}")


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    main()
