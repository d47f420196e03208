//! The generator as its user meets it: what it makes, checked by hand, and what it refuses.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{fs, path::Path};

use bundle_format::certificate::Certificate;
use end_to_end::{
    programs::{built_executor, reseal, reseal_node, run, sh},
    workshop::Workshop,
};
use reseal::{
    assemble::{Executors, assemble},
    issue::issue,
    seal::Sealing,
    signer::SignerKey,
    site::{Making, Site, SiteFile},
    x509::{key::PrivateKey, leaf::LeafMaterial},
};
use time::macros::datetime;

/// Names, kinds and sizes of everything in a folder.
fn listing(folder: &Path) -> String {
    sh("find . -printf '%p %y %s %T@\\n' | sort", folder)
}

#[test]
fn a_bundle_can_be_checked_with_openssl_sha256sum_and_tar_alone() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7", "--executor", built_executor().to_str().unwrap()]);
    assert_eq!(bundle.file_name().unwrap(), "site-7.tar.gz");
    let second = format!("python3 '{}/support/second_reader.py' site-7.tar.gz {}", env!("CARGO_MANIFEST_DIR"), workshop.fingerprint());
    assert_eq!(sh(&second, workshop.path()).lines().count(), 16, "a second reader, written from the specification, takes it");
    let script = "tar -xzf site-7.tar.gz && cd site-7
        openssl dgst -sha256 -verify ../signer.key.pub -signature SHA256SUMS.sig SHA256SUMS
        cmp signer.pub ../signer.key.pub
        sha256sum -c SHA256SUMS 2>&1 | tail -n 1
        head -n 1 SHA256SUMS
        # one to one: what is listed is there, and the other way round
        sed 1d SHA256SUMS | cut -c 67- > ../listed; find . -type f | cut -c 3- | grep -v '^SHA256SUMS' | LC_ALL=C sort > ../there; cmp ../listed ../there
        openssl x509 -in certs/etcd-ca.pem -noout -checkend 3000000000 >/dev/null
        openssl verify -CAfile certs/etcd-ca.pem certs/etcd.pem
        openssl verify -CAfile certs/etcd-ca.pem -attime 1600000000 ../etcd.pem
        ./reseal-node --version";
    let output = sh(script, workshop.path());
    assert!(output.contains("Verified OK\n"), "{output}");
    assert!(output.contains("certs/etcd.pem: OK\n../etcd.pem: OK\n"), "{output}");
    assert!(output.contains("# reseal bundle v1 site-7\n"), "{output}");
    assert!(output.ends_with(&format!("reseal-node {}\n", env!("CARGO_PKG_VERSION"))), "{output}");
    let kinds = sh("tar -tvzf site-7.tar.gz | cut -c 1-10 | sort | uniq -c | tr -s ' '", workshop.path());
    assert_eq!(kinds, " 3 -rw-------\n 11 -rw-r--r--\n 2 -rwxr-xr-x\n", "regular files only");
}

/// The second reader is worth something only if it refuses what the specification does not have.
#[test]
fn the_second_reader_refuses_what_is_not_specified() {
    const SCRIPT: &str = r#"
import json, second_reader
read = lambda path: json.load(open(f"site-7/{path}"))
manifest, listed = read("bundle.json"), [line[66:-1] for line in open("site-7/SHA256SUMS")]
def takes():
    try:
        return second_reader.check_slice(slice_, manifest, node, listed) is None
    except SystemExit:
        return False
def objects(value):
    parts = list(value.values()) if type(value) is dict else value if type(value) is list else []
    return ([value] if type(value) is dict else []) + [place for part in parts for place in objects(part)]
for node in manifest["nodes"]:
    slice_ = read("nodes/{name}.json".format(**node))
    print(node["name"], takes())
    for place in objects(slice_):
        before = dict(place)
        place["evaluate"] = 1
        print(end="an unknown field is taken\n" if takes() else "")
        for name in before:
            place.clear(), place.update(before), place.pop(name)
            print(end=f"{before.get('kind')} is taken without {name}\n" if takes() else "")
        place.clear(), place.update(before)
    slice_["steps"][0]["kind"] = "evaluate"
    print(end="an unknown kind is taken\n" if takes() else "")
"#;
    let workshop = Workshop::expired();
    let _ = workshop.bundle(&["--serial", "7"]);
    let command = format!("tar -xzf site-7.tar.gz; PYTHONPATH='{}/support' python3 -B - <<'END'{SCRIPT}END", env!("CARGO_MANIFEST_DIR"));
    let may_be_left_out = "restart-static-pods is taken without cluster\n";
    let expected: String = ["tos1", "tos2", "tos3"].map(|node| format!("{node} True\n{may_be_left_out}")).concat();
    assert_eq!(sh(&command, workshop.path()), expected);
}

/// With serial and time fixed, only what must be random differs: key, certificates, signature, and what hashes them.
#[test]
fn two_builds_differ_only_where_randomness_must() {
    let workshop = Workshop::expired();
    let fixed = ["--serial", "7", "--created", "2026-01-02T03:04:05Z", "--out"];
    for out in ["a", "b"] {
        fs::create_dir(workshop.path().join(out)).unwrap();
        let _ = workshop.bundle(&[&fixed[..], &[out]].concat());
        let _ = sh(&format!("cd {out} && tar -xzf site-7.tar.gz"), workshop.path());
    }
    let differing = sh("diff -rq a/site-7 b/site-7 | sed 's/.* and //; s/ differ//' | sort || true", workshop.path());
    let expected = [
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "bundle.json",
        "certs/etcd.pem",
        "secrets/etcd-key.pem",
        "secrets/manager_info.undo.sql",
        "secrets/manager_info.update.sql",
    ];
    assert_eq!(differing.lines().collect::<Vec<_>>(), expected.map(|file| format!("b/site-7/{file}")));
    let manifest = sh(
        "diff a/site-7/bundle.json b/site-7/bundle.json | grep -c '^[<>] .*fingerprint'; diff a/site-7/bundle.json b/site-7/bundle.json | grep -c '^[<>]'",
        workshop.path(),
    );
    assert_eq!(manifest, "2\n2\n", "in bundle.json, the new leaf's fingerprint alone");
}

/// With the key material fixed too, nothing differs.
#[test]
fn with_fixed_material_two_builds_are_byte_identical() {
    let workshop = Workshop::expired();
    let toml = "name = 'site'\nedition = 'tdh'\ntos-version = '2.1'\n[[ca]]\ncertificate = 'etcd-ca.pem'\nkey = 'etcd-ca-key.pem'\n[[ca.leaf]]\ncertificate = 'etcd.pem'\n[[node]]\nname = 'tos1'\naddresses = ['10.0.0.11']\nroles = ['etcd', 'manager']\n";
    let file = SiteFile::parse(toml, workshop.path()).unwrap();
    let (site, _) = Site::new(file, Making { serial: None, created: datetime!(2026-01-02 03:04:05 UTC), force_version: false }).unwrap();
    let signer = SignerKey::load(&fs::read(workshop.path().join("signer.key")).unwrap(), None).unwrap();
    let executors = Executors::load(&[reseal_node()]).unwrap();
    let leaf_key = fs::read(workshop.path().join("etcd-key.pem")).unwrap();
    let fixed = |_: &Certificate| Ok(LeafMaterial { key: PrivateKey::load(&leaf_key, None).unwrap(), serial: [0x42; 20] });
    let make = || {
        let (issued, _) = issue(&site, &fixed).unwrap();
        assemble(&site, &issued, &executors, &signer, &Sealing::Unsealed).unwrap().bytes
    };
    assert!(make() == make());
}

#[test]
fn a_site_file_and_flags_go_together_and_flags_win() {
    let workshop = Workshop::expired();
    let site = workshop.reseal(&["site", "init", "--ca", "etcd-ca.pem", "--leaf", "etcd.pem", "--name", "from-file"]).expect_code(0).stdout;
    for san in ["DNS:tos1", "IP:10.0.0.11", "IP:10.10.10.1"] {
        assert!(site.contains(san), "{site}");
    }
    fs::create_dir(workshop.path().join("elsewhere")).unwrap();
    fs::write(workshop.path().join("elsewhere/site.toml"), &site).unwrap();
    let flags = ["build", "--site", "elsewhere/site.toml", "--ca-key", "etcd-ca-key.pem", "--signer", "signer.key", "--unsealed", "--json"];
    let built = workshop.reseal(&[&flags[..], &["--serial", "1"]].concat()).expect_code(0);
    assert!(built.stdout.contains("from-file-1.tar.gz"), "{}", built.stdout);
    assert!(built.stdout.contains("\"tos1\",\n    \"tos2\",\n    \"tos3\""), "{}", built.stdout);
    let built = workshop
        .reseal(
            &[
                &flags[..],
                &["--serial", "1", "--name", "from-flag", "--san", "tos4", "--san", "10.0.0.14", "--days", "10", "--leaf-days", "20"],
            ]
            .concat(),
        )
        .expect_code(0);
    let report: serde_json::Value = serde_json::from_str(&built.stdout).unwrap();
    assert_eq!(report["bundle"], "./from-flag-1.tar.gz");
    assert_eq!(report["certificates"][1]["sans_gained"], serde_json::json!(["DNS:tos4", "IP:10.0.0.14"]));
    assert_eq!(report["certificates"][1]["sans_lost"], serde_json::json!([]));
    assert_eq!(report["certificates"][0]["not_after"], report["certificates"][1]["not_after"], "the leaf never outlives its CA");
}

#[test]
fn nothing_is_written_when_something_is_wrong() {
    let workshop = Workshop::expired();
    let _ = sh(
        "openssl genrsa -out other.key 2048 2>&1
         openssl req -x509 -new -key other.key -subj /CN=other-ca -days 10 -out other-ca.pem
         openssl pkcs8 -topk8 -v2 aes-256-cbc -in etcd-ca-key.pem -passout pass:right -out encrypted.key
         echo wrong > wrong.pass; echo right > right.pass
         openssl rsa -aes128 -traditional -in etcd-ca-key.pem -passout pass:right -out proctype.key 2>&1
         openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out pss.key 2>&1
         head -c 600 etcd-ca.pem > cut.pem; head -c 600 etcd-ca-key.pem > cut.key
         printf '[v]\\nbasicConstraints=critical,CA:TRUE\\n' > v.cnf
         openssl req -new -key other.key -subj /CN=intermediate -out i.csr
         openssl x509 -req -in i.csr -CA etcd-ca.pem -CAkey etcd-ca-key.pem -set_serial 5 -days 9999 -extfile v.cnf -out intermediate.pem 2>&1
         openssl req -x509 -new -key other.key -subj /CN=leafish -days 10 -addext basicConstraints=critical,CA:FALSE -out not-ca.pem
         printf 'plain text' > text; cp /bin/sh dynamic",
        workshop.path(),
    );
    let before = listing(workshop.path());
    let cases: &[(&[&str], &str)] = &[
        (&["--ca-key", "other.key"], "has the public key"),
        (&["--ca", "not-ca.pem", "--ca-key", "other.key"], "not-ca.pem"),
        (&["--ca", "intermediate.pem", "--ca-key", "other.key"], "intermediate.pem"),
        (&["--ca", "cut.pem"], "cut short"),
        (&["--ca-key", "cut.key"], "cut short"),
        (&["--ca-key", "encrypted.key"], "is encrypted, and there is no passphrase"),
        (&["--ca-key", "encrypted.key", "--ca-key-passphrase-file", "wrong.pass"], "the passphrase does not open the private key"),
        (&["--ca-key", "pss.key"], "PSS"),
        (&["--ca-key", "proctype.key"], "openssl pkcs8 -topk8"),
        (&["--ca", "text"], "no certificate in it"),
        (&["--ca-key", "etcd-ca.pem"], "a certificate, where a private key is needed"),
        (&["--leaf", "other-ca.pem"], "does not verify"),
        (&["--ca", "missing.pem"], "cannot read `missing.pem`"),
        (&["--days", "2913000"], "past 9999-12-31"),
        (&["--days", "0"], "at least 1"),
        (&["--tos-version", "tos-2.2"], "is not affected"),
        (&["--executor", "dynamic"], "dynamically linked"),
        (&["--executor", "text"], "not a Linux program"),
        (&["--node", "other=10.9.9.9:etcd"], "among the SANs"),
        (&["--node", "tos1=10.0.0.11:calico"], "there is no role"),
        (&["--signer", "etcd-ca-key.pem"], "a signer's key is P-256"),
        (&["--out", "missing"], "cannot write"),
    ];
    for (flags, expected) in cases {
        let ran = workshop.build(flags).expect_code(1);
        assert!(ran.stderr.contains(expected), "{flags:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("error: "), "{flags:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
        assert_eq!(listing(workshop.path()), before, "{flags:?}");
    }
    assert_eq!(workshop.build(&["--unknown"]).code, 2);
    let _ = workshop.bundle(&["--ca-key", "encrypted.key", "--ca-key-passphrase-file", "right.pass"]);
    let forced = workshop.build(&["--tos-version", "tos-2.2", "--force-version", "--serial", "2"]).expect_code(0);
    assert!(forced.stderr.contains("warning: TOS tos-2.2 is outside the affected range"), "{}", forced.stderr);
}

#[test]
fn without_unsealed_no_secret_is_written() {
    let workshop = Workshop::expired();
    let flags = [
        "build",
        "--name",
        "site",
        "--edition",
        "tdh",
        "--tos-version",
        "tos-2.1",
        "--ca",
        "etcd-ca.pem",
        "--ca-key",
        "etcd-ca-key.pem",
        "--leaf",
        "etcd.pem",
        "--node",
        "tos1=10.0.0.11:etcd",
        "--signer",
        "signer.key",
    ];
    let ran = workshop.reseal(&flags).expect_code(1);
    assert!(ran.stderr.contains("--unsealed"), "{}", ran.stderr);
    let ran = workshop.reseal(&[&flags[..], &["--unsealed"]].concat()).expect_code(0);
    assert!(ran.stderr.contains("warning: the leaf's private key is in the bundle unsealed"), "{}", ran.stderr);
}

#[test]
fn neither_keys_nor_bundles_are_overwritten() {
    let workshop = Workshop::expired();
    let before = fs::read(workshop.path().join("signer.key")).unwrap();
    let ran = workshop.reseal(&["keygen", "--out", "signer.key", "--no-passphrase"]).expect_code(1);
    assert!(ran.stderr.contains("never overwritten"), "{}", ran.stderr);
    assert_eq!(fs::read(workshop.path().join("signer.key")).unwrap(), before);
    let bundle = workshop.bundle(&["--serial", "7"]);
    let before = fs::read(&bundle).unwrap();
    let ran = workshop.build(&["--serial", "7"]).expect_code(1);
    assert!(ran.stderr.contains("never overwritten"), "{}", ran.stderr);
    assert_eq!(fs::read(&bundle).unwrap(), before);
}

#[test]
fn a_signer_key_is_private_and_openssl_reads_it() {
    let workshop = Workshop::expired();
    fs::write(workshop.path().join("pass"), "correct horse\nsecond line\n").unwrap();
    let fingerprint = workshop.reseal(&["keygen", "--out", "second.key", "--passphrase-file", "pass"]).expect_code(0).stdout;
    let by_hand = sh(
        "openssl pkey -in second.key -passin pass:'correct horse' -pubout -outform DER | openssl dgst -sha256 -binary | base64; stat -c %a second.key; head -n 1 second.key",
        workshop.path(),
    );
    assert_eq!(by_hand, format!("{}600\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n", fingerprint.strip_prefix("SHA256:").unwrap()));
    let ran = workshop.build(&["--signer", "second.key"]).expect_code(1);
    assert!(ran.stderr.contains("--signer-passphrase-file"), "{}", ran.stderr);
    let bundle = workshop.bundle(&["--signer", "second.key", "--signer-passphrase-file", "pass"]);
    let bundle = bundle.to_str().unwrap();
    assert!(workshop.reseal(&["verify", bundle, "--signer", fingerprint.trim()]).expect_code(0).stdout.contains("is whole"));
    assert!(workshop.reseal(&["verify", bundle, "--signer", "second.key.pub"]).expect_code(0).stdout.contains("is whole"));
    let ran = workshop.reseal(&["verify", bundle, "--signer", "signer.key.pub"]).expect_code(3);
    assert!(ran.stderr.contains(fingerprint.trim()) && ran.stderr.contains("hint: compare the fingerprints"), "{}", ran.stderr);
    let short = fingerprint.trim().trim_end_matches('=');
    assert_eq!(workshop.reseal(&["verify", bundle, "--signer", short]).code, 0);
}

#[test]
fn a_damaged_bundle_is_rejected() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    let good = fs::read(&bundle).unwrap();
    let bad = workshop.path().join("bad.tar.gz");
    let positions = (0..64).chain((64..good.len()).step_by(good.len() / 60)).chain(good.len() - 8..good.len());
    for at in positions {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&bad, bytes).unwrap();
        let ran = workshop.reseal(&["verify", "bad.tar.gz", "--signer", "signer.key.pub"]).expect_code(3);
        assert!(ran.stderr.contains("hint: "), "{at}: {}", ran.stderr);
    }
}

#[test]
fn inspect_tells_dates_chains_and_the_end_by_its_exit_code() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    let ran = workshop.reseal(&["inspect", ".", "--json"]).expect_code(0);
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let row = |place: &str| {
        rows.as_array()
            .unwrap()
            .iter()
            .find(|row| row["place"].as_str().unwrap().ends_with(place))
            .unwrap_or_else(|| panic!("{place} in {rows}"))
    };
    assert_eq!(row("./etcd-ca.pem")["verdict"], "expired");
    assert_eq!(row("site-7.tar.gz:certs/etcd.pem")["verdict"], "ok");
    assert_eq!(row("./etcd-ca.pem")["not_after"], "2023-03-10T10:30:00Z");
    let signers = row("./etcd.pem")["signed_by"].to_string();
    assert!(signers.contains("./etcd-ca.pem") && signers.contains("site-7.tar.gz:certs/etcd-ca.pem"), "{signers}");
    let by_openssl = sh("openssl x509 -in etcd.pem -outform DER | sha256sum | cut -c 1-64", workshop.path());
    assert_eq!(row("./etcd.pem")["fingerprint"], by_openssl.trim());
    let _ = workshop.reseal(&["inspect", "etcd.pem"]).expect_code(0);
    let _ = workshop.reseal(&["inspect", "etcd.pem", "--within", "30"]).expect_code(10);
    let _ = workshop.reseal(&["inspect", bundle.to_str().unwrap(), "--within", "30"]).expect_code(0);
    let _ = workshop.reseal(&["inspect", bundle.to_str().unwrap(), "--within", "40000"]).expect_code(10);
    let _ = workshop.reseal(&["inspect", "signer.key"]).expect_code(1);
    let table = workshop.reseal(&["inspect", "etcd-ca.pem", "etcd.pem"]).expect_code(0).stdout;
    assert!(table.contains("etcd.pem: signed by etcd-ca.pem\n") && table.contains("etcd-ca.pem: signed by itself\n"), "{table}");
}

#[test]
fn show_prints_a_nodes_slice() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    let show = |further: &[&str]| workshop.reseal(&[&["show", bundle.to_str().unwrap()], further].concat());
    assert!(show(&[]).expect_code(0).stdout.contains("3.  tos3  etcd+manager"));
    let slice = show(&["--node", "tos3"]).expect_code(0).stdout;
    assert!(
        slice.contains("/srv/kubernetes/etcd-key.pem from secrets/etcd-key.pem")
            && slice.contains("every `expiry` of `87600h` becomes `876000h`"),
        "{slice}"
    );
    let ran = show(&["--node", "tos9"]).expect_code(1);
    assert!(ran.stderr.contains("hint: its nodes are: tos1, tos2, tos3"), "{}", ran.stderr);
}

#[test]
fn help_is_there_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["--help"][..],
        &["keygen", "--help"],
        &["inspect", "--help"],
        &["site", "init", "--help"],
        &["build", "--help"],
        &["show", "--help"],
        &["verify", "--help"],
        &["demo", "--help"],
    ] {
        assert!(run(reseal(), command, folder.path()).expect_code(0).stdout.contains("Usage: reseal"));
    }
}
