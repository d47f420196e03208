//! From the bytes of a key file to the one private key in it.
//!
//! Hostile input and what stops it: size, [`KeyError::Size`]; DER, see [`bundle_format::certificate::der`]; a work factor that
//! would keep the machine busy or fill its memory, [`KeyError::WorkFactor`]. No byte of the input is in an error.

use bundle_format::certificate::{
    Certificate,
    der::{INTEGER, OCTET_STRING, SEQUENCE, whole},
    pem::{self, Block},
};
use bundle_format::word;
use pkcs8::{EncryptedPrivateKeyInfoRef, pkcs5};
use zeroize::Zeroizing;

use super::{KeyError, Passphrase};

/// The largest key file, in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// Iterations of PBKDF2, the most that are done: a thousand times what OpenSSL does by itself, some seconds with SHA-512.
const MOST_ITERATIONS: u64 = 2_000_000;
/// Memory that scrypt may take, in bytes: some more than its usual strongest parameters do (N = 2^17, r = 8), which are past what OpenSSL
/// takes by itself.
const MOST_MEMORY: u64 = 160 * 1024 * 1024;
/// Blocks of 128 bytes that scrypt may mix, twice each: 32 times what OpenSSL does by itself, some seconds.
const MOST_MIXES: u64 = 1 << 22;

/// How a private key is wrapped.
pub(super) enum Form {
    /// `RSAPrivateKey` (RFC 8017, A.1.2).
    Pkcs1,
    /// `PrivateKeyInfo` (RFC 5208, 5).
    Pkcs8,
    /// `ECPrivateKey` (RFC 5915, 3).
    Sec1,
}

/// The DER of the first private key in `bytes`, decrypted, and its form.
pub(super) fn open(bytes: &[u8], passphrase: Option<&Passphrase>) -> Result<(Form, Zeroizing<Vec<u8>>), KeyError> {
    if bytes.len() > MOST_BYTES {
        return Err(KeyError::Size { size: bytes.len(), most: MOST_BYTES });
    }
    let der = find(bytes)?;
    if let Some(form) = form_of(&der)? {
        return Ok((form, der));
    }
    let plain = decrypt(&der, passphrase.ok_or(KeyError::Encrypted)?)?;
    match form_of(&plain) {
        Ok(Some(form)) => Ok((form, plain)),
        // The padding of one wrong passphrase in 256 looks right.
        _ => Err(KeyError::WrongPassphrase),
    }
}

fn find(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut blocks = pem::blocks(bytes).peekable();
    if blocks.peek().is_none() {
        return Ok(Zeroizing::new(bytes.to_vec()));
    }
    let mut others = Vec::new();
    for block in blocks {
        if block.label.ends_with("PRIVATE KEY") {
            return decode(&block);
        }
        others.push(block.label.to_owned());
    }
    if others.iter().any(|label| label.ends_with("CERTIFICATE")) {
        return Err(KeyError::Certificate);
    }
    Err(KeyError::NotAKey)
}

fn decode(block: &Block<'_>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if block.has_headers() {
        return Err(KeyError::LegacyEncryption);
    }
    match block.label {
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Ok(block.decode()?),
        other => Err(KeyError::UnsupportedKey { what: other.to_owned() }),
    }
}

/// The form of a private key; none when it is encrypted. Told by its structure, since DER has no label.
fn form_of(der: &[u8]) -> Result<Option<Form>, KeyError> {
    if der.first() != Some(&SEQUENCE) {
        return Err(KeyError::NotAKey);
    }
    let mut fields = whole(der, SEQUENCE)?.reader();
    let first = fields.any()?.tag;
    match (first, fields.any()?.tag) {
        (INTEGER, INTEGER) => Ok(Some(Form::Pkcs1)),
        (INTEGER, SEQUENCE) => Ok(Some(Form::Pkcs8)),
        (INTEGER, OCTET_STRING) => Ok(Some(Form::Sec1)),
        (SEQUENCE, OCTET_STRING) => Ok(None),
        _ if Certificate::from_der(der).is_ok() => Err(KeyError::Certificate),
        _ => Err(KeyError::NotAKey),
    }
}

/// Undoes PBES2 (RFC 8018, 6.2).
fn decrypt(der: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unsupported = |what: String| KeyError::UnsupportedEncryption { what };
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| unsupported(word!("unknown parameters", "未知参数").to_owned()))?;
    let scheme = &info.encryption_algorithm;
    let parameters = scheme.pbes2().ok_or_else(|| unsupported(scheme.oid().to_string()))?;
    bound_work(&parameters.kdf)?;
    let mut buffer = Zeroizing::new(info.encrypted_data.as_ref().to_vec());
    let plain = scheme.decrypt_in_place(passphrase.as_bytes(), &mut buffer).map_err(|error| match error {
        pkcs5::Error::UnsupportedAlgorithm { oid } | pkcs5::Error::AlgorithmParametersInvalid { oid } => unsupported(oid.to_string()),
        _ => KeyError::WrongPassphrase,
    })?;
    let length = plain.len();
    buffer.truncate(length);
    Ok(buffer)
}

fn bound_work(kdf: &pkcs5::pbes2::Kdf) -> Result<(), KeyError> {
    match kdf {
        pkcs5::pbes2::Kdf::Pbkdf2(parameters) => bound(parameters.iteration_count.into(), MOST_ITERATIONS),
        pkcs5::pbes2::Kdf::Scrypt(parameters) => {
            let (cost, block, lanes) = (parameters.cost_parameter, parameters.block_size.into(), parameters.parallelization.into());
            // One table for all lanes, and a block for each (RFC 7914, 6).
            bound(cost.saturating_add(lanes).saturating_mul(block).saturating_mul(128), MOST_MEMORY)?;
            bound(cost.saturating_mul(block).saturating_mul(lanes), MOST_MIXES)
        }
        _ => Err(KeyError::UnsupportedEncryption { what: kdf.oid().to_string() }),
    }
}

fn bound(work: u64, most: u64) -> Result<(), KeyError> {
    if work > most { Err(KeyError::WorkFactor { work, most }) } else { Ok(()) }
}
