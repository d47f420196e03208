//! age itself: one secret to one ciphertext, and back.

use std::io::{Read as _, Write as _};

use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};
use zeroize::Zeroizing;

use super::{Identity, MOST_HEADER, MOST_STANZAS, Passphrase, Place, SealError, UnsealError, WORK_FACTOR};
use crate::name::{EntryPath, Recipient};

use crate::word;

/// What a secret is sealed with.
#[derive(Clone, Debug)]
pub enum Lock<'a> {
    /// One scrypt.
    Passphrase(&'a Passphrase),
    /// One X25519 for each; any one of their identities opens it.
    Recipients(Vec<&'a Recipient>),
}

/// What a secret is opened with.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// The identity of one of its recipients.
    Identity(&'a Identity),
    /// Its passphrase.
    Passphrase(&'a Passphrase),
}

/// Seals a secret for its place. Every call takes fresh random bytes: the same secret gives other bytes each time.
///
/// # Errors
/// When there is nobody to seal it to.
pub fn seal(place: Place<'_>, content: &[u8], lock: &Lock<'_>) -> Result<Vec<u8>, SealError> {
    let refused = || SealError::Refused(place.entry.clone());
    let encryptor = match lock {
        Lock::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(passphrase.secret());
            recipient.set_work_factor(WORK_FACTOR);
            Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
        }
        Lock::Recipients(recipients) if recipients.is_empty() => return Err(SealError::Nobody(place.entry.clone())),
        Lock::Recipients(recipients) => {
            let recipients = recipients.iter().map(|recipient| recipient.as_str().parse()).collect::<Result<Vec<x25519::Recipient>, _>>();
            let recipients = recipients.map_err(|_| refused())?;
            Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as &dyn age::Recipient))
        }
    };
    let plaintext = place.frame(content);
    let mut sealed = Vec::with_capacity(plaintext.len() + 1024);
    let mut writer = encryptor.map_err(|_| refused())?.wrap_output(&mut sealed).map_err(|_| refused())?;
    writer.write_all(&plaintext).map_err(|_| refused())?;
    writer.finish().map_err(|_| refused())?;
    Ok(sealed)
}

/// Opens a secret and checks that it belongs to its place. Whoever calls has bounded its size.
///
/// # Errors
/// When it is not sealed as bundles seal, the key does not fit, or it belongs elsewhere.
pub fn open(place: Place<'_>, sealed: &[u8], key: Key<'_>) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    check_header(place.entry, sealed)?;
    let decryptor = Decryptor::new_buffered(sealed).map_err(|why| refuse(place.entry, &why, key))?;
    if decryptor.is_scrypt() != matches!(key, Key::Passphrase(_)) {
        let why = if decryptor.is_scrypt() {
            word!("it has a passphrase, not recipients", "它用的是口令，不是接收方")
        } else {
            word!("it has recipients, not a passphrase", "它用的是接收方，不是口令")
        };
        return Err(UnsealError::Malformed { entry: place.entry.clone(), why });
    }
    let reader = match key {
        Key::Identity(identity) => decryptor.decrypt(std::iter::once(&identity.0 as &dyn age::Identity)),
        Key::Passphrase(passphrase) => {
            let mut identity = scrypt::Identity::new(passphrase.secret());
            identity.set_max_work_factor(WORK_FACTOR);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
    };
    let mut reader = reader.map_err(|why| refuse(place.entry, &why, key))?;
    // The plaintext is shorter than its ciphertext, so the buffer never grows and leaves no copy behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(sealed.len() + 1));
    let _ = reader.read_to_end(&mut plaintext).map_err(|_| UnsealError::Damaged(place.entry.clone()))?;
    Ok(place.content(plaintext)?)
}

/// Looks at a header before age parses it: age takes one of any length, in time that grows with its square.
fn check_header(entry: &EntryPath, sealed: &[u8]) -> Result<(), UnsealError> {
    let malformed = |why| Err(UnsealError::Malformed { entry: entry.clone(), why });
    let head = &sealed[..sealed.len().min(MOST_HEADER)];
    let Some(end) = head.windows(4).position(|window| window == b"\n---") else {
        return malformed(word!("it has no age header, or one that is too long", "没有 age 头，或 age 头过长"));
    };
    if head[..end].windows(4).filter(|window| *window == b"\n-> ").count() > MOST_STANZAS {
        return malformed(word!("its age header has too many stanzas", "age 头中的段太多"));
    }
    Ok(())
}

fn refuse(entry: &EntryPath, why: &DecryptError, key: Key<'_>) -> UnsealError {
    let entry = entry.clone();
    match (why, key) {
        (DecryptError::ExcessiveWork { required, .. }, _) => UnsealError::Work { entry, found: *required, most: WORK_FACTOR },
        (DecryptError::NoMatchingKeys, _) => UnsealError::OtherIdentity(entry),
        (DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed, Key::Passphrase(_)) => UnsealError::WrongPassphrase(entry),
        (DecryptError::InvalidMac, _) => UnsealError::Damaged(entry),
        _ => UnsealError::Malformed { entry, why: word!("its age header is none of version 1", "age 头不是版本 1") },
    }
}
