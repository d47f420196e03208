//! The operator's guide, typed at live sites: every command of every page, in order, as it is printed.
//!
//! What is typed in answer to `apply` is given by `--yes`, and the passphrase by a file: both are asked for at a console, which other
//! tests do. Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{fs, path::PathBuf};

use end_to_end::{
    guide::{BUNDLE, Block, blocks, on_workstation},
    live::{Layout, Node, Site},
    programs::sh,
};

const PASSPHRASE: &str = "/root/passphrase";

/// A site with its workstation, and the stick that is carried between.
struct Visit {
    site: Site,
    /// What a person chooses, or types at a console: what is on the page, and what is run for it.
    replace: Vec<(&'static str, String)>,
}

impl Visit {
    fn of(layout: Layout) -> Self {
        let site = Site::start(layout);
        fs::create_dir(site.workshop.path().join("stick")).unwrap();
        let settle = site.layout.settle.as_secs();
        let replace = vec![
            ("SHA256:…", site.workshop.fingerprint()),
            ("site init ", "site init --name jiujiu ".to_owned()),
            ("reseal build ", format!("reseal build --serial {} --settle {settle} ", BUNDLE.trim_start_matches("jiujiu-"))),
            // The workshop's own signer is the one of these guides.
            ("reseal keygen --out signer.key", "test -f signer.key".to_owned()),
            ("./reseal-node apply ", "./reseal-node apply --yes ".to_owned()),
        ];
        Self { site, replace }
    }

    fn stick(&self) -> PathBuf {
        self.site.workshop.path().join("stick")
    }

    /// From now on the bundle is opened by the passphrase, which every operator knows.
    fn seal(&mut self) {
        self.replace.push(("--new-passphrase", "--new-passphrase-file passphrase".to_owned()));
        for typed in ["./reseal-node plan ", "./reseal-node apply --yes "] {
            self.replace.push((typed, format!("{typed}--passphrase-file {PASSPHRASE} ")));
        }
    }

    /// Types a block, and gives what it printed to standard output, of the last place.
    fn type_in(&self, page: &str, block: &Block) -> String {
        let replace: Vec<(&str, &str)> = self.replace.iter().map(|(from, to)| (*from, to.as_str())).collect();
        if block.is_for_the_workstation() {
            let ran = on_workstation(block, self.site.workshop.path(), &replace);
            assert_eq!(ran.code, 0, "{page}: {block:?}\n{}\n{}", ran.stdout, ran.stderr);
            return ran.stdout;
        }
        let mut printed = String::new();
        for place in &block.places {
            let nodes: Vec<&Node> = if place == "every-node" { self.site.nodes().iter().collect() } else { vec![self.site.node(place)] };
            for node in nodes {
                self.plug_in(node);
                let ran = node.run(&["sh", "-c", &block.script(&replace)]);
                assert_eq!(ran.code, 0, "{page}, {}: {block:?}\n{}\n{}", node.name, ran.stdout, ran.stderr);
                self.pull_out(node);
                printed = ran.stdout;
            }
        }
        printed
    }

    fn type_all(&self, page: &str) {
        for block in blocks(page) {
            let _ = self.type_in(page, &block);
        }
    }

    fn plug_in(&self, node: &Node) {
        let stick = node.outside("/mnt/usb");
        let _ = sh(&format!("rm -rf '{0}'; cp -a '{1}' '{0}'", stick.display(), self.stick().display()), self.site.workshop.path());
        let passphrase = self.site.workshop.path().join("passphrase");
        if let Ok(passphrase) = fs::read(passphrase) {
            node.write(PASSPHRASE, passphrase);
        }
    }

    fn pull_out(&self, node: &Node) {
        let _ = sh(&format!("cp -a '{}'/. '{}'", node.outside("/mnt/usb").display(), self.stick().display()), self.site.workshop.path());
    }

    /// What the guide leaves to a person: the nodes in the site file.
    fn fill_in_the_nodes(&self) {
        let file = self.site.workshop.path().join("site.toml");
        let text = fs::read_to_string(&file).unwrap();
        let mut site = text.split_once("[[node]]").unwrap().0.to_owned();
        for node in self.site.nodes() {
            let roles = [(node.is_master, "etcd"), (node.has_flannel, "flannel"), (node.is_manager, "manager")];
            let roles: Vec<&str> = roles.into_iter().filter_map(|(has, role)| has.then_some(role)).collect();
            let of_node = format!("name = {0:?}\nhost-names = [{0:?}]\naddresses = [{1:?}]\nroles = {roles:?}\n", node.name, node.address);
            site.extend(["[[node]]\n", &of_node]);
        }
        fs::write(file, site).unwrap();
    }
}

#[test]
fn a_first_visit_ends_with_a_report() {
    let visit = Visit::of(Layout::ending_soon());
    visit.type_all("operator/first-visit");
    visit.site.assert_renewed();
    let page = fs::read_to_string(visit.site.workshop.path().join("report.html")).unwrap();
    for node in visit.site.nodes() {
        assert!(page.contains(&node.name), "{} is in the report", node.name);
    }
    assert!(fs::read_to_string(visit.site.workshop.path().join("expiry.ics")).unwrap().contains("BEGIN:VEVENT"));
}

#[test]
fn an_expired_site_is_renewed_and_one_master_goes_back_and_forth() {
    let mut visit = Visit::of(Layout::expired());
    visit.seal();
    let page = blocks("operator/expired");
    let _ = visit.type_in("operator/expired", &page[0]);
    visit.fill_in_the_nodes();
    for block in &page[1..] {
        let _ = visit.type_in("operator/expired", block);
    }
    visit.site.assert_renewed();
    visit.type_all("operator/went-wrong");
    visit.site.assert_renewed();
}

#[test]
fn a_dead_node_and_a_site_that_nothing_leaves() {
    let mut visit = Visit::of(Layout::expired());
    visit.seal();
    let settle = visit.site.layout.settle.as_secs().to_string();
    let serial = BUNDLE.trim_start_matches("jiujiu-");
    let made = visit.site.bundle(&["--name", "jiujiu", "--serial", serial, "--settle", &settle, "--new-passphrase-file", "passphrase"]);
    fs::copy(made, visit.stick().join(format!("{BUNDLE}.tar.gz"))).unwrap();
    let dead = visit.site.node("tos3");
    visit.site.power_cut(dead);

    let mut typed = String::new();
    for block in blocks("operator/nothing-leaves") {
        fs::write(visit.site.workshop.path().join("typed.txt"), &typed).unwrap();
        typed = visit.type_in("operator/nothing-leaves", &block);
    }
    let report = fs::read_to_string(visit.site.workshop.path().join("report.html")).unwrap();
    assert!(report.contains("tos1"));

    for block in blocks("operator/dead-node") {
        if block.places == ["tos3"] {
            visit.site.boot(dead);
        }
        let _ = visit.type_in("operator/dead-node", &block);
    }
    let _ = visit.site.etcd().wait_until_healthy(std::time::Duration::from_mins(1));
}
