//! Whether a private key belongs to a public one. Pure; the key is parsed, compared, and dropped.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _},
};
use bundle_format::certificate::pem;

/// Whether one of the PEM blocks of `file` is the private key of the DER `SubjectPublicKeyInfo` `spki`.
pub fn belongs(file: &[u8], spki: &[u8]) -> bool {
    let blocks = pem::blocks(file).filter(|block| block.label.ends_with("PRIVATE KEY") && !block.has_headers());
    blocks.filter_map(|block| block.decode().ok()).any(|der| is_rsa(&der, spki) || is_ec(&der, spki))
}

fn is_rsa(der: &[u8], spki: &[u8]) -> bool {
    let pair = rsa::KeyPair::from_pkcs8(der).or_else(|_| rsa::KeyPair::from_der(der));
    pair.is_ok_and(|pair| is_same(pair.public_key(), spki))
}

fn is_ec(der: &[u8], spki: &[u8]) -> bool {
    let algorithms: [&'static EcdsaSigningAlgorithm; 2] = [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING];
    algorithms
        .into_iter()
        .filter_map(|algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der).ok())
        .any(|pair| is_same(pair.public_key(), spki))
}

fn is_same(key: &impl AsDer<PublicKeyX509Der<'static>>, spki: &[u8]) -> bool {
    key.as_der().is_ok_and(|der| der.as_ref() == spki)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der},
        rsa::KeySize,
    };

    fn spki(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
        key.as_der().unwrap().as_ref().to_vec()
    }

    #[test]
    fn keys_of_every_kind_belong_to_their_own_public_key_only() {
        let rsa = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa_der = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
        let ec = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        let sec1 = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&ec.private_key()).unwrap();
        let files = [
            (pem::encode("PRIVATE KEY", rsa_der.as_ref()), spki(rsa.public_key())),
            (pem::encode("EC PRIVATE KEY", sec1.as_ref()), spki(ec.public_key())),
        ];
        for (file, own) in &files {
            for (_, public) in &files {
                assert_eq!(belongs(file.as_bytes(), public), own == public);
            }
        }
        assert!(!belongs(b"", &files[0].1));
        assert!(!belongs(pem::encode("PRIVATE KEY", b"junk").as_bytes(), &files[0].1));
    }
}
