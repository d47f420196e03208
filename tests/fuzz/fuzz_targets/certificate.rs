//! The DER reader and the splice: whatever is taken for a certificate keeps every byte when nothing is replaced.
#![no_main]

use bundle_format::certificate::Certificate;
use libfuzzer_sys::fuzz_target;
use reseal::x509::splice::Splice;

fuzz_target!(|bytes: &[u8]| {
    let _ = Certificate::all_from_pem(bytes);
    let Ok(certificate) = Certificate::from_der(bytes) else { return };
    assert_eq!(certificate.der(), bytes);
    let tbs = Splice::default().tbs(&certificate);
    assert!(bytes.windows(tbs.len()).any(|window| window == tbs), "replacing nothing changes nothing");
    let other = [0x30, 0];
    let spliced = Splice { validity: Some(&other), signature: Some(&other) }.tbs(&certificate);
    assert!(spliced.len() <= tbs.len() + 8);
    let _ = (certificate.subject(), certificate.sans(), certificate.is_ca(), certificate.verify_issued_by(&certificate));
});
