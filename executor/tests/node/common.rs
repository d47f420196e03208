//! A site with its authority, a node's tree, a bundle made by the real writer, and the real program.

use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bundle_format::{
    FORMAT,
    certificate::{Certificate, pem},
    digest::Fingerprint,
    forbidden::Forbidden,
    manifest::{AuthorityRecord, CertificateRecord, LeafRecord, Manifest, NodeRecord},
    signature::SignerPublicKey,
    slice::{EditJson, Identity, InstallFile, InstallFiles, Mode, Slice, Step},
    writer::{self, Entries, Signer},
};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{EncodePublicKey, LineEnding},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use time::{OffsetDateTime, macros::datetime};
use zeroize::Zeroizing;

pub const CA: &str = "srv/kubernetes/etcd-ca.pem";
pub const LEAF: &str = "srv/kubernetes/etcd.pem";
pub const KEY: &str = "srv/kubernetes/etcd-key.pem";
pub const META: &str = "var/lib/meta/tos-2.1/gencerts/etcd-ca.pem";
pub const JSON: &str = "var/lib/meta/tos-2.1/gencerts/config.json";
pub const DOCUMENT: &str =
    "\u{feff}{ \"signing\": {\r\n  \"expiry\": \"87600h\", \"profiles\": {\"etcd\": {\"expir\\u0079\":\"87600h\"}} } }";

/// The signer of all bundles here.
pub struct FixedSigner(SigningKey);

impl FixedSigner {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub fn fingerprint(&self) -> Fingerprint {
        SignerPublicKey::from_pem(self.public_key_pem().as_bytes()).unwrap().fingerprint()
    }
}

impl Signer for FixedSigner {
    fn public_key_pem(&self) -> String {
        p256::PublicKey::from(self.0.verifying_key()).to_public_key_pem(LineEnding::LF).unwrap()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

/// What one generation of certificates consists of.
#[derive(Clone)]
pub struct Generation {
    pub ca: String,
    pub leaf: String,
    pub key: String,
}

/// What a bundle is made from; tests change it before they make one.
pub struct Site {
    pub old: Generation,
    pub new: Generation,
    pub serial: u64,
    pub needs_signers: u8,
    pub not_after: OffsetDateTime,
    pub slices: Vec<Slice>,
    pub extra: BTreeMap<String, Vec<u8>>,
}

fn authority(key: &KeyPair, from: OffsetDateTime, to: OffsetDateTime) -> (CertificateParams, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "etcd-ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = (from, to);
    let pem = pem::encode("CERTIFICATE", params.self_signed(key).unwrap().der()).to_string();
    (params, pem)
}

pub fn leaf(ca: &CertificateParams, ca_key: &KeyPair, names: &[&str], from: OffsetDateTime, to: OffsetDateTime) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        })
        .collect();
    params.distinguished_name.push(DnType::CommonName, "etcd");
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (from, to);
    let issuer = Issuer::from_params(ca, ca_key);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (pem::encode("CERTIFICATE", certificate.der()).to_string(), pem::encode("PRIVATE KEY", key.serialized_der()).to_string())
}

pub const NAMES: [&str; 4] = ["n1.tos", "n2.tos", "10.0.0.1", "127.0.0.1"];
pub const BEGIN: OffsetDateTime = datetime!(2013-03-10 10:30 UTC);
pub const OLD_END: OffsetDateTime = datetime!(2023-03-10 10:30 UTC);
pub const NEW_END: OffsetDateTime = datetime!(2126-01-01 0:00 UTC);

/// An authority and the two generations under it; the new leaf is good for `names` and valid from `from` on.
pub fn generations(names: &[&str], from: OffsetDateTime) -> (Generation, Generation) {
    let [old, new, _] = three_generations(names, from);
    (old, new)
}

/// The same, and one more that is as new.
fn three_generations(names: &[&str], from: OffsetDateTime) -> [Generation; 3] {
    let ca_key = KeyPair::generate().unwrap();
    let generation = |names: &[&str], from: OffsetDateTime, to: OffsetDateTime| {
        let (params, ca) = authority(&ca_key, BEGIN, to);
        let (leaf, key) = leaf(&params, &ca_key, names, from, to);
        Generation { ca, leaf, key }
    };
    [generation(&NAMES, BEGIN, OLD_END), generation(names, from, NEW_END), generation(names, from, NEW_END)]
}

fn record(pem: &str) -> CertificateRecord {
    let certificate = &Certificate::all_from_pem(pem.as_bytes()).unwrap()[0];
    CertificateRecord { fingerprint: certificate.fingerprint(), not_before: certificate.not_before(), not_after: certificate.not_after() }
}

pub fn install(target: &str, entry: &str) -> InstallFile {
    let mode = Mode(if entry.starts_with("secrets/") { 0o600 } else { 0o644 });
    InstallFile { target: target.parse().unwrap(), entry: entry.parse().unwrap(), mode }
}

pub fn slice(node: &str, address: &str) -> Slice {
    let file = |target: &str, entry: &str| install(&format!("/{target}"), entry);
    let master =
        InstallFiles { files: vec![file(CA, "certs/etcd-ca.pem"), file(LEAF, "certs/etcd.pem"), file(KEY, "secrets/etcd-key.pem")] };
    let template = InstallFiles { files: vec![install("/var/lib/meta/*/gencerts/etcd-ca.pem", "certs/etcd-ca.pem")] };
    let document = EditJson {
        target: "/var/lib/meta/*/gencerts/config.json".parse().unwrap(),
        member: "expiry".to_owned(),
        from: "87600h".to_owned(),
        to: "876000h".to_owned(),
    };
    Slice {
        format: FORMAT,
        site: "site".parse().unwrap(),
        serial: "7".parse().unwrap(),
        node: node.parse().unwrap(),
        identity: Identity { host_names: vec![format!("{node}.tos")], addresses: vec![address.parse().unwrap()], machine_id: None },
        roles: vec!["etcd".parse().unwrap()],
        folders_to_back_up: Vec::new(),
        etcd: Vec::new(),
        steps: vec![Step::InstallFiles(master), Step::InstallFiles(template), Step::EditJson(document)],
    }
}

impl Site {
    pub fn new() -> Self {
        let (old, new) = generations(&NAMES, BEGIN);
        Self::of(old, new)
    }

    /// What two bundles of one site are made from, each with certificates of its own.
    pub fn and_later() -> [Self; 2] {
        let [old, new, later] = three_generations(&NAMES, BEGIN);
        [Self::of(old.clone(), new), Self { serial: 8, ..Self::of(old, later) }]
    }

    pub fn of(old: Generation, new: Generation) -> Self {
        let slices = vec![slice("n1", "10.0.0.1"), slice("n2", "10.0.0.2")];
        Self { old, new, serial: 7, needs_signers: 1, not_after: NEW_END, slices, extra: BTreeMap::new() }
    }

    fn manifest(&self) -> Manifest {
        let leaf = LeafRecord {
            name: "etcd".parse().unwrap(),
            certificate: "certs/etcd.pem".parse().unwrap(),
            key: "secrets/etcd-key.pem".parse().unwrap(),
            installed: format!("/{LEAF}").parse().unwrap(),
            former: record(&self.old.leaf),
            renewed: record(&self.new.leaf),
        };
        let authority = AuthorityRecord {
            name: "etcd-ca".parse().unwrap(),
            certificate: "certs/etcd-ca.pem".parse().unwrap(),
            installed: format!("/{CA}").parse().unwrap(),
            public_key: Certificate::all_from_pem(self.new.ca.as_bytes()).unwrap()[0].public_key(),
            former: record(&self.old.ca),
            renewed: record(&self.new.ca),
            leaves: vec![leaf],
        };
        let node = |slice: &Slice| NodeRecord { name: slice.node.clone(), roles: slice.roles.clone(), recipient: None };
        Manifest {
            format: FORMAT,
            needs_executor: bundle_format::version::Version::own(),
            needs_signers: self.needs_signers.try_into().unwrap(),
            site: "site".parse().unwrap(),
            serial: self.serial.try_into().unwrap(),
            created: datetime!(2026-01-02 03:04:05 UTC),
            not_after: self.not_after,
            profile: "tos".parse().unwrap(),
            sealing: None,
            authorities: vec![authority],
            nodes: self.slices.iter().map(node).collect(),
        }
    }

    pub fn bundle(&self) -> Vec<u8> {
        let mut entries = Entries::new();
        let mut add = |path: &str, content: Vec<u8>| entries.insert(path.parse().unwrap(), Zeroizing::new(content));
        let manifest = self.manifest();
        add("bundle.json", serde_json::to_vec(&manifest).unwrap());
        for slice in &self.slices {
            let slice = Slice { serial: manifest.serial, ..slice.clone() };
            add(&format!("nodes/{}.json", slice.node), serde_json::to_vec(&slice).unwrap());
        }
        add("certs/etcd-ca.pem", self.new.ca.clone().into_bytes());
        add("certs/etcd.pem", self.new.leaf.clone().into_bytes());
        add("secrets/etcd-key.pem", self.new.key.clone().into_bytes());
        for (path, content) in &self.extra {
            add(path, content.clone());
        }
        writer::write(&manifest.name(), manifest.created, entries, &FixedSigner::new(1), &Forbidden::default()).unwrap()
    }
}

/// A node's tree beside a bundle.
pub struct Node {
    folder: tempfile::TempDir,
}

impl Node {
    /// A node of `site` that has its old generation, and the site's bundle.
    pub fn of(site: &Site) -> Self {
        let node = Self { folder: tempfile::tempdir().unwrap() };
        node.write("etc/hostname", b"N1.tos\n", 0o644);
        node.write(CA, site.old.ca.as_bytes(), 0o644);
        node.write(LEAF, site.old.leaf.as_bytes(), 0o640);
        node.write(KEY, site.old.key.as_bytes(), 0o400);
        node.write(META, site.old.ca.as_bytes(), 0o664);
        node.write(JSON, DOCUMENT.as_bytes(), 0o644);
        node.put_bundle(site);
        node
    }

    pub fn put_bundle(&self, site: &Site) {
        fs::write(self.bundle(), site.bundle()).unwrap();
    }

    pub fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle.tar.gz")
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, content: &[u8], mode: u32) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// A command; `apply` is agreed to.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reseal-node"));
        command.arg("--root").arg(self.root()).args(words).args(words.first().filter(|word| **word == "apply").map(|_| "--yes"));
        command
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(words).output().unwrap())
    }

    /// A command on the bundle, with its signer.
    pub fn bundle_command(&self, words: &[&str]) -> Command {
        let mut command = self.command(words);
        command.arg(self.bundle()).arg("--signer").arg(FixedSigner::new(1).fingerprint().to_string());
        command
    }

    /// What a command on the bundle says, as data too.
    pub fn with_bundle(&self, words: &[&str]) -> Ran {
        Ran::of(self.bundle_command(words).arg("--json").output().unwrap())
    }

    /// The same node in another folder, with owners, modes, times and attributes.
    pub fn copy(&self) -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap() };
        let everything = self.folder.path().join(".");
        assert!(Command::new("cp").arg("-a").arg(everything).arg(copy.folder.path()).status().unwrap().success());
        copy
    }

    pub fn apply(&self) -> Ran {
        self.with_bundle(&["apply"])
    }

    pub fn rollback(&self) -> Ran {
        self.run(&["rollback", "--json"])
    }

    pub fn status(&self) -> Ran {
        self.run(&["status", "--json"])
    }

    /// Everything of every file and folder, by path: kind, bytes, owner, mode, times, inode, attributes.
    pub fn tree(&self) -> BTreeMap<PathBuf, String> {
        tree(&self.root(), true)
    }

    /// As [`Node::tree`], of the targets' folders only, and without what a replacement by rename has to change.
    pub fn targets(&self) -> BTreeMap<PathBuf, String> {
        let mut all = tree(&self.root(), false);
        all.retain(|path, _| path.starts_with("srv") || path.starts_with("var/lib/meta"));
        all
    }

    /// As [`Node::tree`], without what a replacement by rename has to change.
    pub fn tree_without_times(&self) -> BTreeMap<PathBuf, String> {
        tree(&self.root(), false)
    }

    pub fn inodes(&self) -> Vec<u64> {
        [CA, LEAF, KEY, META, JSON].map(|path| fs::metadata(self.path(path)).unwrap().ino()).to_vec()
    }

    pub fn run_folder(&self) -> PathBuf {
        let mut runs: Vec<PathBuf> = fs::read_dir(self.path("var/lib/reseal/runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
        runs.sort();
        runs.pop().unwrap()
    }

    pub fn assert_no_staging(&self) {
        let left: Vec<PathBuf> = self.tree().into_keys().filter(|path| path.to_string_lossy().contains(".reseal-")).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    pub fn assert_new(&self, site: &Site) {
        assert_eq!(self.contents(), Self::new_contents(site));
        self.assert_no_staging();
    }

    /// What the targets hold.
    pub fn contents(&self) -> [String; 5] {
        [CA, LEAF, KEY, META, JSON].map(|path| self.read(path))
    }

    /// What they hold once the bundle of `site` is applied.
    pub fn new_contents(site: &Site) -> [String; 5] {
        let Generation { ca, leaf, key } = site.new.clone();
        [ca.clone(), leaf, key, ca, DOCUMENT.replace("\"87600h\"", "\"876000h\"")]
    }
}

fn tree(top: &Path, is_exact: bool) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mut content = Vec::new();
            let mut attributes = Vec::new();
            if metadata.is_dir() {
                folders.push(path.clone());
            } else if metadata.is_file() {
                content = fs::read(&path).unwrap();
                attributes = xattr::list(&path).unwrap().map(|name| (name.clone(), xattr::get(&path, &name).unwrap())).collect();
            }
            let times = (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec(), metadata.ino());
            let times = is_exact.then_some(times);
            let modified = metadata.is_file().then(|| (metadata.mtime(), metadata.mtime_nsec()));
            let owner = (metadata.uid(), metadata.gid(), metadata.mode());
            found.insert(
                path.strip_prefix(top).unwrap().to_owned(),
                format!("{owner:?} {modified:?} {times:?} {attributes:?} {}", String::from_utf8_lossy(&content)),
            );
        }
    }
    found
}

/// What the program said.
pub struct Ran {
    pub exit: i32,
    pub document: serde_json::Value,
    pub said: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let said = String::from_utf8(output.stderr).unwrap();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_default();
        Self { exit: output.status.code().unwrap_or(-1), document, said }
    }

    #[track_caller]
    pub fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{}\n{}", self.said, self.document);
        self
    }

    /// The kinds of the problems, each of which has a code of its own that begins with the exit code and is said too.
    pub fn kinds(&self) -> Vec<&str> {
        let problems = self.document["problems"].as_array().unwrap();
        let is_told = |problem: &serde_json::Value| {
            let code = problem["code"].as_str().unwrap();
            code.starts_with(&format!("RS-{}", self.exit)) && self.said.contains(&format!("error: {code} "))
        };
        assert!(problems.iter().all(is_told), "{}\n{}", self.document, self.said);
        problems.iter().map(|problem| problem["kind"].as_str().unwrap()).collect()
    }

    #[track_caller]
    pub fn refuses(self, exit: i32, kind: &str) -> Self {
        let ran = self.expect(exit);
        assert!(ran.kinds().contains(&kind), "{}", ran.said);
        ran
    }
}
