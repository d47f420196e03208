//! Tests of what is made of facts, and of what contradicts among them.

use bundle_format::{
    certificate::Certificate,
    facts::{
        AddressFact, CertificateFacts, ClusterFacts, EtcdFacts, HomeFact, HomePart, HostFacts, NodeFacts, RoleFact, SystemFacts,
        VersionFact, VersionSource,
    },
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-01-02 12:00 UTC);
const CA_PATH: &str = "/srv/kubernetes/etcd-ca.pem";
const LEAF_PATH: &str = "/srv/kubernetes/etcd.pem";
const SANS: [&str; 6] = ["tos1", "tos2", "10.0.0.11", "10.0.0.12", "127.0.0.1", "10.10.10.1"];

/// A CA and what it signs.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: Certificate,
}

impl Authority {
    fn new(until: OffsetDateTime) -> Self {
        Self::with(KeyPair::generate().unwrap(), until)
    }

    fn with(key: KeyPair, until: OffsetDateTime) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "etcd-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params.not_before, params.not_after) = (datetime!(2013-01-01 0:00 UTC), until);
        let certificate = Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap();
        Self { params, key, certificate }
    }

    fn leaf(&self, sans: &[&str]) -> Certificate {
        let mut params = CertificateParams::new(sans.iter().map(|san| (*san).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "kubernetes");
        (params.not_before, params.not_after) = (self.params.not_before, self.params.not_after);
        let signed = params.signed_by(&KeyPair::generate().unwrap(), &Issuer::from_params(&self.params, &self.key)).unwrap();
        Certificate::from_der(signed.der()).unwrap()
    }
}

/// A site's masters and Manager, of which each test spoils something.
struct Scene {
    authority: Authority,
    leaf: Certificate,
    told: Vec<Told>,
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::new(datetime!(2030-01-01 0:00 UTC));
        let leaf = authority.leaf(&SANS);
        let mut scene = Self { authority, leaf, told: Vec::new() };
        scene.told = vec![
            scene.node("tos2", 12, &["etcd", "flannel"]),
            scene.node("tos1", 11, &["etcd", "flannel"]),
            scene.node("manager", 20, &["manager"]),
        ];
        scene.told[2].facts.clusters[0].versions =
            vec![VersionFact { text: "tos-2.1".parse().unwrap(), source: VersionSource::Folder, from: "/x".to_owned() }];
        scene
    }

    fn node(&self, name: &str, number: u8, roles: &[&str]) -> Told {
        let home = |part, path: &str| HomeFact { name: "etcd".parse().unwrap(), part, path: path.parse().unwrap() };
        let role = |role: &&str| RoleFact { role: role.parse().unwrap(), because: vec!["a manifest".to_owned()] };
        let address =
            |address: &str, interface: &str| AddressFact { address: address.parse().unwrap(), from: format!("interface {interface}") };
        let facts = NodeFacts {
            facts: facts::FORMAT,
            made_by: "0.1.0".to_owned(),
            gathered: NOW - time::Duration::minutes(number.into()),
            is_whole: true,
            host: HostFacts {
                name: Some(name.to_owned()),
                machine_id: Some(format!("{number:032}")),
                addresses: vec![
                    address("172.17.0.1", "docker0"),
                    address(&format!("10.244.{number}.0"), "flannel.1"),
                    address("fe80::1", "eth0"),
                    address(&format!("192.168.7.{number}"), "eth1"),
                    address(&format!("10.0.0.{number}"), "eth0"),
                ],
            },
            recipient: None,
            system: SystemFacts::default(),
            clusters: vec![ClusterFacts {
                profile: "tos".parse().unwrap(),
                roles: roles.iter().map(role).collect(),
                homes: vec![home(HomePart::Authority, CA_PATH), home(HomePart::Leaf, LEAF_PATH)],
                versions: Vec::new(),
                service_addresses: Vec::new(),
                etcd: None,
                database: None,
            }],
            runtime: None,
            remarks: Vec::new(),
            certificates: vec![certificate(CA_PATH, &self.authority.certificate), certificate(LEAF_PATH, &self.leaf)],
        };
        Told { file: format!("{name}.json"), facts }
    }

    fn draft(&self) -> Draft {
        self.try_draft().unwrap()
    }

    fn try_draft(&self) -> Result<Draft, DraftError> {
        Draft::of(self.told.clone(), NOW, &Wishes::default())
    }

    /// The codes of what is worth saying, without what an unsealed scene always has.
    fn codes(&self) -> Vec<&'static str> {
        let mut codes: Vec<_> =
            self.draft().findings.iter().map(Finding::code).filter(|code| !matches!(*code, "no-recipient" | "service-address")).collect();
        codes.dedup();
        codes
    }
}

fn certificate(path: &str, certificate: &Certificate) -> CertificateFacts {
    CertificateFacts::of(path.parse().unwrap(), 1, certificate)
}

#[test]
fn a_site_whose_nodes_agree_is_written_in_visiting_order() {
    let scene = Scene::new();
    let draft = scene.draft();
    assert_eq!(scene.codes(), [""; 0]);
    assert_eq!(draft.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["tos1", "tos2", "manager"]);
    assert_eq!((draft.name.as_str(), draft.version.as_deref(), draft.edition), ("tos", Some("tos-2.1"), Edition::Tdh));
    let shown: Vec<String> = draft.nodes[0].addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.0.0.11", "192.168.7.11"], "what others dial comes first; what containers bring along is left out");
    assert_eq!((draft.authority, draft.leaf), (scene.authority.certificate, scene.leaf));
}

#[test]
fn numbers_in_names_count_as_numbers() {
    let mut scene = Scene::new();
    scene.told.push(scene.node("tos10", 30, &["etcd"]));
    let draft = scene.draft();
    assert_eq!(draft.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["tos1", "tos2", "tos10", "manager"]);
    assert_eq!(scene.codes(), ["not-in-sans"]);
}

#[test]
fn of_several_facts_of_a_node_the_newest_are_taken() {
    let mut scene = Scene::new();
    let mut older = scene.told[1].clone();
    (older.facts.gathered, older.file) = (NOW - time::Duration::minutes(50), "older.json".to_owned());
    older.facts.clusters[0].roles.truncate(1);
    scene.told.insert(0, older);
    let draft = scene.draft();
    assert_eq!(draft.nodes.len(), 3);
    assert_eq!(draft.nodes[0].roles.len(), 2);
    let [Finding::Duplicate { kept, left, .. }] =
        &draft.findings.iter().filter(|found| found.code() == "duplicate").cloned().collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", draft.findings)
    };
    assert_eq!((kept.as_str(), left.as_str()), ("tos1.json", "older.json"));
}

#[test]
fn clones_are_told_apart_by_their_addresses() {
    let mut scene = Scene::new();
    let id = scene.told[0].facts.host.machine_id.clone();
    scene.told[1].facts.host.machine_id = id;
    assert_eq!(scene.codes(), ["same"]);
    assert!(scene.draft().nodes[..2].iter().all(|node| node.machine_id.is_none()));
    for told in &mut scene.told[..2] {
        told.facts.host.name = Some("localhost.localdomain".to_owned());
    }
    assert_eq!(scene.draft().nodes.iter().map(|node| node.name.to_string()).collect::<Vec<_>>(), ["10.0.0.11", "10.0.0.12", "manager"]);
    for told in &mut scene.told[..2] {
        told.facts.host.name = Some("tos".to_owned());
        told.facts.recipient = Some("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".parse().unwrap());
    }
    let draft = scene.draft();
    let shared: Vec<&'static str> =
        draft.findings.iter().filter_map(|found| if let Finding::Same { what, .. } = found { Some(*what) } else { None }).collect();
    assert_eq!(shared, ["the host name", "the machine-id", "the recipient"]);
    assert_eq!(draft.nodes.len(), 3);
}

#[test]
fn another_ca_is_said_or_refused() {
    let mut scene = Scene::new();
    let foreign = Authority::new(datetime!(2031-01-01 0:00 UTC));
    scene.told[2].facts.certificates[0] = certificate(CA_PATH, &foreign.certificate);
    assert_eq!(scene.codes(), ["other-authority"]);
    let said = scene.draft().findings.iter().find(|found| found.code() == "other-authority").unwrap().to_string();
    assert!(said.contains("`manager`") && said.contains("`tos1`, `tos2`") && said.contains("another key"), "{said}");
    scene.told[0].facts.certificates[0] = certificate(CA_PATH, &foreign.certificate);
    assert!(scene.draft().authority == foreign.certificate, "one master for each, and the Manager decides");
    scene.told.truncate(2);
    assert!(matches!(scene.try_draft(), Err(DraftError::TwoSites { .. })));
    for told in &mut scene.told {
        told.facts.certificates.remove(0);
    }
    assert!(matches!(scene.try_draft(), Err(DraftError::Nothing { .. })));
}

#[test]
fn a_half_renewed_site_has_one_key_and_two_certificates() {
    let mut scene = Scene::new();
    let key = KeyPair::try_from(scene.authority.key.serialize_der()).unwrap();
    let renewed = Authority::with(key, datetime!(2126-01-01 0:00 UTC));
    scene.told[1].facts.certificates[0] = certificate(CA_PATH, &renewed.certificate);
    assert_eq!(scene.codes(), ["other-authority"]);
    assert!(scene.draft().findings.iter().any(|found| found.to_string().contains("the same key")));
}

#[test]
fn names_of_all_leaves_are_kept() {
    let mut scene = Scene::new();
    let other = scene.authority.leaf(&["tos1", "10.0.0.11", "tos9", "10.0.0.19"]);
    scene.told[1].facts.certificates[1] = certificate(LEAF_PATH, &other);
    scene.told[2].facts.certificates[1] = certificate(LEAF_PATH, &scene.leaf);
    let draft = scene.draft();
    assert_eq!(draft.leaf, scene.leaf);
    assert_eq!(draft.sans, ["tos9", "10.0.0.19"]);
    assert_eq!(scene.codes(), ["other-leaf", "san-without-node"]);
    let foreign = Authority::new(NOW).leaf(&SANS);
    for told in &mut scene.told {
        told.facts.certificates[1] = certificate(LEAF_PATH, &foreign);
    }
    assert_eq!(scene.codes(), ["leaf-foreign"]);
}

#[test]
fn names_and_nodes_are_compared_both_ways() {
    let mut scene = Scene::new();
    scene.told.remove(0);
    let said: Vec<String> =
        scene.draft().findings.iter().filter(|found| found.code() == "san-without-node").map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|said| said.contains("DNS:tos2")) && said.iter().any(|said| said.contains("IP:10.0.0.12")), "{said:?}");
    scene.told[0].facts.clusters[0].etcd = Some(EtcdFacts {
        client_port: Some(4001),
        peer_port: None,
        members: vec!["10.0.0.11".parse().unwrap(), "10.0.0.12".parse().unwrap()],
    });
    assert!(scene.codes().contains(&"member-missing"));
    assert_eq!(scene.draft().restart.etcd_port, Some(4001));
    let mut scene = Scene::new();
    scene.told.push(scene.node("tos3", 13, &["etcd"]));
    assert_eq!(scene.codes(), ["not-in-sans"]);
}

#[test]
fn clocks_are_compared_with_this_one_and_one_another() {
    let with = |hours: i64| {
        let mut scene = Scene::new();
        scene.told[0].facts.gathered = NOW + time::Duration::hours(hours);
        (scene.codes(), scene.draft().findings)
    };
    let (codes, findings) = with(3);
    assert_eq!(codes, ["clock-ahead"]);
    assert!(findings.iter().any(|found| found.to_string().contains("`tos2` is 3 h 0 min ahead")), "{findings:?}");
    let (codes, findings) = with(-3);
    assert_eq!(codes, ["clock-apart"]);
    assert!(
        findings
            .iter()
            .any(|found| found.to_string().contains("`tos2` said 2026-01-02 09:00, which is 2 h 40 min from the next, `manager`")),
        "{findings:?}"
    );
    assert_eq!(with(0).0, [""; 0]);
}

#[test]
fn versions_are_taken_where_one_is_clear() {
    let version = |text: &str, source| VersionFact { text: text.parse().unwrap(), source, from: "x".to_owned() };
    let with = |versions: Vec<VersionFact>| {
        let mut scene = Scene::new();
        scene.told[2].facts.clusters[0].versions = versions;
        (scene.draft().version, scene.codes())
    };
    let (folder, image) = (VersionSource::Folder, VersionSource::Image);
    assert_eq!(with(vec![version("tos-2.1", image)]), (Some("tos-2.1".to_owned()), vec![]));
    assert_eq!(with(vec![]), (None, vec!["version-unclear"]));
    assert_eq!(with(vec![version("tos-2.0", folder), version("tos-2.1", folder)]), (None, vec!["version-unclear"]));
    assert_eq!(
        with(vec![version("tos-2.0", folder), version("tos-2.1", folder), version("tos-2.1", image)]),
        (Some("tos-2.1".to_owned()), vec!["versions-differ"])
    );
    assert_eq!(with(vec![version("tos-2.0", folder), version("tos-2.1", image)]), (Some("tos-2.0".to_owned()), vec!["versions-differ"]));
}

#[test]
fn what_is_missing_is_said() {
    let mut scene = Scene::new();
    scene.told.truncate(2);
    scene.told[0].facts.host.addresses.clear();
    for told in &mut scene.told {
        told.facts.clusters[0].roles.retain(|role| role.role.as_str() == "etcd");
    }
    for code in ["no-address", "no-manager", "edition-guessed", "version-unclear"] {
        assert!(scene.codes().contains(&code), "{code}");
    }
    scene.told[0].facts.clusters.clear();
    assert!(scene.codes().contains(&"no-role"));
    assert_eq!(scene.draft().nodes.len(), 1);
    scene.told[1].facts.clusters[0].roles.clear();
    assert!(matches!(scene.try_draft(), Err(DraftError::Nothing { .. })));
}
