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
