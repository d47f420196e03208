//! What is said of each problem, in both languages, as snapshots: of every refusal, every error of a database and every other failure one.
//! `INSTA_UPDATE=always cargo test --workspace --lib explain` rewrites them; read the difference before committing it. Most of them happen
//! for real in `tests/tests/errors_said.rs`, `tests/hostile/` and at live sites.

use std::{fmt::Write as _, io::ErrorKind};

use bundle_format::{
    certificate::{CertificateError, ChainError},
    digest::{Digest, Fingerprint},
    language::Language,
    name::TargetPath,
    reader::BundleError,
    sealing::UnsealError,
    signature::SignerCount,
};

use super::{super::about_fault, Call, explain};
use crate::{
    error::{Failure, Untrusted},
    guard::{Ailing, Risk},
    identity::NodeListing,
    journal::JournalError,
    machine::{Host, Kind, LockError, MachineError, MediumError, PlaceError, database::DatabaseError},
    memory::{MemoryError, Mixup},
    node_identity::IdentityError,
    plan::Rejection,
    preflight::Refusal,
    run::{Ended, Fault, StoreError},
    steps::{StepError, manifests::Whereabouts},
    unseal::Locked,
};

const SIGNER: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const RESTORE_TEXT: &str = "/var/lib/reseal/runs/0001-site-7/RESTORE.txt";

fn leaf() -> TargetPath {
    "/srv/kubernetes/etcd.pem".parse().unwrap()
}

fn manifest() -> TargetPath {
    "/opt/kubernetes/manifests-multi/tos-etcd.manifest".parse().unwrap()
}

fn signer() -> Fingerprint {
    SIGNER.parse().unwrap()
}

fn refused_by_the_system(kind: ErrorKind) -> MachineError {
    MachineError::example("/var/lib/reseal/lock", kind)
}

fn elsewhere() -> PlaceError {
    PlaceError::OutsideRoot { folder: "/var/lib/reseal".to_owned(), leads_to: "/data".to_owned(), root: "/mnt".to_owned() }
}

fn not_json() -> serde_json::Error {
    serde_json::from_str::<()>("{").unwrap_err()
}

fn listing() -> Vec<NodeListing> {
    vec![NodeListing { node: "tos1".parse().unwrap(), host_names: vec!["tos1".to_owned()], addresses: vec!["10.0.0.11".parse().unwrap()] }]
}

fn refusals() -> Vec<Refusal> {
    let (run, now, entry) = ("0001-site-7".to_owned(), "2026-01-31T01:02:03Z".to_owned(), "certs/etcd.pem");
    let tos1 = || vec!["tos1".parse().unwrap(), "tos2".parse().unwrap()];
    let host = Host { name: Some("db7".to_owned()), addresses: vec!["10.0.0.99".parse().unwrap()], machine_id: None };
    vec![
        Refusal::NoCertificate { target: leaf(), why: CertificateError::Missing },
        Refusal::AuthorityAbsent { authority: "etcd".parse().unwrap(), homes: vec![leaf()] },
        Refusal::Blind { why: "…".to_owned() },
        Refusal::Busy { pid: Some(4711) },
        Refusal::Busy { pid: None },
        Refusal::ChangedSince { run: run.clone(), targets: vec![leaf(), manifest()] },
        Refusal::ClockAhead { now: now.clone(), target: leaf(), ended: "2026-01-30T08:00:00Z".to_owned(), nodes: tos1() },
        Refusal::ClockBefore { entry: entry.parse().unwrap(), not_before: "2026-02-01T08:00:00Z".to_owned(), now: now.clone() },
        Refusal::DiskLeaf { target: leaf(), authority: "etcd".parse().unwrap(), why: stranger() },
        Refusal::DocumentMissing { target: leaf() },
        Refusal::Document { target: leaf(), why: "…".to_owned() },
        Refusal::Full { folder: "/srv/kubernetes".to_owned(), needed: 5_000_000, free: 4096 },
        Refusal::FullOfFiles { folder: "/srv/kubernetes".to_owned(), needed: 20, free: 3 },
        Refusal::Holding { holding: "/opt/kubernetes".parse().unwrap(), why: "…".to_owned() },
        Refusal::Manifest { manifest: manifest(), found: Whereabouts::Both, holding: "/opt/kubernetes".parse().unwrap() },
        Refusal::Manifest { manifest: manifest(), found: Whereabouts::Missing, holding: "/opt/kubernetes".parse().unwrap() },
        Refusal::Needed { run: run.clone(), why: "…" },
        Refusal::NodeAmbiguous { nodes: tos1() },
        Refusal::NodeUnknown { host, nodes: listing() },
        Refusal::NodeNotThere { name: "tos9".parse().unwrap(), nodes: listing() },
        Refusal::NotAFile { target: leaf(), kind: Kind::Link },
        Refusal::NotAFile { target: leaf(), kind: Kind::Folder },
        Refusal::NotRoot,
        Refusal::NewLeaf { leaf: entry.parse().unwrap(), authority: "`etcd`".to_owned(), why: stranger() },
        Refusal::OtherKey { key: "secrets/etcd-key.pem".parse().unwrap(), leaf: entry.parse().unwrap() },
        Refusal::Place { target: leaf(), why: PlaceError::FolderMissing("/srv/kubernetes".to_owned()) },
        Refusal::ReadOnly { target: leaf(), why: "…".to_owned() },
        Refusal::Risk(Risk::Outage { total: 1 }),
        Refusal::Risk(Risk::Quorum {
            needed: 2,
            healthy: 1,
            unhealthy: vec![Ailing { node: "tos2".parse().unwrap(), why: "…".to_owned() }],
        }),
        Refusal::Runtime { why: "…".to_owned() },
        Refusal::RowsChangedSince { run: run.clone(), keys: vec!["tos.etcd.pem".to_owned()] },
        Refusal::SanLoss { target: leaf(), leaf: entry.parse().unwrap(), lost: vec!["DNS:tos9".to_owned(), "IP:10.0.0.19".to_owned()] },
        Refusal::Stale { not_after: "2026-01-30T08:00:00Z".to_owned(), now },
        Refusal::State { why: "…".to_owned() },
        Refusal::TooLarge { target: leaf(), size: 17_825_792, most: 16_777_216 },
        Refusal::Unconfirmed { what: "…".to_owned(), why: "…" },
        Refusal::Unfinished { run: run.clone() },
        Refusal::UnreadableSince { run, targets: vec![leaf()] },
        Refusal::Unreadable { target: leaf(), why: "…".to_owned() },
        Refusal::WildcardNone { target: "/var/lib/*/config.json".parse().unwrap() },
        Refusal::WildcardSeveral { target: "/var/lib/*/config.json".parse().unwrap(), candidates: vec![leaf(), manifest()] },
    ]
}

fn stranger() -> ChainError {
    ChainError::Issuer { issuer: "CN=stranger".to_owned(), subject: "CN=etcd-ca".to_owned() }
}

fn database_errors() -> Vec<DatabaseError> {
    let (server, why, doing) = (|| "/var/run/mysqld/mysqld.sock".to_owned(), || "…".to_owned(), "…");
    let (table, key, column) = (|| "manager_info".to_owned(), || "tos.etcd.pem".to_owned(), || "value".to_owned());
    vec![
        DatabaseError::Answer { doing },
        DatabaseError::Changed { key: key() },
        DatabaseError::Client { command: "mysql -uroot".to_owned(), status: "…".to_owned(), why: why() },
        DatabaseError::Column { table: table(), column: column(), why: why() },
        DatabaseError::CommandStart { program: "mysql".to_owned(), why: why() },
        DatabaseError::CopyDiffers { table: "manager_info_bak_7".to_owned() },
        DatabaseError::Denied { server: server(), why: why() },
        DatabaseError::Engine { doing, code: 1030, why: why() },
        DatabaseError::HalfDone { keys: vec![key()], cause: Box::new(DatabaseError::LockWait) },
        DatabaseError::LockWait,
        DatabaseError::Lost { server: server(), doing, why: why() },
        DatabaseError::NoRights { doing, why: why() },
        DatabaseError::NoSuchSchema { schema: "manager".to_owned() },
        DatabaseError::NoTable { table: table() },
        DatabaseError::NoValue { key: key() },
        DatabaseError::NotStored { key: key() },
        DatabaseError::ReadOnly { why: why() },
        DatabaseError::RowMissing { table: table(), key: key() },
        DatabaseError::RowTwice { table: table(), key: key(), count: 2 },
        DatabaseError::SchemaName { name: "a`b".to_owned() },
        DatabaseError::SeesNothing { table: table() },
        DatabaseError::Server { doing, code: 1064, why: why() },
        DatabaseError::SeveralSchemas { table: table(), schemas: vec!["a".to_owned(), "b".to_owned()] },
        DatabaseError::TimedOut { server: server(), doing, seconds: 10 },
        DatabaseError::Tls { server: server(), why: why() },
        DatabaseError::TooLong { key: key() },
        DatabaseError::TooShort { key: key(), column: column(), kind: "varchar(1000)".to_owned(), needs: 1704, takes: 1000 },
        DatabaseError::Unreachable { server: server(), why: why() },
    ]
}

fn runs() -> Vec<Failure> {
    let run = || "0001-site-7".to_owned();
    let folder = || "/var/lib/reseal/runs/0001-site-7".to_owned();
    let restore_text = || RESTORE_TEXT.to_owned();
    let exhausted =
        |is_undoing| Ended::Exhausted { run: run(), attempts: 5, place: "…".to_owned(), is_undoing, restore_text: restore_text() };
    let failed = |error: StepError| Box::new(Fault::Step(error));
    let waited = || failed(StepError::TooLong { what: "…".to_owned(), limit: 900, missing: "…".to_owned() });
    let ended = [
        exhausted(false),
        exhausted(true),
        Ended::Interrupted { run: run() },
        Ended::Unchanged { why: failed(StepError::NoDatabase) },
        Ended::RolledBack { why: waited() },
        Ended::Stuck { why: waited(), undo: failed(StepError::Changed(leaf())), restore_text: restore_text() },
        Ended::NotUndone { run: run(), why: failed(StepError::Changed(leaf())), restore_text: restore_text() },
    ];
    let stores = [
        StoreError::Journal { folder: folder(), why: JournalError::Broken(2) },
        StoreError::Journal { folder: folder(), why: JournalError::Version { found: 2 } },
        StoreError::Lock(LockError::Machine(refused_by_the_system(ErrorKind::StorageFull))),
        StoreError::Machine(refused_by_the_system(ErrorKind::PermissionDenied)),
        StoreError::Place(elsewhere()),
        StoreError::Record(not_json()),
    ];
    ended.into_iter().map(Failure::Run).chain(stores.map(Failure::Store)).collect()
}

fn of_bundles() -> Vec<Failure> {
    let secret = || "secrets/etcd-key.pem".parse().unwrap();
    let bundles = [
        BundleError::Io(ErrorKind::TimedOut.into()),
        BundleError::PackedTooLarge(1 << 30),
        BundleError::NotSealed(secret()),
        BundleError::Sealed(secret()),
    ];
    let digest = || Digest::of(b"x");
    let mixups = [
        Mixup::Older { found: "6".parse().unwrap(), applied: "7".parse().unwrap() },
        Mixup::OtherSite { found: "elsewhere".parse().unwrap(), known: vec!["site".parse().unwrap()] },
        Mixup::Reused { serial: "7".parse().unwrap(), found: digest(), applied: digest() },
        Mixup::TooFewSigners { needed: SignerCount::try_from(2).unwrap(), asked: SignerCount::ONE, signers: vec![signer()] },
    ];
    let (entry, path) = (|| "certs/etcd-ca.pem".parse().unwrap(), || "/srv/kubernetes/etcd-ca.pem".parse().unwrap());
    let rejections = [
        Rejection::ForeignAuthority { authority: "etcd".parse().unwrap(), path: path(), found: vec![signer()], expected: signer() },
        Rejection::Fingerprint { entry: entry(), found: digest(), expected: digest() },
        Rejection::Key { entry: entry(), found: signer(), expected: signer() },
        Rejection::NoMember { cluster: "etcd".parse().unwrap(), node: "tos9".parse().unwrap() },
        Rejection::NoEntry(entry()),
        Rejection::NoCertificate { entry: entry(), why: CertificateError::Missing },
        Rejection::Twice { first: leaf(), second: path() },
    ];
    let untrusted = |given: &[&str], pinned: Vec<Fingerprint>, hides_pins| {
        let given = given.iter().map(|given| given.parse().unwrap()).collect();
        Failure::Untrusted(Box::new(Untrusted { found: vec![signer()], given, pinned, hides_pins }))
    };
    let all = bundles.map(Failure::Bundle).into_iter().chain(mixups.map(Failure::Mixup)).chain(rejections.map(Failure::Rejected));
    all.chain([untrusted(&[], vec![], true), untrusted(&[SIGNER], vec![signer()], false), untrusted(&[], vec![signer()], false)]).collect()
}

fn others() -> Vec<Failure> {
    let node = || "tos1".parse().unwrap();
    let recipient = || RECIPIENT.parse().unwrap();
    let secret = || "secrets/etcd-key.pem".parse().unwrap();
    let locked = [
        Locked::NoIdentity { node: node(), listed: recipient() },
        Locked::NoPassphrase(node()),
        Locked::Nobody(node()),
        Locked::OtherIdentity { node: node(), listed: recipient(), own: recipient() },
        Locked::Passphrase { flag: "--passphrase-file", why: "…".to_owned() },
        Locked::Sealed(UnsealError::Damaged(secret())),
        Locked::SiteIdentity { entry: secret(), found: recipient(), expected: recipient() },
        Locked::WrongPassphrase,
    ];
    let identity = || "/var/lib/reseal/identity".to_owned();
    let identities = [
        IdentityError::Machine(refused_by_the_system(ErrorKind::ReadOnlyFilesystem)),
        IdentityError::Other { path: identity(), why: "…".to_owned() },
        IdentityError::Place(elsewhere()),
        IdentityError::Readable { path: identity(), mode: 0o644 },
    ];
    let memories = [
        MemoryError::Machine(refused_by_the_system(ErrorKind::PermissionDenied)),
        MemoryError::Place(elsewhere()),
        MemoryError::Record(not_json()),
        MemoryError::Unusable { file: "/var/lib/reseal/sites/site.json".to_owned(), why: "…".to_owned() },
    ];
    let facts = bundle_format::facts::read(b"{}").unwrap_err();
    let singles = [
        Failure::Facts(facts),
        Failure::Flag { flag: "--db-port", why: "…".to_owned() },
        Failure::Machine(refused_by_the_system(ErrorKind::NotFound)),
        Failure::Machine(refused_by_the_system(ErrorKind::PermissionDenied)),
        Failure::NoBundle,
        Failure::NoRun { run: "9".to_owned() },
        Failure::NoSite { site: "elsewhere".parse().unwrap(), known: "site".to_owned() },
        Failure::NotAgreed { consequence: "…".to_owned(), why: "…".to_owned() },
        Failure::NotPinned { signer: SIGNER.parse().unwrap(), pinned: vec![signer()] },
        Failure::Medium(MediumError::Open { path: "site-7.tar.gz".to_owned(), source: ErrorKind::NotFound.into() }),
        Failure::Out(refused_by_the_system(ErrorKind::AlreadyExists)),
        Failure::Signer { value: "SHA256:short".to_owned(), why: "…".to_owned() },
    ];
    let all = locked.map(Failure::Locked).into_iter().chain(identities.map(Failure::Identity));
    all.chain(memories.map(Failure::Memory)).chain(singles).collect()
}

/// What a person reads of these failures, who typed `apply` with a bundle on a stick.
fn said(failures: &[Failure]) -> String {
    let call = Call {
        program: "./reseal-node".to_owned(),
        command: "apply",
        rest: vec!["/mnt/usb/site-7.tar.gz".to_owned(), "--signer".to_owned(), SIGNER.to_owned()],
        ..Call::default()
    };
    let mut text = String::new();
    for problem in failures.iter().flat_map(|failure| explain(failure, &call)) {
        let _ = writeln!(text, "{} {}", problem.code, problem.message);
        for hint in problem.hints {
            let _ = writeln!(text, "  {hint}");
        }
    }
    text
}

/// What is in one snapshot each.
fn kinds() -> [(&'static str, Vec<Failure>); 5] {
    [
        ("refusals", refusals().into_iter().map(Failure::from).collect()),
        ("database", database_errors().into_iter().map(|error| Refusal::Database(error).into()).collect()),
        ("runs", runs()),
        ("bundles", of_bundles()),
        ("others", others()),
    ]
}

#[test]
fn each_problem_is_said_in_both_languages() {
    for language in Language::ALL {
        let texts = language.says(|| kinds().map(|(kind, failures)| (kind, said(&failures))));
        let (message, hint) = language.says(|| about_fault("executor/src/main.rs:1"));
        for (kind, text) in texts.into_iter().chain([("fault", format!("{message}\n  {hint}\n"))]) {
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{kind}.{}", language.tag()), text);
            });
        }
    }
}
