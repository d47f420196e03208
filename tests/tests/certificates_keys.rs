//! Private keys in every form that OpenSSL writes, and what is refused with which words.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failure is a failed test")]

use bundle_format::certificate::Certificate;
use end_to_end::pki::{
    der::{bits, int, octets, oid, seq, tlv},
    tools::{folder, openssl, run, succeed, write},
    zoo::{Key, ordinary, spki},
};
use reseal::x509::{
    authority::{RenewError, pick_authority, renew},
    key::{KeyError, Passphrase, PrivateKey},
    time::after_days,
};
use time::macros::datetime;

const PASSPHRASE: &str = "open sesame";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::from(text.to_owned())
}

/// A form of a key: what it is, its bytes, whether it is encrypted.
type Form = (String, Vec<u8>, bool);

/// Every form of one key that OpenSSL writes.
fn forms(kind: Key, pem: &str) -> Vec<Form> {
    let write = |what: &str, command: &str| (format!("{kind:?}: {what}"), openssl(command, pem.as_bytes()), false);
    let mut forms = vec![(format!("{kind:?}: PKCS#8 PEM"), pem.as_bytes().to_vec(), false)];
    forms.push(write("PKCS#8 DER", "pkcs8 -topk8 -nocrypt -outform DER"));
    match kind {
        Key::Rsa2048 | Key::Rsa4096 | Key::RsaExponent3 => {
            forms.push(write("PKCS#1 PEM", "rsa -traditional"));
            forms.push(write("PKCS#1 DER", "rsa -traditional -outform DER"));
        }
        Key::P256 | Key::P384 | Key::P521 => {
            let sec1 = write("SEC1 PEM", "ec");
            let curve = match kind {
                Key::P256 => "prime256v1",
                Key::P384 => "secp384r1",
                _ => "secp521r1",
            };
            let parameters = openssl(&format!("ecparam -name {curve}"), b"");
            forms.push((format!("{kind:?}: SEC1 PEM behind EC PARAMETERS"), [parameters, sec1.1.clone()].concat(), false));
            forms.push(sec1);
            forms.push(write("SEC1 DER", "ec -outform DER"));
            forms.push(write("SEC1 without the public key", "ec -no_public"));
            forms.push(write("PKCS#8 with a compressed point", "pkey -ec_conv_form compressed"));
        }
        Key::Ed25519 => {}
    }
    forms
}

/// Every encryption of PKCS#8 that OpenSSL offers by PBES2.
fn encrypted(kind: Key, pem: &str) -> Vec<Form> {
    let write = |what: &str, options: &str| {
        let folder = folder();
        let arguments = format!("pkcs8 -topk8 {options} -passout");
        let arguments: Vec<&str> = arguments.split(' ').chain(["pass:open sesame"]).collect();
        (format!("{kind:?}: {what}"), succeed(folder.path(), "openssl", &arguments, pem.as_bytes()), true)
    };
    vec![
        write("AES-256, PBKDF2 with SHA-256", "-v2 aes-256-cbc"),
        write("AES-128, PBKDF2 with SHA-1, DER", "-v2 aes-128-cbc -v2prf hmacWithSHA1 -outform DER"),
        write("AES-192, PBKDF2 with SHA-512", "-v2 aes-192-cbc -v2prf hmacWithSHA512"),
        write("3DES, PBKDF2 with SHA-1", "-v2 des3 -v2prf hmacWithSHA1"),
        write("scrypt", "-scrypt"),
    ]
}

/// The same PEM the way editors, mailers and people leave it.
fn disguised(kind: Key, pem: &str) -> Vec<Form> {
    let certificate = String::from_utf8(openssl("x509 -inform DER", &ordinary(kind).sign(kind, pem))).unwrap();
    let other = Key::P256.leaf();
    let form = |what: &str, text: String| (format!("{kind:?}: {what}"), text.into_bytes(), false);
    vec![
        form("CRLF", pem.replace('\n', "\r\n")),
        form("byte order mark", format!("\u{feff}{pem}")),
        form("text before and after", format!("Bag Attributes\n    friendlyName: etcd\n{pem}\n# end\n")),
        form("behind a certificate", format!("{certificate}{pem}")),
        form("before another key", format!("{pem}{other}")),
        form("spaces at line ends", pem.replace('\n', "  \n")),
    ]
}

#[test]
fn every_form_of_every_key_signs() {
    for kind in Key::ALL {
        let pem = kind.authority();
        let mut all = forms(kind, pem);
        if matches!(kind, Key::Rsa2048 | Key::P256 | Key::Ed25519) {
            all.extend(encrypted(kind, pem));
            all.extend(disguised(kind, pem));
        }
        let certificate = Certificate::from_der(&ordinary(kind).sign(kind, pem)).unwrap();
        for (what, bytes, is_encrypted) in all {
            let given = is_encrypted.then(|| passphrase(PASSPHRASE));
            let key = PrivateKey::load(&bytes, given.as_ref()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(key.spki_der(), spki(pem), "{what}");
            assert!(key.matches(&certificate), "{what}");
            let new = renew(&certificate, &key, datetime!(2123-02-07 12:00 UTC)).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(new.is_ca(), "{what}");
            assert!(!format!("{key:?}").contains("PRIVATE"), "{what}");
            if is_encrypted {
                assert_eq!(PrivateKey::load(&bytes, None).unwrap_err(), KeyError::Encrypted, "{what}");
                assert_eq!(PrivateKey::load(&bytes, Some(&passphrase("wrong"))).unwrap_err(), KeyError::WrongPassphrase, "{what}");
            }
        }
    }
}

/// What a scan of bundles looks for is what OpenSSL says the secret numbers are.
#[test]
fn secrets_are_the_numbers_that_openssl_names() {
    for kind in Key::ALL {
        let pem = kind.authority();
        let text = String::from_utf8(openssl("pkey -noout -text", pem.as_bytes())).unwrap();
        let fields: &[&str] = match kind {
            Key::Rsa2048 | Key::Rsa4096 | Key::RsaExponent3 => {
                &["privateExponent:", "prime1:", "prime2:", "exponent1:", "exponent2:", "coefficient:"]
            }
            _ => &["priv:"],
        };
        let secrets = PrivateKey::load(pem.as_bytes(), None).unwrap().secrets();
        for field in fields {
            let lines = text.lines().skip_while(|line| line.trim() != *field).skip(1).take_while(|line| line.starts_with(' '));
            let digits: String = lines.flat_map(|line| line.trim().split(':')).collect();
            let number: Vec<u8> = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
            let significant = &number[number.iter().position(|byte| *byte != 0).unwrap()..];
            assert!(secrets.iter().any(|secret| secret.as_slice() == significant), "{kind:?}: {field}");
        }
        let pkcs8 = openssl("pkcs8 -topk8 -nocrypt -outform DER", pem.as_bytes());
        assert!(secrets.iter().any(|secret| secret.as_slice() == pkcs8), "{kind:?}: DER");
    }
}

#[test]
fn legacy_encryption_is_refused_with_the_command_that_converts_it() {
    let folder = folder();
    let legacy = succeed(
        folder.path(),
        "openssl",
        &["rsa", "-traditional", "-aes256", "-passout", "pass:open sesame"],
        Key::Rsa2048.authority().as_bytes(),
    );
    assert!(String::from_utf8_lossy(&legacy).contains("Proc-Type: 4,ENCRYPTED"));
    let error = PrivateKey::load(&legacy, Some(&passphrase(PASSPHRASE))).unwrap_err();
    assert_eq!(error, KeyError::LegacyEncryption);

    write(folder.path(), "FILE", &legacy);
    let text = error.to_string();
    let command = &text[text.find("openssl ").expect("a command")..];
    let mut arguments: Vec<&str> = command.split(' ').skip(1).collect();
    arguments.extend(["-passin", "pass:open sesame", "-passout", "pass:open sesame"]);
    let _ = succeed(folder.path(), "openssl", &arguments, b"");
    let converted = std::fs::read(folder.path().join("NEWFILE")).unwrap();
    let key = PrivateKey::load(&converted, Some(&passphrase(PASSPHRASE))).unwrap();
    assert_eq!(key.spki_der(), spki(Key::Rsa2048.authority()));
}

fn refused(bytes: &[u8]) -> KeyError {
    let error = PrivateKey::load(bytes, Some(&passphrase(PASSPHRASE))).expect_err("a refusal");
    assert!(!error.to_string().is_empty());
    error
}

#[test]
fn what_is_no_usable_key_is_refused_by_its_own_name() {
    let rsa = Key::Rsa2048.authority();
    let certificate = ordinary(Key::Rsa2048).sign(Key::Rsa2048, rsa);
    let certificate_pem = openssl("x509 -inform DER", &certificate);
    let der = openssl("pkcs8 -topk8 -nocrypt -outform DER", rsa.as_bytes());

    assert_eq!(refused(&certificate), KeyError::Certificate);
    assert_eq!(refused(&certificate_pem), KeyError::Certificate);
    assert_eq!(refused(&openssl("pkey -pubout", rsa.as_bytes())), KeyError::NotAKey);
    assert_eq!(refused(&spki(rsa)), KeyError::NotAKey);
    assert_eq!(refused(b"hello"), KeyError::NotAKey);
    assert_eq!(refused(b""), KeyError::NotAKey);
    assert_eq!(refused(&der[..der.len() - 1]), KeyError::Truncated);
    assert_eq!(refused(&rsa.as_bytes()[..rsa.len() / 2]), KeyError::Truncated);
    assert!(matches!(refused(&[der.clone(), vec![0]].concat()), KeyError::Malformed { .. }));
    assert!(matches!(refused(rsa.replacen('M', "!", 1).as_bytes()), KeyError::Pem(_) | KeyError::NotAKey));
    assert!(matches!(refused(&vec![0x30; 300_000]), KeyError::Size { .. }));
    assert!(matches!(refused(&openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024", b"")), KeyError::RsaSize { bits: 1024, .. }));
    assert!(matches!(refused(&openssl("genpkey -algorithm X25519", b"")), KeyError::UnsupportedKey { .. }));
    for form in ["ecparam -genkey -name secp256k1", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-224"] {
        assert!(matches!(refused(&openssl(form, b"")), KeyError::UnsupportedCurve { .. }), "{form}");
    }
    let explicit = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit";
    assert!(matches!(refused(&openssl(explicit, b"")), KeyError::UnsupportedCurve { .. }));

    let mut changed = openssl("rsa -traditional -outform DER", rsa.as_bytes());
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    assert_eq!(refused(&changed), KeyError::Inconsistent { kind: "RSA" });
}

#[test]
fn a_pss_only_key_is_refused() {
    let pss = openssl("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", b"");
    let error = refused(&pss);
    assert_eq!(error, KeyError::PssOnly);
    assert!(error.to_string().contains("cannot sign with PKCS#1"));
}

#[test]
fn encryption_that_is_too_much_work_or_too_old_is_refused_at_once() {
    let aes = seq(&[oid("2.16.840.1.101.3.4.1.42"), octets(&[0; 16])]);
    let wrapped = |kdf: Vec<u8>| seq(&[seq(&[oid("1.2.840.113549.1.5.13"), seq(&[kdf, aes.clone()])]), octets(&[0; 64])]);
    let pbkdf2 = |count: &[u8]| {
        let prf = seq(&[oid("1.2.840.113549.2.9"), tlv(5, &[])]);
        wrapped(seq(&[oid("1.2.840.113549.1.5.12"), seq(&[octets(&[0; 8]), int(count), prf])]))
    };
    let scrypt = |cost: &[u8], block: u8, lanes: &[u8]| {
        wrapped(seq(&[oid("1.3.6.1.4.1.11591.4.11"), seq(&[octets(&[0; 8]), int(cost), int(&[block]), int(lanes)])]))
    };
    assert_eq!(refused(&pbkdf2(&[0x04, 0x00])), KeyError::WrongPassphrase, "reasonable work is done");
    assert_eq!(refused(&pbkdf2(&[0x01, 0x31, 0x2d, 0x00])), KeyError::WorkFactor { work: 20_000_000, most: 2_000_000 });
    assert!(matches!(refused(&scrypt(&[0x10, 0, 0], 8, &[1])), KeyError::WorkFactor { work: 0x4000_0400, .. }));
    assert!(matches!(refused(&scrypt(&[0x40, 0], 8, &[0x7f, 0xff])), KeyError::WorkFactor { work: 0xfffe_0000, .. }));
    let gigabyte = KeyError::WorkFactor { work: (2 + 0xffff) * 127 * 128, most: 160 << 20 };
    assert_eq!(refused(&scrypt(&[2], 127, &[0, 0xff, 0xff])), gigabyte, "little work for each of many lanes");

    let folder = folder();
    let arguments = ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:open sesame"];
    let pbes1 = succeed(folder.path(), "openssl", &arguments, Key::Rsa2048.authority().as_bytes());
    let error = refused(&pbes1);
    assert!(matches!(error, KeyError::UnsupportedEncryption { .. }));
    assert!(error.to_string().contains("openssl pkcs8 -topk8 -v2 aes-256-cbc"));
}

#[test]
fn an_authority_is_renewed_by_its_own_key_only() {
    let kind = Key::Rsa2048;
    let end = datetime!(2123-02-07 12:00 UTC);
    let read = |parts: &end_to_end::pki::zoo::Parts| Certificate::from_der(&parts.sign(kind, kind.authority())).unwrap();
    let key = PrivateKey::load(kind.authority().as_bytes(), None).unwrap();
    let (ca, other_key) = (read(&ordinary(kind)), PrivateKey::load(kind.leaf().as_bytes(), None).unwrap());
    let other_ca = Certificate::from_der(&ordinary(Key::P256).sign(Key::P256, Key::P256.authority())).unwrap();

    assert!(matches!(renew(&ca, &other_key, end), Err(RenewError::OtherKey { .. })));
    assert!(matches!(pick_authority(std::slice::from_ref(&other_ca), &key), Err(RenewError::OtherKey { .. })));
    let several = [other_ca.clone(), ca.clone()];
    assert_eq!(pick_authority(&several, &key), Ok(&ca));
    assert!(matches!(pick_authority(&several, &other_key), Err(RenewError::OtherKeys { count: 2, .. })));
    assert_eq!(pick_authority(&[], &key), Err(RenewError::NoCertificate));
    let file = format!("a note\r\n{}\r\n{}{}", other_ca.to_pem().replace('\n', "\r\n"), kind.leaf(), ca.to_pem());
    let read_back = Certificate::all_from_file(format!("\u{feff}{file}").as_bytes()).unwrap();
    assert_eq!(read_back, several);

    let constraints = |value: &[u8]| end_to_end::pki::der::extension("2.5.29.19", Some(true), value);
    let mut parts = ordinary(kind);
    parts.extensions[1] = constraints(&seq(&[]));
    assert!(matches!(renew(&read(&parts), &key, end), Err(RenewError::NotAuthority { .. })));
    parts.extensions[1] = constraints(&seq(&[vec![1, 1, 0]]));
    assert!(matches!(renew(&read(&parts), &key, end), Err(RenewError::NotAuthority { .. })));
    parts.extensions.remove(1);
    assert!(matches!(renew(&read(&parts), &key, end), Err(RenewError::NoBasicConstraints { .. })));
    let mut parts = ordinary(kind);
    parts.extensions[0] = end_to_end::pki::der::extension("2.5.29.15", Some(true), &tlv(3, &[5, 0xa0]));
    assert!(matches!(renew(&read(&parts), &key, end), Err(RenewError::NoCertSign { .. })));
    let parts = end_to_end::pki::zoo::Parts { issuer: Some(seq(&[])), ..ordinary(kind) };
    assert!(matches!(renew(&read(&parts), &key, end), Err(RenewError::NotSelfIssued { .. })));

    // The same numbers under id-RSASSA-PSS: the key file says nothing of it, the certificate does.
    let mut parts = ordinary(kind);
    let numbers = openssl("rsa -RSAPublicKey_out -outform DER", kind.authority().as_bytes());
    parts.spki = seq(&[seq(&[oid("1.2.840.113549.1.1.10")]), bits(&numbers)]);
    assert!(matches!(renew(&read(&parts), &key, end), Err(RenewError::PssOnly { .. })));

    assert!(matches!(renew(&ca, &key, datetime!(2013-01-01 0:00 UTC)), Err(RenewError::Span { .. })));
    assert!(after_days(end, u32::MAX).is_err());
}

#[test]
fn a_certificate_that_is_cut_or_followed_is_refused() {
    let der = ordinary(Key::P256).sign(Key::P256, Key::P256.authority());
    for length in 0..der.len() {
        assert!(Certificate::from_der(&der[..length]).is_err(), "{length}");
    }
    assert!(Certificate::from_der(&[der.clone(), vec![0]].concat()).is_err());
    // A single changed bit in what is signed, or in the signature, is noticed.
    let ca = Certificate::from_der(&der).unwrap();
    ca.verify_issued_by(&ca).unwrap();
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 1;
        assert!(
            Certificate::from_der(&changed).is_err() || Certificate::from_der(&changed).unwrap().verify_issued_by(&ca).is_err(),
            "{at}"
        );
    }
    // OpenSSL takes what is written here.
    let output = run(folder().path(), "openssl", &["x509", "-noout", "-subject"], ca.to_pem().as_bytes());
    assert!(output.status.success());
}
