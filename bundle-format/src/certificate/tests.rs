use proptest::prelude::*;

use super::*;

#[test]
fn what_is_no_certificate_has_its_own_error() {
    assert_eq!(Certificate::all_from_pem(b"nothing"), Err(CertificateError::Missing));
    assert_eq!(Certificate::from_der(&vec![0; MOST_BYTES + 1]), Err(CertificateError::Size { size: MOST_BYTES + 1, most: MOST_BYTES }));
    assert!(matches!(Certificate::all_from_file(&[0x30, 3, 1]), Err(CertificateError::Field { source: DerError::Truncated { .. }, .. })));
    let unterminated = Certificate::all_from_pem(b"-----BEGIN CERTIFICATE-----\nMIIB\n");
    assert!(matches!(unterminated, Err(CertificateError::Pem(PemError::Unterminated { .. }))));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Certificate::all_from_file(&bytes);
    }
}
