//! The DER reader and the splice. Whatever is taken for a certificate keeps every byte when nothing is replaced; with another validity
//! or algorithm it is still a certificate, and every other byte of it is kept.
#![no_main]

use ::time::{Duration, OffsetDateTime};
use bundle_format::certificate::Certificate;
use libfuzzer_sys::fuzz_target;
use reseal::x509::{
    der,
    splice::{self, Splice},
    time,
};

/// `sha256WithRSAEncryption`, 1.2.840.113549.1.1.11.
const RSA_SHA256: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b];

/// What a renewal replaces: the end, and perhaps the digest.
fn renewed(old: &Certificate) {
    let not_after = OffsetDateTime::UNIX_EPOCH + Duration::days(36_500);
    let not_before = &old.der()[old.layout().not_before.clone()];
    let validity = der::sequence(&[not_before, &time::encode(not_after).expect("a year of four digits")]);
    let algorithm = der::sequence(&[&der::oid(&RSA_SHA256), &der::tlv(der::NULL, &[])]);
    for algorithm in [None, Some(algorithm.as_slice())] {
        let tbs = Splice { validity: Some(&validity), signature: algorithm }.tbs(old);
        let beside = algorithm.unwrap_or(&old.der()[old.layout().algorithm.clone()]);
        let bytes = splice::certificate(&tbs, beside, &[7; 256]);
        // Only its size can be in the way: the new validity and algorithm may be longer.
        let new = match Certificate::from_der(&bytes) {
            Err(_) if bytes.len() > bundle_format::certificate::MOST_BYTES => return,
            new => new.expect("a spliced certificate is one"),
        };
        assert_eq!((new.not_before(), new.not_after()), (old.not_before(), not_after));
        kept(old, &new, algorithm);
    }
}

fn kept(old: &Certificate, new: &Certificate, algorithm: Option<&[u8]>) {
    let (was, is) = (old.layout(), new.layout());
    let (from, to) = (old.der(), new.der());
    assert_eq!(from[was.tbs_content.start..was.signature.start], to[is.tbs_content.start..is.signature.start]);
    assert_eq!(algorithm.unwrap_or(&from[was.signature.clone()]), &to[is.signature.clone()]);
    assert_eq!(from[was.signature.end..was.validity.start], to[is.signature.end..is.validity.start]);
    assert_eq!(from[was.validity.end..was.tbs_content.end], to[is.validity.end..is.tbs_content.end]);
    assert_eq!((old.subject(), old.issuer(), old.serial_hex()), (new.subject(), new.issuer(), new.serial_hex()));
    assert_eq!((old.sans(), old.is_ca(), old.public_key()), (new.sans(), new.is_ca(), new.public_key()));
}

fuzz_target!(|bytes: &[u8]| {
    for certificate in Certificate::all_from_pem(bytes).unwrap_or_default() {
        let again = Certificate::all_from_pem(certificate.to_pem().as_bytes()).expect("what was written is read");
        assert!(matches!(&again[..], [only] if only.der() == certificate.der()));
        renewed(&certificate);
    }
    let Ok(certificate) = Certificate::from_der(bytes) else { return };
    assert_eq!(certificate.der(), bytes);
    assert_eq!(Splice::default().tbs(&certificate), bytes[certificate.layout().tbs.clone()], "replacing nothing changes nothing");
    renewed(&certificate);
    let _ = certificate.verify_issued_by(&certificate);
});
