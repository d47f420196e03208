//! Certificate authorities as they are found in the field and as no library writes them, each with a leaf.
//!
//! All end on 2023-03-10 10:30 UTC. Certificates are put together byte by byte and signed by OpenSSL.

use std::sync::OnceLock;

use super::{
    der::{attribute, bits, extension, generalized, int, name, octets, oid, seq, set, tlv, tlv_long, utc},
    judges::HOST,
    tools::{folder, openssl, succeed, write},
};

/// A kind of key, and what OpenSSL calls it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 4096 bits.
    Rsa4096,
    /// RSA with the public exponent 3.
    RsaExponent3,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// Ed25519.
    Ed25519,
}

impl Key {
    /// All kinds.
    pub const ALL: [Self; 7] = [Self::Rsa2048, Self::Rsa4096, Self::RsaExponent3, Self::P256, Self::P384, Self::P521, Self::Ed25519];

    /// Options of `openssl genpkey`.
    #[must_use]
    pub fn options(self) -> &'static str {
        match self {
            Self::Rsa2048 => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            Self::Rsa4096 => "-algorithm RSA -pkeyopt rsa_keygen_bits:4096",
            Self::RsaExponent3 => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3",
            Self::P256 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            Self::P384 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            Self::P521 => "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
            Self::Ed25519 => "-algorithm ED25519",
        }
    }

    /// One key of this kind as PKCS#8 PEM, the same throughout a process.
    #[must_use]
    pub fn authority(self) -> &'static str {
        static KEYS: [OnceLock<String>; 7] = [const { OnceLock::new() }; 7];
        KEYS[self as usize].get_or_init(|| self.generate())
    }

    /// Another, for leaves.
    #[must_use]
    pub fn leaf(self) -> &'static str {
        static KEYS: [OnceLock<String>; 7] = [const { OnceLock::new() }; 7];
        KEYS[self as usize].get_or_init(|| self.generate())
    }

    fn generate(self) -> String {
        String::from_utf8(openssl(&format!("genpkey {}", self.options()), b"")).unwrap()
    }

    /// The digest that fits.
    #[must_use]
    pub fn digest(self) -> &'static str {
        match self {
            Self::Rsa2048 | Self::Rsa4096 | Self::RsaExponent3 | Self::P256 => "sha256",
            Self::P384 => "sha384",
            Self::P521 => "sha512",
            Self::Ed25519 => "",
        }
    }
}

/// The parts of a certificate, each as DER.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The version with its `[0]`, or nothing.
    pub version: Vec<u8>,
    /// The content of the serial number.
    pub serial: Vec<u8>,
    /// Whose certificate it is.
    pub subject: Vec<u8>,
    /// The issuer, where it is another.
    pub issuer: Option<Vec<u8>>,
    /// Begin and end.
    pub validity: [Vec<u8>; 2],
    /// The public key.
    pub spki: Vec<u8>,
    /// Unique identifiers, or nothing.
    pub unique: Vec<u8>,
    /// Extensions, or none.
    pub extensions: Vec<Vec<u8>>,
    /// The digest of the signature, and `pss` behind it for that padding.
    pub digest: &'static str,
    /// The AlgorithmIdentifier without `NULL`.
    pub bare_algorithm: bool,
}

impl Parts {
    /// The certificate, signed with the `key` of kind `kind`.
    #[must_use]
    pub fn sign(&self, kind: Key, key: &str) -> Vec<u8> {
        let tbs = self.tbs(kind);
        let signature = signature(kind, self.digest, key, &tbs);
        seq(&[tbs, algorithm(kind, self.digest, self.bare_algorithm), bits(&signature)])
    }

    /// What is signed.
    #[must_use]
    pub fn tbs(&self, kind: Key) -> Vec<u8> {
        let extensions = if self.extensions.is_empty() { Vec::new() } else { tlv(0xa3, &seq(&self.extensions)) };
        seq(&[
            self.version.clone(),
            int(&self.serial),
            algorithm(kind, self.digest, self.bare_algorithm),
            self.issuer.as_ref().unwrap_or(&self.subject).clone(),
            seq(&self.validity),
            self.subject.clone(),
            self.spki.clone(),
            self.unique.clone(),
            extensions,
        ])
    }

    /// What a renewal until `end` must be, byte for byte but for a signature that has randomness in it.
    #[must_use]
    pub fn renewed(&self, kind: Key, end: Vec<u8>) -> Self {
        let digest = match (kind, self.digest) {
            (Key::P256, _) | (_, "sha1" | "sha256pss") => "sha256",
            (_, digest) => digest,
        };
        Self { validity: [self.validity[0].clone(), end], digest, bare_algorithm: false, ..self.clone() }
    }
}

fn algorithm(kind: Key, digest: &str, bare: bool) -> Vec<u8> {
    let null = if bare { Vec::new() } else { tlv(5, &[]) };
    match (kind, digest) {
        (Key::Ed25519, _) => seq(&[oid("1.3.101.112")]),
        (Key::P256 | Key::P384 | Key::P521, "sha1") => seq(&[oid("1.2.840.10045.4.1")]),
        (Key::P256 | Key::P384 | Key::P521, "sha256") => seq(&[oid("1.2.840.10045.4.3.2")]),
        (Key::P256 | Key::P384 | Key::P521, "sha384") => seq(&[oid("1.2.840.10045.4.3.3")]),
        (Key::P256 | Key::P384 | Key::P521, _) => seq(&[oid("1.2.840.10045.4.3.4")]),
        (_, "sha256pss") => {
            let sha256 = seq(&[oid("2.16.840.1.101.3.4.2.1"), tlv(5, &[])]);
            let mask = seq(&[oid("1.2.840.113549.1.1.8"), sha256.clone()]);
            seq(&[oid("1.2.840.113549.1.1.10"), seq(&[tlv(0xa0, &sha256), tlv(0xa1, &mask), tlv(0xa2, &int(&[32]))])])
        }
        (_, "sha1") => seq(&[oid("1.2.840.113549.1.1.5"), null]),
        (_, "sha384") => seq(&[oid("1.2.840.113549.1.1.12"), null]),
        (_, "sha512") => seq(&[oid("1.2.840.113549.1.1.13"), null]),
        _ => seq(&[oid("1.2.840.113549.1.1.11"), null]),
    }
}

fn signature(kind: Key, digest: &str, key: &str, tbs: &[u8]) -> Vec<u8> {
    let folder = folder();
    write(folder.path(), "key", key);
    write(folder.path(), "tbs", tbs);
    let arguments = match digest {
        _ if kind == Key::Ed25519 => "pkeyutl -sign -rawin -inkey key -in tbs".to_owned(),
        "sha256pss" => "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign key tbs".to_owned(),
        digest => format!("dgst -{digest} -sign key tbs"),
    };
    succeed(folder.path(), "openssl", &arguments.split(' ').collect::<Vec<_>>(), b"")
}

/// The SubjectPublicKeyInfo of a private key.
#[must_use]
pub fn spki(key: &str) -> Vec<u8> {
    openssl("pkey -pubout -outform DER", key.as_bytes())
}

/// One authority of the zoo.
#[derive(Clone, Debug)]
pub struct Animal {
    /// What is odd about it.
    pub name: &'static str,
    /// The kind of its key.
    pub key: Key,
    /// What the authority is made of.
    pub parts: Parts,
    /// The authority.
    pub ca: Vec<u8>,
    /// A leaf that it issued, with a key of kind [`Animal::leaf_kind`].
    pub leaf: Vec<u8>,
}

impl Animal {
    /// The kind of key that its leaf has.
    #[must_use]
    pub fn leaf_kind(&self) -> Key {
        leaf_kind(self.key)
    }
}

fn leaf_kind(authority: Key) -> Key {
    if matches!(authority, Key::P256 | Key::P384) { authority } else { Key::Rsa2048 }
}

const SKI: [u8; 20] = [0x5a; 20];
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;

fn version(number: u8) -> Vec<u8> {
    tlv(0xa0, &int(&[number - 1]))
}

fn key_usage() -> Vec<u8> {
    extension("2.5.29.15", Some(true), &tlv(3, &[1, 0x06]))
}

fn basic_constraints() -> Vec<u8> {
    extension("2.5.29.19", Some(true), &seq(&[vec![1, 1, 0xff]]))
}

fn subject_key_id(id: &[u8]) -> Vec<u8> {
    extension("2.5.29.14", None, &octets(id))
}

fn authority_key_id(id: &[u8]) -> Vec<u8> {
    extension("2.5.29.35", None, &seq(&[tlv(0x80, id)]))
}

fn common_name() -> Vec<u8> {
    name(&[("6", PRINTABLE, b"CN"), ("10", UTF8, b"tos"), ("3", UTF8, b"etcd")])
}

/// An ordinary authority of version 3.
#[must_use]
pub fn ordinary(key: Key) -> Parts {
    Parts {
        version: version(3),
        serial: vec![0x12, 0x34],
        subject: common_name(),
        issuer: None,
        validity: [utc("130312103000Z"), utc("230310103000Z")],
        spki: spki(key.authority()),
        unique: Vec::new(),
        extensions: vec![key_usage(), basic_constraints(), subject_key_id(&SKI)],
        digest: key.digest(),
        bare_algorithm: false,
    }
}

/// A leaf of `ca`, whose authority key identifier is `authority` if any.
#[must_use]
pub fn leaf_of(ca: &Parts, key: &str, authority: Option<Vec<u8>>) -> Parts {
    let names = [tlv(0x82, HOST.as_bytes()), tlv(0x82, b"kubernetes"), tlv(0x87, &[127, 0, 0, 1]), tlv(0x87, &[10, 10, 10, 1])];
    let mut extensions = vec![
        extension("2.5.29.15", Some(true), &tlv(3, &[5, 0xa0])),
        extension("2.5.29.37", None, &seq(&[oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2")])),
        extension("2.5.29.19", Some(true), &seq(&[])),
        extension("2.5.29.17", None, &seq(&names)),
        subject_key_id(&[0xa5; 20]),
    ];
    extensions.extend(authority);
    Parts {
        version: version(3),
        serial: vec![0x22; 8],
        subject: name(&[("10", UTF8, b"tos"), ("3", UTF8, b"etcd leaf")]),
        issuer: Some(ca.subject.clone()),
        spki: spki(key),
        unique: Vec::new(),
        extensions,
        bare_algorithm: false,
        ..ca.clone()
    }
}

fn animal(name: &'static str, key: Key, ca: &Parts) -> Animal {
    let kind = leaf_kind(key);
    let has_ski = ca.extensions.iter().find(|extension| extension.windows(5).any(|window| window == [6, 3, 0x55, 0x1d, 14]));
    let authority = has_ski.map(|_| authority_key_id(&SKI));
    let leaf = Parts { validity: [utc("130312103000Z"), utc("230310103000Z")], ..leaf_of(ca, kind.leaf(), authority) };
    Animal { name, key, parts: ca.clone(), ca: ca.sign(key, key.authority()), leaf: leaf.sign(key, key.authority()) }
}

fn odd(name: &'static str, change: impl FnOnce(&mut Parts)) -> Animal {
    let mut parts = ordinary(Key::Rsa2048);
    change(&mut parts);
    animal(name, Key::Rsa2048, &parts)
}

/// All of them.
#[must_use]
pub fn zoo() -> Vec<Animal> {
    let mut zoo = vec![odd("ordinary", |_| {})];
    zoo.extend(names());
    zoo.extend(extensions());
    zoo.extend(encodings());
    zoo.extend(serials());
    zoo.extend(keys());
    zoo
}

fn names() -> Vec<Animal> {
    let with = |name, subject: Vec<u8>| odd(name, |ca| ca.subject = subject);
    vec![
        with("repeated OU", name(&[("10", UTF8, b"tos"), ("11", UTF8, b"a"), ("11", UTF8, b"b"), ("3", UTF8, b"etcd")])),
        with("two attributes in one RDN", seq(&[set(&[attribute("3", UTF8, b"etcd"), attribute("11", UTF8, b"a")])])),
        with("two attributes in one RDN, not in DER order", seq(&[set(&[attribute("11", UTF8, b"b"), attribute("3", UTF8, b"etcd")])])),
        with("BMPString", name(&[("3", 0x1e, b"\x4e\x2d\x65\x87")])),
        with("T61String", name(&[("10", 0x14, b"tos M\xfcnchen"), ("3", 0x14, b"etcd")])),
        with("PrintableString with illegal characters", name(&[("3", PRINTABLE, b"etcd_@*&!")])),
        with("unknown attributes", name(&[("1.3.6.1.4.1.99999.1", UTF8, b"x"), ("3", UTF8, b"etcd")])),
        with("empty subject", seq(&[])),
    ]
}

fn extensions() -> Vec<Animal> {
    let unknown = |critical| extension("1.3.6.1.4.1.99999.2", critical, b"\x04\x01x");
    let permitted = |base: Vec<u8>| seq(&[base]);
    vec![
        odd("as cfssl 1.2 wrote it", |ca| {
            ca.extensions = vec![
                key_usage(),
                extension("2.5.29.19", Some(true), &seq(&[vec![1, 1, 0xff], int(&[2])])),
                subject_key_id(&SKI),
                authority_key_id(&SKI),
            ];
        }),
        issuer_and_serial(),
        same_name(),
        odd("no subject key identifier", |ca| ca.extensions.truncate(2)),
        five_bytes(),
        odd("name constraints", |ca| {
            let dns = |text: &str| permitted(tlv(0x82, text.as_bytes()));
            let all = tlv(0x87, &[0; 8]);
            let trees = tlv(0xa0, &[dns(HOST), dns("kubernetes"), permitted(all)].concat());
            ca.extensions.push(extension("2.5.29.30", Some(true), &seq(&[trees])));
        }),
        odd("unknown extension", |ca| ca.extensions.push(unknown(None))),
        odd("unknown critical extension", |ca| ca.extensions.push(unknown(Some(true)))),
        odd("version 1", |ca| {
            ca.version = Vec::new();
            ca.extensions = Vec::new();
        }),
        odd("version 2 with unique identifiers", |ca| {
            ca.version = version(2);
            ca.extensions = Vec::new();
            ca.unique = [tlv(0x81, &[0, 1, 2]), tlv(0x82, &[0, 3, 4])].concat();
        }),
    ]
}

/// The leaf has the identifier that its authority has.
fn five_bytes() -> Animal {
    let mut ca = ordinary(Key::Rsa2048);
    ca.extensions[2] = subject_key_id(b"12345");
    let leaf = leaf_of(&ca, Key::Rsa2048.leaf(), Some(authority_key_id(b"12345")));
    signed("subject key identifier of five bytes", &ca, &leaf)
}

/// Authority and leaf name their authority by its issuer and serial number as well.
fn issuer_and_serial() -> Animal {
    let mut ca = ordinary(Key::Rsa2048);
    let value = seq(&[tlv(0x80, &SKI), tlv(0xa1, &tlv(0xa4, &ca.subject)), tlv(0x82, &ca.serial)]);
    let named = extension("2.5.29.35", None, &value);
    ca.extensions.push(named.clone());
    let leaf = leaf_of(&ca, Key::Rsa2048.leaf(), Some(named));
    signed("authority named by issuer and serial number", &ca, &leaf)
}

/// Authority and leaf have one name; their key identifiers alone tell them apart.
fn same_name() -> Animal {
    let ca = ordinary(Key::Rsa2048);
    let leaf = Parts { subject: ca.subject.clone(), ..leaf_of(&ca, Key::Rsa2048.leaf(), Some(authority_key_id(&SKI))) };
    signed("leaf with the name of its authority", &ca, &leaf)
}

fn signed(name: &'static str, ca: &Parts, leaf: &Parts) -> Animal {
    let (kind, key) = (Key::Rsa2048, Key::Rsa2048.authority());
    Animal { name, key: kind, parts: ca.clone(), ca: ca.sign(kind, key), leaf: leaf.sign(kind, key) }
}

fn encodings() -> Vec<Animal> {
    vec![
        odd("version 1 spelled out", |ca| {
            ca.version = version(1);
            ca.extensions = Vec::new();
        }),
        odd("critical FALSE spelled out", |ca| ca.extensions[2] = extension("2.5.29.14", Some(false), &octets(&SKI))),
        odd("GeneralizedTime before 2050", |ca| ca.validity = [generalized("20130312103000Z"), generalized("20230310103000Z")]),
        odd("UTCTime with an offset", |ca| ca.validity = [utc("130312183000+0800"), utc("230310183000+0800")]),
        odd("UTCTime without seconds", |ca| ca.validity = [utc("1303121030Z"), utc("2303101030Z")]),
        odd("lengths in more bytes than they need", |ca| ca.extensions[2] = tlv_long(0x30, &subject_key_id(&SKI)[2..])),
        odd("key without NULL parameters", |ca| {
            let key = spki(Key::Rsa2048.authority());
            let at = key.windows(2).position(|window| window == [5, 0]).unwrap();
            ca.spki = seq(&[seq(&[oid("1.2.840.113549.1.1.1")]), key[at + 2..].to_vec()]);
        }),
        animal(
            "compressed point",
            Key::P256,
            &Parts {
                spki: openssl("pkey -pubout -ec_conv_form compressed -outform DER", Key::P256.authority().as_bytes()),
                ..ordinary(Key::P256)
            },
        ),
        odd("signature without NULL parameters", |ca| ca.bare_algorithm = true),
    ]
}

fn serials() -> Vec<Animal> {
    let with = |name, serial: &[u8]| odd(name, |ca| ca.serial = serial.to_vec());
    vec![
        with("serial number of 20 bytes", &[0x7f; 20]),
        with("serial number of 30 bytes", &[0x7f; 30]),
        with("negative serial number", &[0xfe, 0x34]),
        with("serial number zero", &[0]),
    ]
}

fn keys() -> Vec<Animal> {
    let ordinary_with = |name, key| animal(name, key, &ordinary(key));
    let signed_by = |name, key, digest| animal(name, key, &Parts { digest, ..ordinary(key) });
    vec![
        ordinary_with("RSA-4096", Key::Rsa4096),
        ordinary_with("RSA with exponent 3", Key::RsaExponent3),
        ordinary_with("P-256", Key::P256),
        ordinary_with("P-384", Key::P384),
        ordinary_with("P-521", Key::P521),
        ordinary_with("Ed25519", Key::Ed25519),
        signed_by("RSA with SHA-1", Key::Rsa2048, "sha1"),
        signed_by("RSA with SHA-384", Key::Rsa2048, "sha384"),
        signed_by("RSA with SHA-512", Key::Rsa2048, "sha512"),
        signed_by("RSA-PSS signature by an ordinary key", Key::Rsa2048, "sha256pss"),
        signed_by("P-256 with SHA-1", Key::P256, "sha1"),
        signed_by("P-256 with SHA-384", Key::P256, "sha384"),
        signed_by("P-521 with SHA-256", Key::P521, "sha256"),
    ]
}
