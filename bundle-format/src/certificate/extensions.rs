//! The extensions that a decision depends on. All others are passed over here and kept as bytes.

use super::{
    CertificateError, San,
    der::{self, BIT_STRING, BOOLEAN, DerError, OCTET_STRING, OID, SEQUENCE, Tlv, context, context_constructed},
    san,
};

use crate::word;

/// What the extensions say.
#[derive(Clone, Default)]
pub(super) struct Extensions {
    pub(super) ca: Option<bool>,
    pub(super) key_cert_sign: Option<bool>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority: AuthorityKey,
    pub(super) sans: Vec<San>,
    pub(super) sans_raw: Vec<u8>,
}

/// What `authorityKeyIdentifier` says (RFC 5280, 4.2.1.1).
#[derive(Clone, Default)]
pub(super) struct AuthorityKey {
    pub(super) key_id: Option<Vec<u8>>,
    /// The first directory name of `authorityCertIssuer`.
    pub(super) issuer: Option<Vec<u8>>,
    /// The content of `authorityCertSerialNumber`.
    pub(super) serial: Option<Vec<u8>>,
}

impl Extensions {
    /// Reads the DER list of extensions.
    pub(super) fn read(list: Option<&[u8]>) -> Result<Self, CertificateError> {
        let structure = |source| CertificateError::Field { field: "extensions", source };
        let mut found = Self::default();
        let Some(list) = list else { return Ok(found) };
        let mut reader = der::whole(list, SEQUENCE).map_err(structure)?.reader();
        let mut seen = Vec::new();
        while !reader.is_empty() {
            let (oid, value) = extension(&mut reader).map_err(structure)?;
            if seen.contains(&oid) {
                return Err(CertificateError::DuplicateExtension { oid: der::dotted(oid) });
            }
            seen.push(oid);
            if let [0x55, 0x1d, number] = oid {
                found.note(*number, &value).map_err(|(field, source)| CertificateError::Field { field, source })?;
            }
        }
        Ok(found)
    }

    /// Takes in the extension `id-ce number`.
    fn note(&mut self, number: u8, value: &Tlv<'_>) -> Result<(), (&'static str, DerError)> {
        match number {
            14 => self.subject_key_id = Some(subject_key_id(value).map_err(|source| ("subjectKeyIdentifier", source))?),
            15 => self.key_cert_sign = Some(key_cert_sign(value).map_err(|source| ("keyUsage", source))?),
            17 => {
                self.sans = san::read(value).map_err(|source| ("subjectAltName", source))?;
                self.sans_raw = super::content(value.content).to_vec();
            }
            19 => self.ca = Some(ca(value).map_err(|source| ("basicConstraints", source))?),
            35 => self.authority = authority(value).map_err(|source| ("authorityKeyIdentifier", source))?,
            _ => {}
        }
        Ok(())
    }
}

/// `Extension`: its OID, and the octet string with its value. Whether it is critical makes no difference here.
fn extension<'a>(reader: &mut der::Reader<'a>) -> Result<(&'a [u8], Tlv<'a>), DerError> {
    let mut fields = reader.expect(SEQUENCE)?.reader();
    let oid = fields.expect(OID)?.content;
    fields.optional(BOOLEAN)?;
    let value = fields.expect(OCTET_STRING)?;
    fields.finish()?;
    Ok((oid, value))
}

fn subject_key_id(value: &Tlv<'_>) -> Result<Vec<u8>, DerError> {
    der::whole(value.content, OCTET_STRING).map(|id| id.content.to_vec())
}

/// Bit 5 of the usage.
fn key_cert_sign(value: &Tlv<'_>) -> Result<bool, DerError> {
    match der::whole(value.content, BIT_STRING)?.content {
        [0..=7, bits @ ..] => Ok(bits.first().is_some_and(|bits| bits & 0x04 != 0)),
        _ => Err(DerError::Value { what: word!("a bit string", "位串") }),
    }
}

/// `cA BOOLEAN DEFAULT FALSE`, spelled out or not.
fn ca(value: &Tlv<'_>) -> Result<bool, DerError> {
    let flag = der::whole(value.content, SEQUENCE)?.reader().optional(BOOLEAN)?;
    match flag.map(|flag| flag.content) {
        None | Some([0]) => Ok(false),
        Some([_]) => Ok(true),
        Some(_) => Err(DerError::Value { what: word!("one byte for true or false", "表示真或假的一个字节") }),
    }
}

fn authority(value: &Tlv<'_>) -> Result<AuthorityKey, DerError> {
    let mut fields = der::whole(value.content, SEQUENCE)?.reader();
    let key_id = fields.optional(context(0))?;
    let issuer = fields.optional(context_constructed(1))?;
    let serial = fields.optional(context(2))?;
    fields.finish()?;
    let owned = |value: Tlv<'_>| value.content.to_vec();
    Ok(AuthorityKey { key_id: key_id.map(owned), issuer: issuer.map(directory_name).transpose()?.flatten(), serial: serial.map(owned) })
}

/// The first `[4]` of `GeneralNames`, without the tag that wraps the name.
fn directory_name(names: Tlv<'_>) -> Result<Option<Vec<u8>>, DerError> {
    let mut reader = names.reader();
    while !reader.is_empty() {
        let name = reader.any()?;
        if name.tag == context_constructed(4) {
            return Ok(Some(name.content.to_vec()));
        }
    }
    Ok(None)
}
