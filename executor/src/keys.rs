//! Which public key belongs to a private one. Pure; the key is parsed, compared, and dropped.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _},
};
use bundle_format::{certificate::pem, digest::Fingerprint};

/// Whether one of the PEM blocks of `file` is the private key of the DER `SubjectPublicKeyInfo` `spki`.
pub fn belongs(file: &[u8], spki: &[u8]) -> bool {
    public_keys(file).any(|own| own == spki)
}

/// What the public key of the first private key among the PEM blocks of `file` is known by; none where no block is a key that can be read.
pub fn public_key(file: &[u8]) -> Option<Fingerprint> {
    public_keys(file).next().map(|spki| Fingerprint::of_spki(&spki))
}

/// The public keys, as DER `SubjectPublicKeyInfo`, of the private keys among the PEM blocks of a file.
fn public_keys(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let blocks = pem::blocks(file).filter(|block| block.label.ends_with("PRIVATE KEY") && !block.has_headers());
    blocks.filter_map(|block| block.decode().ok()).filter_map(|der| of_rsa(&der).or_else(|| of_ec(&der)))
}

fn of_rsa(der: &[u8]) -> Option<Vec<u8>> {
    let pair = rsa::KeyPair::from_pkcs8(der).or_else(|_| rsa::KeyPair::from_der(der)).ok()?;
    spki(pair.public_key())
}

fn of_ec(der: &[u8]) -> Option<Vec<u8>> {
    let algorithms: [&'static EcdsaSigningAlgorithm; 2] = [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING];
    let pair = algorithms.into_iter().find_map(|algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der).ok())?;
    spki(pair.public_key())
}

fn spki(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Option<Vec<u8>> {
    key.as_der().ok().map(|der| der.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der},
        rsa::KeySize,
    };

    #[test]
    fn keys_of_every_kind_belong_to_their_own_public_key_only() {
        let rsa = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa_der = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
        let ec = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        let sec1 = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&ec.private_key()).unwrap();
        let files = [
            (pem::encode("PRIVATE KEY", rsa_der.as_ref()), spki(rsa.public_key()).unwrap()),
            (pem::encode("EC PRIVATE KEY", sec1.as_ref()), spki(ec.public_key()).unwrap()),
        ];
        for (file, own) in &files {
            for (_, public) in &files {
                assert_eq!(belongs(file.as_bytes(), public), own == public);
            }
            assert_eq!(public_key(file.as_bytes()), Some(Fingerprint::of_spki(own)));
        }
        assert!(!belongs(b"", &files[0].1));
        assert!(!belongs(pem::encode("PRIVATE KEY", b"junk").as_bytes(), &files[0].1));
    }
}
