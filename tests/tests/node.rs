//! The executor as its user meets it, on folder trees made by other tools, with bundles made by the real generator.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{fs, path::Path};

use end_to_end::{
    programs::{Ran, built_executor, reseal_node, run, sh},
    workshop::{CONFIG_JSON, Dates, GENCERTS, Workshop},
};

/// Everything about a tree: kinds, owners, modes, sizes, inodes, times, extended attributes, contents.
fn everything(root: &Path) -> String {
    sh("find . -printf '%p %y %U:%G %m %s %i %T@\\n' | sort; getfattr -Rdm - . | sort; find . -type f -exec sha256sum {} + | sort", root)
}

/// The same without what a renewal may leave: the executor's own folder, inodes and times.
fn contents(root: &Path) -> String {
    let script = "find . -path ./var/lib/reseal -prune -o ! -path ./var/lib ! -path ./var ! -path . -printf '%p %y %U:%G %m %s\\n' | sort
        find . -path ./var/lib/reseal -prune -o -exec getfattr -dm - {} + | sort
        find . -path ./var/lib/reseal -prune -o -type f -exec sha256sum {} + | sort";
    sh(script, root)
}

fn node(workshop: &Workshop, root: &Path, command: &str, bundle: &Path) -> Ran {
    workshop.on_node(root, &[command, bundle.to_str().unwrap(), "--signer", &workshop.fingerprint()])
}

#[test]
fn a_site_is_renewed_file_by_file_and_taken_back() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    for (name, manager) in [("tos1", false), ("tos2", false), ("tos3", true)] {
        let root = workshop.node(name, manager);
        let _ = sh(
            "chown 1234:2345 srv/kubernetes/etcd.pem 2>/dev/null || true; chmod 640 srv/kubernetes/etcd.pem; chmod 400 srv/kubernetes/etcd-key.pem
             setfattr -n user.origin -v installer srv/kubernetes/etcd.pem; setfattr -n user.secret -v yes srv/kubernetes/etcd-key.pem",
            &root,
        );
        let former = contents(&root);
        let metadata = "stat -c '%n %U:%G %a' srv/kubernetes/*; getfattr -d srv/kubernetes/* | sort";
        let former_metadata = sh(metadata, &root);

        let untouched = everything(&root);
        let _ = node(&workshop, &root, "verify", &bundle).expect_code(0);
        let plan = ["plan", "-v", &bundle.display().to_string(), "--signer", &workshop.fingerprint()];
        let plan = workshop.on_node(&root, &plan).expect_code(0);
        let plan = plan.stdout + &plan.stderr;
        assert_eq!(everything(&root), untouched, "verify and plan change nothing");
        let fingerprint =
            |path: &str| sh(&format!("openssl x509 -in {path} -outform DER | sha256sum | cut -c 1-64"), workshop.path()).trim().to_owned();
        let _ = sh("tar -xzf site-7.tar.gz", workshop.path());
        for file in ["etcd-ca.pem", "etcd.pem"] {
            assert!(plan.contains(&fingerprint(file)), "the former fingerprint of {file} in:\n{plan}");
            assert!(plan.contains(&fingerprint(&format!("site-7/certs/{file}"))), "the future fingerprint of {file} in:\n{plan}");
        }
        assert!(plan.contains("2023-03-10") && plan.contains("21"), "dates in:\n{plan}");
        assert!(plan.contains("/srv/kubernetes/etcd-key.pem"), "{plan}");

        let _ = node(&workshop, &root, "apply", &bundle).expect_code(0);
        let _ = sh(
            &format!(
                "cd srv/kubernetes && for f in etcd-ca.pem etcd.pem; do cmp $f '{0}/site-7/certs/'$f; done; cmp etcd-key.pem '{0}/site-7/secrets/etcd-key.pem'",
                workshop.path().display()
            ),
            &root,
        );
        assert_eq!(sh(metadata, &root), former_metadata, "owner, mode and extended attributes are kept");
        if manager {
            let config = fs::read_to_string(root.join(GENCERTS).join("config.json")).unwrap();
            assert_eq!(config, CONFIG_JSON.replace("\"87600h\"", "\"876000h\""));
            assert_eq!(
                fs::read(root.join(GENCERTS).join("etcd-ca.pem")).unwrap(),
                fs::read(root.join("srv/kubernetes/etcd-ca.pem")).unwrap()
            );
        }
        assert_eq!(sh("find . -path ./var/lib/reseal -prune -o -name '*reseal*' -print", &root), "", "nothing is left beside the files");
        assert_eq!(sh("find var/lib/reseal -type d -perm /077", &root), "", "the executor's folders are private");
        let leaks = "grep -rl 'BEGIN.*PRIVATE' var/lib/reseal | grep -v /backup/ || true";
        assert_eq!(sh(leaks, &root), "", "no key outside the backup");

        let applied = everything(&root);
        let _ = node(&workshop, &root, "apply", &bundle).expect_code(0);
        assert_eq!(everything(&root), applied, "a second apply changes nothing, inodes included");
        let status = workshop.on_node(&root, &["status"]).expect_code(0);
        assert!((status.stdout + &status.stderr).contains("/srv/kubernetes/etcd.pem"));
        assert_eq!(everything(&root), applied, "status changes nothing");

        let _ = workshop.on_node(&root, &["rollback"]).expect_code(0);
        assert_eq!(contents(&root), former, "rollback gives the former bytes back");
        let _ = workshop.on_node(&root, &["rollback"]).expect_code(0);
        assert_eq!(contents(&root), former);
        let _ = node(&workshop, &root, "apply", &bundle).expect_code(0);
        let _ = sh(&format!("cmp srv/kubernetes/etcd.pem '{}/site-7/certs/etcd.pem'", workshop.path().display()), &root);
    }
}

#[test]
fn what_is_not_for_this_node_is_refused_and_touches_nothing() {
    let workshop = Workshop::expired();
    let other = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    let root = workshop.node("tos1", false);
    let untouched = everything(&root);
    let refused = |ran: Ran, code: i32, words: &[&str]| {
        let ran = ran.expect_code(code);
        for word in words {
            assert!(ran.stderr.contains(word), "{word} in: {}", ran.stderr);
        }
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
        assert_eq!(everything(&root), untouched);
    };
    let foreign = other.bundle(&["--serial", "7"]);
    for command in ["plan", "apply"] {
        // Another site: its own signer, told to this node, but another CA. Also where its node has another name.
        refused(other.on_node(&root, &[command, foreign.to_str().unwrap(), "--signer", &other.fingerprint()]), 3, &["site"]);
        let elsewhere = other.bundle(&["--serial", if command == "plan" { "8" } else { "9" }, "--node", "else=10.0.0.11:etcd"]);
        refused(other.on_node(&root, &[command, elsewhere.to_str().unwrap(), "--signer", &other.fingerprint()]), 3, &["site"]);
        // Another signer, and none.
        refused(
            workshop.on_node(&root, &[command, bundle.to_str().unwrap(), "--signer", &other.fingerprint()]),
            3,
            &[&other.fingerprint(), &workshop.fingerprint()],
        );
        refused(workshop.on_node(&root, &[command, bundle.to_str().unwrap()]), 3, &["--signer"]);
    }
    // This site, but not this node.
    let not_here = workshop.bundle(&["--serial", "10", "--node", "tos2=10.0.0.12:etcd"]);
    refused(node(&workshop, &root, "apply", &not_here), 4, &["tos2", "--node"]);
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_touches_nothing() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    let root = workshop.node("tos1", false);
    let untouched = everything(&root);
    let good = fs::read(&bundle).unwrap();
    let bad = workshop.path().join("bad.tar.gz");
    for at in (0..64).step_by(7).chain((64..good.len()).step_by(good.len() / 40)).chain(good.len() - 8..good.len()) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&bad, bytes).unwrap();
        let _ = node(&workshop, &root, "apply", &bad).expect_code(3);
    }
    assert_eq!(everything(&root), untouched);

    // The same for the unpacked folder: a bit in each of its files, a file too many, one too few.
    let _ = sh("tar -xzf site-7.tar.gz", workshop.path());
    let folder = workshop.path().join("site-7");
    let files = sh("find . -type f | sort", &folder);
    for file in files.lines() {
        let path = folder.join(file);
        let good = fs::read(&path).unwrap();
        let mut bytes = good.clone();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let _ = node(&workshop, &root, "apply", &folder).expect_code(3);
        fs::remove_file(&path).unwrap();
        let _ = node(&workshop, &root, "apply", &folder).expect_code(3);
        fs::write(&path, &good).unwrap();
    }
    fs::write(folder.join("more"), "x").unwrap();
    let _ = node(&workshop, &root, "apply", &folder).expect_code(3);
    fs::remove_file(folder.join("more")).unwrap();
    assert_eq!(everything(&root), untouched);
    let _ = node(&workshop, &root, "apply", &folder).expect_code(0);
}

#[test]
fn started_from_its_folder_the_executor_takes_the_bundle_around_it() {
    let workshop = Workshop::expired();
    let _ = workshop.bundle(&["--serial", "7", "--executor", built_executor().to_str().unwrap()]);
    let root = workshop.node("tos2", false);
    let _ = sh("tar -xzf site-7.tar.gz", workshop.path());
    let script = workshop.path().join("site-7/reseal-node");
    let (fingerprint, root_text) = (workshop.fingerprint(), root.display().to_string());
    let _ = run(&script, &["apply", "--signer", &fingerprint, "--root", &root_text], Path::new("/")).expect_code(0);
    let _ = sh(&format!("cmp srv/kubernetes/etcd.pem '{}/site-7/certs/etcd.pem'", workshop.path().display()), &root);
    // Anywhere else it has to be told.
    let ran = run(reseal_node(), &["plan", "--signer", &fingerprint, "--root", &root_text], Path::new("/"));
    assert!(ran.code == 2, "{ran:?}");
}

/// Until the node's clock has reached the certificates, they would take the node down.
#[test]
fn a_clock_before_the_certificates_is_refused() {
    let workshop = Workshop::new(&Dates::new("20180311103000Z", "20300310103000Z"), "DNS:tos1,IP:10.0.0.11");
    let bundle = workshop.bundle(&["--serial", "7", "--created", "2029-01-01T00:00:00Z", "--node", "tos1=10.0.0.11:etcd"]);
    let root = workshop.node("tos1", false);
    let untouched = everything(&root);
    let ran = node(&workshop, &root, "apply", &bundle).expect_code(4);
    assert!(ran.stderr.contains("2028-12-31"), "{}", ran.stderr);
    assert_eq!(everything(&root), untouched);
}

/// The leaf on the node has a name that the leaf on the workstation had not.
#[test]
fn a_lost_name_is_refused() {
    let workshop = Workshop::expired();
    let root = workshop.node("tos1", false);
    let _ = sh(
        "sed 's/^subjectAltName=.*/subjectAltName=DNS:tos1,IP:10.0.0.11/' c.cnf > fewer.cnf
         openssl ca -batch -notext -config fewer.cnf -keyfile etcd-ca-key.pem -cert etcd-ca.pem -in leaf.csr -extensions leaf_ext -startdate 20180311103000Z -enddate 20230310103000Z -out fewer.pem 2>&1",
        workshop.path(),
    );
    let bundle = workshop.bundle(&["--serial", "7", "--leaf", "fewer.pem", "--node", "tos1=10.0.0.11:etcd"]);
    let untouched = everything(&root);
    let ran = node(&workshop, &root, "apply", &bundle).expect_code(4);
    assert!(ran.stderr.contains("DNS:tos2") && ran.stderr.contains("10.10.10.1"), "{}", ran.stderr);
    assert_eq!(everything(&root), untouched);
}

#[test]
fn the_metainfo_folder_is_found_or_asked_for() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7", "--tos-version", "v2.1.0-tos-final-build-20220805-tdh"]);
    let root = workshop.node("tos3", true);
    let _ = node(&workshop, &root, "apply", &bundle).expect_code(0);
    assert!(fs::read_to_string(root.join(GENCERTS).join("config.json")).unwrap().contains("\"876000h\""));
    let _ = workshop.on_node(&root, &["rollback"]).expect_code(0);
    let _ = sh(&format!("cp -r {0}/tos-2.1 {0}/tos-2.0", "var/lib/transwarp-manager/master/content/meta/services/TOS"), &root);
    let before = contents(&root);
    let ran = node(&workshop, &root, "apply", &bundle).expect_code(4);
    assert!(ran.stderr.contains("tos-2.0") && ran.stderr.contains("tos-2.1"), "{}", ran.stderr);
    assert_eq!(contents(&root), before);
}
