//! A small bundle, made by the real writer and signed by a real key.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use bundle_format::{
    FORMAT,
    digest::Fingerprint,
    forbidden::Forbidden,
    manifest::{Manifest, NodeRecord},
    name::{BundleName, EntryPath},
    signature::{SignerCount, SignerPublicKey, TrustedSigners},
    slice::{Identity, InstallFile, InstallFiles, Mode, Slice, Step},
    writer::{self, Entries, Signer},
};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{EncodePublicKey, LineEnding},
};
use time::macros::datetime;
use zeroize::Zeroizing;

/// A signer with a fixed key.
pub struct FixedSigner(SigningKey);

impl FixedSigner {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub fn fingerprint(&self) -> Fingerprint {
        SignerPublicKey::from_pem(self.public_key_pem().as_bytes()).unwrap().fingerprint()
    }

    pub fn trusted(&self) -> TrustedSigners {
        [self.fingerprint()].into_iter().collect()
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

pub fn manifest() -> Manifest {
    Manifest {
        format: FORMAT,
        needs_executor: "0.1.0".parse().unwrap(),
        needs_signers: SignerCount::ONE,
        site: "site".parse().unwrap(),
        serial: "7".parse().unwrap(),
        created: datetime!(2026-01-02 03:04:05 UTC),
        not_after: datetime!(2026-04-02 03:04:05 UTC),
        profile: "tos".parse().unwrap(),
        sealing: None,
        authorities: Vec::new(),
        nodes: ["n1", "n2"]
            .map(|name| NodeRecord { name: name.parse().unwrap(), roles: vec!["etcd".parse().unwrap()], recipient: None })
            .to_vec(),
    }
}

pub fn slice(node: &str) -> Slice {
    let file = InstallFile {
        target: "/srv/kubernetes/etcd-ca.pem".parse().unwrap(),
        entry: "certs/etcd-ca.pem".parse().unwrap(),
        mode: Mode(0o644),
    };
    Slice {
        format: FORMAT,
        site: "site".parse().unwrap(),
        serial: "7".parse().unwrap(),
        node: node.parse().unwrap(),
        identity: Identity { host_names: vec![node.to_owned()], addresses: vec!["10.0.0.1".parse().unwrap()], machine_id: None },
        roles: vec!["etcd".parse().unwrap()],
        folders_to_back_up: Vec::new(),
        etcd: Vec::new(),
        steps: vec![Step::InstallFiles(InstallFiles { files: vec![file] })],
    }
}

pub fn entries() -> Entries {
    let mut entries = Entries::new();
    let mut add = |path: &str, content: Vec<u8>| entries.insert(path.parse().unwrap(), Zeroizing::new(content));
    add("bundle.json", serde_json::to_vec(&manifest()).unwrap());
    add("nodes/n1.json", serde_json::to_vec(&slice("n1")).unwrap());
    add("nodes/n2.json", serde_json::to_vec(&slice("n2")).unwrap());
    add("certs/etcd-ca.pem", b"a certificate\n".to_vec());
    add("secrets/etcd-key.pem", b"a key\n".to_vec());
    entries
}

pub fn name() -> BundleName {
    manifest().name()
}

pub fn path(text: &str) -> EntryPath {
    text.parse().unwrap()
}

/// The bundle of these entries, signed by the signer of seed 1.
pub fn pack(entries: Entries) -> Vec<u8> {
    writer::write(&name(), manifest().created, entries, &FixedSigner::new(1), &Forbidden::default()).unwrap()
}
