//! Who asks, and how that is proven: by `mysql_native_password` or `caching_sha2_password`, as the server likes. A password goes over
//! as a proof that is good for this connection alone. `caching_sha2_password` may ask for it whole: then it goes through a socket of
//! this machine, through TLS, or encrypted to a key that the server shows.

use std::io::{Read, Write};

use aws_lc_rs::{
    digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256},
    rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey},
};
use bundle_format::{certificate::pem, word};
use zeroize::Zeroizing;

use super::wire::{END, Fault, Fields, OK, Wire};

/// A stream that can be put within TLS after its first words.
pub trait Channel: Read + Write {
    /// Whether TLS is to be used.
    fn wants_tls(&self) -> bool;
    /// Puts everything from now on within TLS.
    ///
    /// # Errors
    /// When the handshake fails.
    fn secure(&mut self) -> Result<(), Fault>;
    /// Whether nobody else hears what is said now.
    fn is_private(&self) -> bool;
}

/// Bits of what a client and a server can.
const LONG_PASSWORD: u32 = 0x1;
const PROTOCOL_41: u32 = 0x200;
const TLS: u32 = 0x800;
const TRANSACTIONS: u32 = 0x2000;
const SECURE_CONNECTION: u32 = 0x8000;
const PLUGINS: u32 = 0x8_0000;
/// `utf8_general_ci`, which every server knows. It is for the user's name; the session sets its own.
const CHARACTER_SET: u8 = 33;
/// What the server is told of the longest packet.
const MOST_PACKET: u32 = 4 << 20;

/// What `caching_sha2_password` says beside the first byte 1.
const FAST_OK: u8 = 3;
const WHOLE_PASSWORD: u8 = 4;
const ASK_FOR_KEY: u8 = 2;

/// Logs in over a stream on which nothing was said yet.
pub fn login<S: Channel>(wire: &mut Wire<S>, user: &str, password: &[u8]) -> Result<(), Fault> {
    let greeting = Greeting::read(&wire.receive()?)?;
    let mut can = LONG_PASSWORD | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | greeting.can & PLUGINS;
    if wire.stream.wants_tls() {
        if greeting.can & TLS == 0 {
            return Err(Fault::NoTls);
        }
        can |= TLS;
        wire.send(&head(can))?;
        wire.stream.secure()?;
    }
    let proof = greeting.way.proof(password, &greeting.nonce);
    let answer = [&head(can), user.as_bytes(), &[0, u8::try_from(proof.len()).unwrap_or_default()], &proof, greeting.way.name(), &[0]];
    wire.send(&answer.concat())?;
    prove(wire, greeting.way, greeting.nonce, password)
}

/// What every answer to a greeting begins with.
fn head(can: u32) -> Vec<u8> {
    [&can.to_le_bytes()[..], &MOST_PACKET.to_le_bytes(), &[CHARACTER_SET], &[0; 23]].concat()
}

fn prove<S: Channel>(wire: &mut Wire<S>, mut way: Way, mut nonce: Vec<u8>, password: &[u8]) -> Result<(), Fault> {
    let mut packet = wire.receive()?;
    if let Some((&END, switch)) = packet.split_first() {
        (way, nonce) = switched(switch)?;
        wire.send(&way.proof(password, &nonce))?;
        packet = wire.receive()?;
    }
    match (way, packet.as_slice()) {
        (_, [OK, ..]) => return Ok(()),
        (Way::CachingSha2, [1, FAST_OK]) => {}
        (Way::CachingSha2, [1, WHOLE_PASSWORD]) => send_whole(wire, &nonce, password)?,
        _ => return Err(Fault::Malformed(word!("what follows the login is no answer to it", "登录之后收到的不是应答"))),
    }
    if wire.receive()?.first() == Some(&OK) { Ok(()) } else { Err(Fault::Malformed(word!("the login has no end", "登录没有结束"))) }
}

/// The way and the nonce of a server that wants another way.
fn switched(switch: &[u8]) -> Result<(Way, Vec<u8>), Fault> {
    let mut fields = Fields(switch);
    let name = fields.text().unwrap_or(b"mysql_old_password");
    let way = Way::named(name).ok_or_else(|| Fault::Plugin(String::from_utf8_lossy(name).chars().take(60).collect()))?;
    Ok((way, nonce(&[fields.0])))
}

fn send_whole<S: Channel>(wire: &mut Wire<S>, nonce: &[u8], password: &[u8]) -> Result<(), Fault> {
    let mut whole = Zeroizing::new([password, &[0]].concat());
    if wire.stream.is_private() {
        return wire.send(&whole);
    }
    wire.send(&[ASK_FOR_KEY])?;
    let packet = wire.receive()?;
    whole.iter_mut().zip(nonce.iter().cycle()).for_each(|(byte, nonce)| *byte ^= nonce);
    wire.send(&encrypted(&whole, &packet).ok_or(Fault::Malformed(word!("the server shows no RSA key", "服务器没有给出 RSA 公钥")))?)
}

/// `plain` encrypted to the key that a packet holds as PEM.
fn encrypted(plain: &[u8], packet: &[u8]) -> Option<Vec<u8>> {
    let block = pem::blocks(packet.strip_prefix(&[1])?).find(|block| block.label == "PUBLIC KEY")?;
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&block.decode().ok()?).ok()?).ok()?;
    let mut encrypted = vec![0; key.ciphertext_size()];
    let length = key.encrypt(&OAEP_SHA1_MGF1SHA1, plain, &mut encrypted, None).ok()?.len();
    encrypted.truncate(length);
    Some(encrypted)
}

/// What a server says first.
struct Greeting {
    can: u32,
    way: Way,
    nonce: Vec<u8>,
}

impl Greeting {
    fn read(packet: &[u8]) -> Result<Self, Fault> {
        let greeting =
            Self::fields(&mut Fields(packet)).ok_or(Fault::Malformed(word!("its greeting is none of version 10", "其问候不是版本 10")))?;
        if greeting.can & SECURE_CONNECTION == 0 {
            return Err(Fault::Plugin("mysql_old_password".to_owned()));
        }
        Ok(greeting)
    }

    fn fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.byte().filter(|version| *version == 10)?;
        let _ = (fields.text()?, fields.take(4)?);
        let (first, _) = (fields.take(8)?, fields.byte()?);
        let (low, _, high) = (fields.number()?, fields.take(3)?, fields.number()?);
        let can = u32::from(high) << 16 | u32::from(low);
        let (length, _) = (fields.byte()?, fields.take(10)?);
        let second = fields.take(usize::from(length).saturating_sub(8).max(13))?;
        // A server that names none, or one unknown here, asks for another way if need be.
        let way = fields.text().and_then(Way::named).unwrap_or(Way::Native);
        Some(Self { can, way, nonce: nonce(&[first, second]) })
    }
}

/// Twenty bytes; a zero byte may follow them.
fn nonce(parts: &[&[u8]]) -> Vec<u8> {
    let mut nonce = parts.concat();
    nonce.resize(20, 0);
    nonce
}

/// A way to prove who asks.
#[derive(Clone, Copy)]
enum Way {
    CachingSha2,
    Native,
}

impl Way {
    fn named(name: &[u8]) -> Option<Self> {
        [Self::CachingSha2, Self::Native].into_iter().find(|way| way.name() == name)
    }

    fn name(self) -> &'static [u8] {
        match self {
            Self::CachingSha2 => b"caching_sha2_password",
            Self::Native => b"mysql_native_password",
        }
    }

    /// The proof of a password for one nonce; nothing for none.
    fn proof(self, password: &[u8], nonce: &[u8]) -> Zeroizing<Vec<u8>> {
        if password.is_empty() {
            return Zeroizing::new(Vec::new());
        }
        let hash = |parts: &[&[u8]]| digest(if matches!(self, Self::Native) { &SHA1_FOR_LEGACY_USE_ONLY } else { &SHA256 }, parts);
        let mut proof = hash(&[password]);
        let stored = hash(&[&proof]);
        let mask = match self {
            Self::CachingSha2 => hash(&[&stored, nonce]),
            Self::Native => hash(&[nonce, &stored]),
        };
        proof.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
        proof
    }
}

fn digest(algorithm: &'static Algorithm, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut context = Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    Zeroizing::new(context.finish().as_ref().to_vec())
}
