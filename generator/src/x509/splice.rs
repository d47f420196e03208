//! The one way in which an existing certificate becomes another: chosen fields of its TBSCertificate replaced, all other bytes kept.
//!
//! Nothing is decoded and encoded again, so a name or an extension survives however odd its encoding is. Hostile input is
//! [`Layout`]'s concern: ranges come from there and lie within the certificate.

use bundle_format::certificate::{Certificate, layout::Layout};

use super::der;

/// What to replace; each the whole DER value. A field that is [`None`] keeps its bytes.
#[derive(Clone, Copy, Default)]
pub struct Splice<'a> {
    /// The AlgorithmIdentifier inside what is signed.
    pub signature: Option<&'a [u8]>,
    /// The issuer's name.
    pub issuer: Option<&'a [u8]>,
    /// The validity.
    pub validity: Option<&'a [u8]>,
    /// The subject's name.
    pub subject: Option<&'a [u8]>,
}

impl Splice<'_> {
    /// The TBSCertificate of `certificate` with these fields replaced. With none replaced it is the same bytes.
    #[must_use]
    pub fn tbs(&self, certificate: &Certificate) -> Vec<u8> {
        splice(certificate.der(), certificate.layout(), self)
    }
}

/// The parts are in the order in which the fields stand in a TBSCertificate.
fn splice(bytes: &[u8], layout: &Layout, with: &Splice<'_>) -> Vec<u8> {
    let replacements = [
        (&layout.signature, with.signature),
        (&layout.issuer, with.issuer),
        (&layout.validity, with.validity),
        (&layout.subject, with.subject),
    ];
    let mut parts = Vec::with_capacity(9);
    let mut kept_from = layout.tbs_content.start;
    for (range, replacement) in replacements {
        let Some(replacement) = replacement else { continue };
        parts.extend([&bytes[kept_from..range.start], replacement]);
        kept_from = range.end;
    }
    if parts.is_empty() {
        return bytes[layout.tbs.clone()].to_vec();
    }
    parts.push(&bytes[kept_from..layout.tbs_content.end]);
    der::sequence(&parts)
}

/// A certificate of a TBSCertificate, the AlgorithmIdentifier beside it, and the bytes of the signature.
#[must_use]
pub fn certificate(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    der::sequence(&[tbs, algorithm, &der::bit_string(signature)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A certificate of odd but whole fields: the length of TBSCertificate in more bytes than it needs, version 1 spelled out.
    fn certificate_with(serial: &[u8], subject: &[u8], tail: &[u8]) -> Vec<u8> {
        let time = super::super::time::encode(time::OffsetDateTime::UNIX_EPOCH).unwrap();
        let key = der::sequence(&[&der::sequence(&[&der::oid(&[0x2b, 0x65, 0x70])]), &der::bit_string(&[7; 32])]);
        let content = [
            der::tlv(0xa0, &[&[2, 1, 0]]),
            der::tlv(der::INTEGER, &[serial]),
            der::sequence(&[&der::oid(&[0x2b, 0x65, 0x70])]),
            der::sequence(&[]),
            der::sequence(&[&time, &time]),
            subject.to_vec(),
            key,
            tail.to_vec(),
        ]
        .concat();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let tbs = [&[0x30, 0x84][..], &length, &content].concat();
        certificate(&tbs, &der::sequence(&[&der::oid(&[0x2b, 0x65, 0x70])]), &[9; 64])
    }

    fn name(text: &str) -> Vec<u8> {
        let attribute = der::sequence(&[&der::oid(&[0x55, 4, 3]), &der::tlv(0x0c, &[text.as_bytes()])]);
        der::sequence(&[&der::tlv(0x31, &[&attribute])])
    }

    proptest! {
        #[test]
        fn nothing_replaced_is_the_same_bytes(
            serial in prop::collection::vec(any::<u8>(), 1..40),
            text in ".{0,20}",
            unique in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        ) {
            let tail = unique.map_or_else(Vec::new, |bits| der::tlv(0x82, &[&[0], &bits]));
            let bytes = certificate_with(&serial, &name(&text), &tail);
            let parsed = Certificate::from_der(&bytes).unwrap();
            prop_assert_eq!(Splice::default().tbs(&parsed), &bytes[parsed.layout().tbs.clone()]);
        }

        #[test]
        fn only_what_is_replaced_changes(text in ".{0,200}", new in ".{0,200}") {
            let bytes = certificate_with(&[1], &name(&text), &[]);
            let parsed = Certificate::from_der(&bytes).unwrap();
            let (subject, algorithm) = (name(&new), der::sequence(&[&der::oid(&[1, 2, 3])]));
            let tbs = Splice { subject: Some(&subject), signature: Some(&algorithm), ..Splice::default() }.tbs(&parsed);
            let out = Certificate::from_der(&certificate(&tbs, &algorithm, &[1])).unwrap();
            prop_assert_eq!(out.subject_raw(), subject);
            prop_assert_eq!(&out.der()[out.layout().signature.clone()], algorithm);
            prop_assert_eq!(out.issuer_raw(), parsed.issuer_raw());
            prop_assert_eq!(&out.der()[out.layout().validity.clone()], &parsed.der()[parsed.layout().validity.clone()]);
            prop_assert_eq!(&out.der()[out.layout().spki.start..out.layout().tbs.end], &bytes[parsed.layout().spki.start..parsed.layout().tbs.end]);
            prop_assert!(out.version() == 1 && out.serial_hex() == "01");
        }

        #[test]
        fn broken_certificates_never_panic(at in 0usize..400, byte in any::<u8>(), cut in 0usize..400) {
            let mut bytes = certificate_with(&[1], &name("x"), &[]);
            let (at, cut) = (at % bytes.len(), cut % bytes.len());
            bytes[at] = byte;
            for bytes in [&bytes[..], &bytes[..cut]] {
                if let Ok(parsed) = Certificate::from_der(bytes) {
                    let tbs = Splice { issuer: Some(&name("y")), ..Splice::default() }.tbs(&parsed);
                    let rest = &bytes[parsed.layout().tbs.end..parsed.layout().algorithm.end];
                    prop_assert!(Certificate::from_der(&certificate(&tbs, rest, &[])).is_ok());
                }
            }
        }
    }
}
