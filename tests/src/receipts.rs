//! Receipts as nodes write them, for sites larger or worse than tests can renew: of a real bundle, in the real form.

use std::path::Path;

use bundle_format::{
    certificate::Certificate,
    digest::{Digest, Fingerprint},
    receipt::{
        self, BundleLink, CertificateReceipt, Command, Content, Deviation, Down, Event, EventKind, FileReceipt, JournalLink, Mode,
        Occasion, Outcome, Override, QuorumSight, Receipt, RunLink, StepKind, StepReceipt, StepState,
    },
};
use time::{Duration, OffsetDateTime};

use crate::programs::sh;

/// What receipts of one bundle have in common.
pub struct Carried {
    bundle: BundleLink,
    site: String,
    pairs: [(Certificate, Certificate); 2],
    /// When the first node was begun.
    pub begun: OffsetDateTime,
}

impl Carried {
    /// Of the bundle `<site>-<serial>.tar.gz` in a workshop's folder, made from `etcd-ca.pem` and `etcd.pem`.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn of(folder: &Path, site: &str, serial: u64, begun: OffsetDateTime) -> Self {
        let name = format!("{site}-{serial}");
        let _ = sh(&format!("mkdir -p unpacked && tar -xzf {name}.tar.gz -C unpacked"), folder);
        let read = |path: String| std::fs::read(folder.join(path)).expect("it is there");
        let certificate = |path: String| Certificate::all_from_file(&read(path)).expect("it is a certificate").remove(0);
        let pair = |file: &str| (certificate(file.to_owned()), certificate(format!("unpacked/{name}/certs/{file}")));
        let bundle = BundleLink {
            serial: serial.to_string().parse().expect("a serial"),
            sha256: Digest::of(&read(format!("unpacked/{name}/SHA256SUMS"))),
            signers: vec![Fingerprint::of_spki(b"signer")],
        };
        Self { bundle, site: site.to_owned(), pairs: [pair("etcd-ca.pem"), pair("etcd.pem")], begun }
    }

    /// The receipt of a node that was visited as the `turn`th of `masters` (from 1), or as a node without etcd where `turn` is larger.
    /// Certificates had ended: nothing was guarded.
    ///
    /// # Panics
    /// When `node` is no name.
    #[must_use]
    pub fn applied(&self, node: &str, turn: u32, masters: u32) -> Receipt {
        let begun = self.begun + Duration::minutes(4 * i64::from(turn - 1));
        let after = |seconds: i64| Some(begun + Duration::seconds(seconds));
        let is_master = turn <= masters;
        let has_quorum = turn > masters / 2;
        let file = |target: &str, former, new| FileReceipt { target: target.parse().expect("a path"), former, new };
        let told = |certificate: &Certificate| Content::Certificates {
            sha256: Digest::of(certificate.to_pem().as_bytes()),
            certificates: vec![CertificateReceipt::of(certificate)],
        };
        let replaced = |path: &str, (old, new): &(Certificate, Certificate)| file(path, Some(told(old)), told(new));
        let key = |certificate: &Certificate| Content::PrivateKey { public_key: Some(certificate.public_key()) };
        let [ca, leaf] = &self.pairs;
        let step = |kind, from: i64, until: i64| StepReceipt {
            kind,
            state: StepState::Done,
            started: after(from),
            done: after(until),
            undone: None,
            files: Vec::new(),
            rows: Vec::new(),
            services: Vec::new(),
            down: Vec::new(),
        };
        let mut steps = vec![StepReceipt {
            files: vec![
                replaced("/srv/kubernetes/etcd-ca.pem", ca),
                replaced("/srv/kubernetes/etcd.pem", leaf),
                file("/srv/kubernetes/etcd-key.pem", Some(key(&leaf.0)), key(&leaf.1)),
            ],
            ..step(StepKind::InstallFiles, 2, 3)
        }];
        if is_master {
            let services = ["tos-etcd", "tos-apiserver"].map(str::to_owned).to_vec();
            let down = vec![Down { from: begun + Duration::seconds(4), until: after(58) }];
            steps.push(StepReceipt { services, down, ..step(StepKind::RestartStaticPods, 4, 58) });
        }
        let sight = |occasion, at: i64, renewed: u32| QuorumSight {
            at: begun + Duration::seconds(at),
            occasion,
            cluster: "etcd".parse().expect("a label"),
            members: masters,
            healthy: if renewed > masters / 2 { renewed } else { 0 },
            renewed: Some(renewed),
            unhealthy: Vec::new(),
        };
        let quorum = if is_master { vec![sight(Occasion::BeforeStop, 4, turn - 1), sight(Occasion::End, 70, turn)] } else { Vec::new() };
        let outcome = if is_master && !has_quorum { Outcome::Waiting } else { Outcome::Applied };
        Receipt {
            receipt: receipt::FORMAT,
            number: 1,
            former: None,
            written: begun + Duration::seconds(71),
            made_by: "0.1.0".to_owned(),
            architecture: "x86_64".to_owned(),
            is_whole: true,
            host: Some(node.to_owned()),
            site: self.site.parse().expect("a site's name"),
            node: node.parse().expect("a node's name"),
            bundle: self.bundle.clone(),
            run: RunLink {
                name: format!("0001-{}-{}", self.site, self.bundle.serial),
                begun_by: "0.1.0".to_owned(),
                begun,
                last_record: begun + Duration::seconds(70),
                journal: JournalLink { records: 24, bytes: 9000, sha256: Digest::of(node.as_bytes()) },
            },
            command: Some(Command::Apply),
            exit: Some(if outcome == Outcome::Waiting { 7 } else { 0 }),
            outcome,
            why: None,
            clock_went_back: 0,
            mode: Mode::Recovery { target: "/srv/kubernetes/etcd-ca.pem".parse().expect("a path"), ended: ca.0.not_after() },
            deviations: Vec::new(),
            events: vec![
                Event { what: EventKind::Begun, at: begun },
                Event { what: EventKind::Applied, at: begun + Duration::seconds(70) },
            ],
            steps,
            quorum,
        }
    }

    /// The same, failed at its restart for a reason.
    #[must_use]
    pub fn failed(&self, node: &str, turn: u32, masters: u32, why: &str) -> Receipt {
        let mut receipt = self.applied(node, turn, masters);
        receipt.quorum.truncate(1);
        if let Some(step) = receipt.steps.last_mut() {
            (step.state, step.done) = (StepState::Begun, None);
            step.down.iter_mut().for_each(|down| down.until = None);
        }
        Receipt { outcome: Outcome::Failed, exit: Some(6), why: Some(why.to_owned()), ..receipt }
    }

    /// The next receipt of a node: it was rolled back.
    ///
    /// # Panics
    /// When `former` cannot be written.
    #[must_use]
    pub fn rolled_back(&self, former: &Receipt) -> Receipt {
        let (_, digest) = receipt::write(former).expect("it can be written");
        let at = former.written + Duration::minutes(9);
        let mut next = Receipt {
            number: former.number + 1,
            former: Some(digest),
            written: at,
            command: Some(Command::Rollback),
            exit: Some(0),
            outcome: Outcome::RolledBack,
            why: None,
            quorum: Vec::new(),
            ..former.clone()
        };
        next.run.last_record = at;
        next.events.push(Event { what: EventKind::RolledBack, at });
        next.steps.iter_mut().for_each(|step| (step.state, step.undone) = (StepState::Undone, Some(at)));
        next
    }
}

/// A receipt with what its operator overrode.
#[must_use]
pub fn overridden(receipt: Receipt, what: Deviation) -> Receipt {
    let at = receipt.run.begun;
    Receipt { deviations: vec![Override { what, at }], ..receipt }
}

/// The text of receipts, one after the other.
///
/// # Panics
/// When one cannot be written.
#[must_use]
pub fn text(receipts: &[Receipt]) -> String {
    receipts.iter().map(|one| receipt::write(one).expect("it can be written").0).collect()
}
