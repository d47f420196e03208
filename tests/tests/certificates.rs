//! Renewed authorities and new leaves before outside judges: Go, OpenSSL and rustls-webpki, and Go's TLS.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failure is a failed test")]

use std::path::Path;

use bundle_format::certificate::Certificate;
use end_to_end::pki::{
    der::generalized,
    judges::{Chain, HOST, Handshake, Judge, Party, handshakes, openssl_now},
    tools::{folder, openssl, succeed, write},
    zoo::{Animal, Key, zoo},
};
use reseal::x509::{
    authority::{pick_authority, renew},
    key::PrivateKey,
    leaf::{LeafMaterial, LeafRequest, issue},
    time::after_days,
    verify::check_renewal,
};
use time::{Duration, OffsetDateTime, macros::datetime};
use zeroize::Zeroizing;

/// A renewal a week before the authorities of the zoo end.
const NOW: OffsetDateTime = datetime!(2023-03-03 12:00 UTC);
/// What 36500 days later is, as a certificate says it.
const END: &str = "21230207120000Z";

/// What an outside judge has against certificates of the zoo, by itself and before any renewal.
///
/// A refusal that stands here must happen, with this reason, to the renewed certificate as to the original one; one that does not
/// stand here must not happen. Versions: those of Debian 12, and webpki 0.103.
const REFUSALS: &[(&str, Judge, Refused, &str)] = &[
    ("PrintableString with illegal characters", Judge::Go, Refused::Authority, "invalid PrintableString"),
    ("unknown critical extension", Judge::Go, Refused::Authority, "unhandled critical extension"),
    ("unknown critical extension", Judge::OpenSsl, Refused::Authority, "unhandled critical extension"),
    ("version 2 with unique identifiers", Judge::OpenSsl, Refused::Authority, "invalid CA certificate"),
    ("version 2 with unique identifiers", Judge::Webpki, Refused::Authority, "BadDer"),
    ("version 1 spelled out", Judge::Webpki, Refused::Authority, "BadDer"),
    ("UTCTime with an offset", Judge::OpenSsl, Refused::Authority, "format error in certificate's notBefore"),
    ("UTCTime without seconds", Judge::OpenSsl, Refused::Authority, "format error in certificate's notBefore"),
    ("lengths in more bytes than they need", Judge::Go, Refused::Authority, "malformed extension"),
    ("lengths in more bytes than they need", Judge::Webpki, Refused::Authority, "TrailingData(Extension)"),
    ("compressed point", Judge::Go, Refused::Authority, "failed to unmarshal elliptic curve point"),
    ("key without NULL parameters", Judge::Go, Refused::Authority, "missing NULL parameters"),
    ("key without NULL parameters", Judge::Webpki, Refused::Authority, "UnsupportedSignatureAlgorithmForPublicKey"),
    ("RSA with SHA-1", Judge::Go, Refused::OldLeaf, "insecure algorithm SHA1-RSA"),
    ("RSA with SHA-1", Judge::Webpki, Refused::OldLeaf, "UnsupportedSignatureAlgorithm"),
    ("P-256 with SHA-1", Judge::Go, Refused::OldLeaf, "insecure algorithm ECDSA-SHA1"),
    ("P-256 with SHA-1", Judge::Webpki, Refused::OldLeaf, "UnsupportedSignatureAlgorithm"),
];

/// What a refusal is about, and so which chains it hits.
#[derive(Clone, Copy, PartialEq)]
enum Refused {
    /// The authority, old and renewed.
    Authority,
    /// The old leaf alone.
    OldLeaf,
}

fn refusal(name: &str, judge: Judge) -> Option<(Refused, &'static str)> {
    REFUSALS.iter().find(|(animal, by, ..)| *animal == name && *by == judge).map(|(.., about, reason)| (*about, *reason))
}

/// Old and new of one authority.
struct Renewal {
    name: String,
    old: (Certificate, Certificate, String),
    new: (Certificate, Certificate, Zeroizing<String>),
    /// When all of it is valid.
    overlap: OffsetDateTime,
    /// When only what is new is valid.
    later: OffsetDateTime,
}

impl Renewal {
    fn of(animal: &Animal) -> Self {
        let old_ca = Certificate::from_der(&animal.ca).unwrap_or_else(|error| panic!("{}: {error}", animal.name));
        let old_leaf = Certificate::from_der(&animal.leaf).unwrap();
        Self::new(animal.name, old_ca, animal.key.authority(), old_leaf, animal.leaf_kind().leaf(), NOW)
    }

    /// What a build does, with the checks that it does.
    fn new(name: &str, old_ca: Certificate, ca_key: &str, old_leaf: Certificate, old_key: &str, now: OffsetDateTime) -> Self {
        let key = PrivateKey::load(ca_key.as_bytes(), None).unwrap();
        let end = after_days(now, 36_500).unwrap();
        let authority = pick_authority(std::slice::from_ref(&old_ca), &key).unwrap();
        let new_ca = renew(authority, &key, end).unwrap_or_else(|error| panic!("{name}: {error}"));
        let request = LeafRequest { authority: &new_ca, authority_key: &key, former: &old_leaf, added: &[], now, not_after: end };
        let issued = issue(&request, &LeafMaterial::fresh(&old_leaf).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_renewal(&old_ca, &new_ca, &old_leaf, &issued.certificate, now).unwrap_or_else(|error| panic!("{name}: {error}"));
        let later = old_ca.not_after().max(old_leaf.not_after()) + Duration::days(3000);
        Self {
            name: name.to_owned(),
            old: (old_ca, old_leaf, old_key.to_owned()),
            new: (new_ca, issued.certificate, issued.key_pem),
            overlap: now,
            later,
        }
    }

    /// What is judged: in words, whether the old leaf is in it, and whether all of it is valid at that time.
    fn chains(&self) -> [(&'static str, bool, bool, Chain<'_>); 6] {
        let chain = |leaf, ca, at| Chain { leaf, ca, at };
        let ((old_ca, old_leaf, _), (new_ca, new_leaf, _)) = (&self.old, &self.new);
        [
            ("old leaf, old CA", true, true, chain(old_leaf, old_ca, self.overlap)),
            ("old leaf, new CA", true, true, chain(old_leaf, new_ca, self.overlap)),
            ("new leaf, new CA", false, true, chain(new_leaf, new_ca, self.overlap)),
            ("new leaf, old CA", false, true, chain(new_leaf, old_ca, self.overlap)),
            ("new leaf, new CA, later", false, true, chain(new_leaf, new_ca, self.later)),
            ("old leaf, old CA, later", true, false, chain(old_leaf, old_ca, self.later)),
        ]
    }

    /// Both parties with old or new leaf and old or new CA, and a renewed cluster much later.
    fn handshakes(&self) -> Vec<(String, bool, Handshake<'_>)> {
        let party = |bits: u8| {
            let (leaf, key) = if bits & 1 == 0 { (&self.old.1, self.old.2.as_str()) } else { (&self.new.1, self.new.2.as_str()) };
            Party { leaf, key, ca: if bits & 2 == 0 { &self.old.0 } else { &self.new.0 } }
        };
        let word = |bits: u8| if bits == 0 { "old" } else { "new" };
        let words = |bits: u8| format!("{} leaf and {} CA", word(bits & 1), word(bits & 2));
        let mut all = Vec::new();
        for mix in 0..16 {
            let (server, client) = (mix & 3, mix >> 2);
            let what = format!("server with {}, client with {}", words(server), words(client));
            all.push((what, server & client & 1 == 0, Handshake { server: party(server), client: party(client), at: self.overlap }));
        }
        all.push(("renewed, later".to_owned(), false, Handshake { server: party(3), client: party(3), at: self.later }));
        all
    }
}

/// What is not as it should be, of all renewals before all judges.
fn misjudged(renewals: &[Renewal]) -> Vec<String> {
    let mut wrong = Vec::new();
    for judge in [Judge::Go, Judge::OpenSsl, Judge::Webpki] {
        let rows: Vec<_> = renewals.iter().flat_map(|renewal| renewal.chains().map(|row| (renewal.name.as_str(), row))).collect();
        let verdicts = judge.chains(&rows.iter().map(|(_, (.., chain))| *chain).collect::<Vec<_>>());
        for ((name, (what, has_old_leaf, valid, _)), verdict) in rows.into_iter().zip(verdicts) {
            let refused = refusal(name, judge).filter(|(about, _)| *about == Refused::Authority || has_old_leaf);
            let expected = match (&verdict, refused) {
                (Err(_), _) if !valid => true,
                (Err(said), Some((_, reason))) => said.contains(reason),
                (Ok(()), None) => valid,
                _ => false,
            };
            if !expected {
                wrong.push(format!("{judge:?}: {name}: {what}: {verdict:?}"));
            }
        }
    }
    wrong
}

/// What is not as it should be, of all handshakes that Go can try.
fn failed_handshakes(renewals: &[Renewal]) -> Vec<String> {
    let possible = renewals.iter().filter(|renewal| refusal(&renewal.name, Judge::Go).is_none_or(|(about, _)| about == Refused::OldLeaf));
    let rows: Vec<_> = possible.flat_map(|renewal| renewal.handshakes().into_iter().map(move |row| (renewal, row))).collect();
    let verdicts = handshakes(&rows.iter().map(|(_, (.., handshake))| *handshake).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for ((renewal, (what, has_old_leaf, _)), verdict) in rows.into_iter().zip(verdicts) {
        let refused = refusal(&renewal.name, Judge::Go).filter(|_| has_old_leaf);
        if verdict.is_ok() == refused.is_some() {
            wrong.push(format!("{}: {what}: {verdict:?}", renewal.name));
        }
    }
    wrong
}

#[test]
fn every_judge_takes_old_and_renewed_for_the_same_authority() {
    let zoo = zoo();
    let renewals: Vec<Renewal> = zoo.iter().map(Renewal::of).collect();
    for (animal, renewal) in zoo.iter().zip(&renewals) {
        assert_only_end_and_signature_differ(animal, &renewal.new.0);
    }
    for (name, ..) in REFUSALS {
        assert!(zoo.iter().any(|animal| animal.name == *name), "{name} is not in the zoo");
    }
    let wrong = [misjudged(&renewals), failed_handshakes(&renewals)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Against the same certificate, put together anew from its parts with another end, and signed by OpenSSL.
fn assert_only_end_and_signature_differ(animal: &Animal, new: &Certificate) {
    let expected = animal.parts.renewed(animal.key, generalized(END));
    let has_randomness = matches!(animal.key, Key::P256 | Key::P384 | Key::P521);
    if has_randomness {
        let tbs = expected.tbs(animal.key);
        assert!(new.der().windows(tbs.len()).any(|window| window == tbs), "{}", animal.name);
    } else {
        assert!(new.der() == expected.sign(animal.key, animal.key.authority()), "{}", animal.name);
    }
}

/// An authority and a leaf that cfssl made and that ended a minute ago.
fn made_by_cfssl(folder: &Path) {
    let names = r#"[{"C":"CN","ST":"Shanghai","L":"Shanghai","O":"tos","OU":"a"},{"O":"tos","OU":"b"}]"#;
    let key = r#"{"algo":"rsa","size":2048}"#;
    let profile = r#"{"signing":{"default":{"expiry":"4m"},"profiles":{"etcd":{"expiry":"4m","usages":["signing","key encipherment","server auth","client auth"]}}}}"#;
    write(folder, "ca.json", format!(r#"{{"CN":"etcd","key":{key},"names":{names},"ca":{{"expiry":"4m","pathlen":2}}}}"#));
    write(folder, "leaf.json", format!(r#"{{"CN":"kubernetes","key":{key},"names":{names},"hosts":["{HOST}","127.0.0.1","10.10.10.1"]}}"#));
    write(folder, "config.json", profile);
    for (command, name) in
        [("-initca ca.json", "ca"), ("-ca ca.pem -ca-key ca-key.pem -config config.json -profile etcd leaf.json", "leaf")]
    {
        let arguments: Vec<_> = std::iter::once("gencert").chain(command.split(' ')).collect();
        let made = succeed(folder, "cfssl", &arguments, b"");
        let _ = succeed(folder, "cfssljson", &["-bare", name], &made);
    }
}

/// An authority and a leaf that OpenSSL made, with dates in the past.
fn made_by_openssl(folder: &Path) {
    let config = format!(
        "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n\
         organizationName=optional\n[req]\ndistinguished_name=n\n[n]\n[ca_ext]\nbasicConstraints=critical,CA:TRUE,pathlen:1\n\
         keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always,issuer:always\n[leaf_ext]\n\
         basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n\
         subjectAltName=DNS:{HOST},IP:127.0.0.1\nauthorityKeyIdentifier=keyid,issuer\n"
    );
    write(folder, "config", config);
    write(folder, "index", "");
    write(folder, "serial", "01\n");
    write(folder, "ca-key.pem", Key::Rsa2048.authority());
    write(folder, "leaf-key.pem", Key::Rsa2048.leaf());
    let dates = "-startdate 20130312103000Z -enddate 20230310103000Z -batch -notext";
    for command in [
        "req -new -config config -key ca-key.pem -subj /O=tos/CN=etcd -out ca.csr".to_owned(),
        format!("ca -config config -selfsign -keyfile ca-key.pem -in ca.csr -extensions ca_ext {dates} -out ca.pem"),
        "req -new -config config -key leaf-key.pem -subj /O=tos/CN=leaf -out leaf.csr".to_owned(),
        format!("ca -config config -cert ca.pem -keyfile ca-key.pem -in leaf.csr -extensions leaf_ext {dates} -out leaf.pem"),
    ] {
        let _ = succeed(folder, "openssl", &command.split(' ').collect::<Vec<_>>(), b"");
    }
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn certificate(folder: &Path, name: &str) -> Certificate {
    Certificate::all_from_pem(read(folder, name).as_bytes()).unwrap().remove(0)
}

/// Every value of a certificate as OpenSSL lists it, without offsets and lengths.
fn values(certificate: &Certificate) -> Vec<String> {
    let listing = String::from_utf8(openssl("asn1parse -inform DER", certificate.der())).unwrap();
    listing.lines().map(|line| format!("{}{}", &line[5..9], line.split_once(" l=").unwrap().1[4..].trim())).collect()
}

fn renewal_of_files(name: &str, folder: &Path, now: OffsetDateTime) -> Renewal {
    let (ca, leaf) = (certificate(folder, "ca.pem"), certificate(folder, "leaf.pem"));
    let renewal = Renewal::new(name, ca, &read(folder, "ca-key.pem"), leaf, &read(folder, "leaf-key.pem"), now);
    let (old, new) = (values(&renewal.old.0), values(&renewal.new.0));
    let different: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).map(|(old, new)| (old.as_str(), new.as_str())).collect();
    assert_eq!(old.len(), new.len(), "{name}");
    let [(was, is)] = different[..] else { panic!("{name}: {different:?}") };
    assert!(was.contains("UTCTIME") && is.contains("GENERALIZEDTIME"), "{name}: {different:?}");
    renewal
}

#[test]
fn an_expired_authority_of_cfssl_or_openssl_lives_again() {
    let (cfssl, by_openssl) = (folder(), folder());
    made_by_cfssl(cfssl.path());
    made_by_openssl(by_openssl.path());
    let (ca, leaf) = (certificate(cfssl.path(), "ca.pem"), certificate(cfssl.path(), "leaf.pem"));
    let overlap = ca.not_before().max(leaf.not_before()) + Duration::minutes(1);
    let rolling = [renewal_of_files("cfssl", cfssl.path(), overlap), renewal_of_files("openssl", by_openssl.path(), NOW)];
    let wrong = [misjudged(&rolling), failed_handshakes(&rolling)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // By the clock of this machine: the old pair is refused, the new one accepted.
    for (name, folder) in [("cfssl", &cfssl), ("openssl", &by_openssl)] {
        let recovery = renewal_of_files(name, folder.path(), OffsetDateTime::now_utc());
        assert!(openssl_now(&recovery.old.1, &recovery.old.0).unwrap_err().contains("certificate has expired"));
        assert_eq!(openssl_now(&recovery.new.1, &recovery.new.0), Ok(()));
    }
}
