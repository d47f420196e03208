//! Makes bundles of any shape, by the letter of `docs/BUNDLE_FORMAT.md` and without the project's writer: so that it can lie about
//! everything that the writer never would.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
};

use flate2::{Compression, GzBuilder, read::GzDecoder};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{EncodePublicKey as _, LineEnding},
};
use sha2::{Digest as _, Sha256};

pub const BLOCK: usize = 512;
/// Where the gzip header's digest stands.
const DIGEST: std::ops::Range<usize> = 16..48;

/// One entry as it stands in the tarball.
#[derive(Clone)]
pub struct Entry {
    /// Its path below the top folder.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its header, where it is not the right one.
    pub header: Option<[u8; BLOCK]>,
}

/// A bundle before it is written.
#[derive(Clone)]
pub struct Forge {
    pub folder: String,
    pub mtime: u64,
    pub entries: Vec<Entry>,
    key: SigningKey,
}

impl Forge {
    /// Takes a real bundle apart, and has another signer from then on. Executors are cut to so many bytes: what they do is not
    /// looked at here.
    pub fn of(bundle: &[u8], most_executor: usize) -> Self {
        let tar = inflate(bundle);
        let mut at = 0;
        let (mut folder, mut mtime, mut entries) = (String::new(), 0, Vec::new());
        while tar[at] != 0 {
            let header = &tar[at..at + BLOCK];
            let text = |range: std::ops::Range<usize>| String::from_utf8(header[range].to_vec()).unwrap().trim_end_matches('\0').to_owned();
            let number = |range| u64::from_str_radix(text(range).trim(), 8).unwrap();
            let name = text(0..100);
            let (top, path) = name.split_once('/').unwrap();
            let size = usize::try_from(number(124..136)).unwrap();
            let mut content = tar[at + BLOCK..at + BLOCK + size].to_vec();
            if path.starts_with("executor/") {
                content.truncate(most_executor);
            }
            (folder, mtime) = (top.to_owned(), number(136..148));
            entries.push(Entry { path: path.to_owned(), content, header: None });
            at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
        }
        let mut forge = Self { folder, mtime, entries, key: key(9) };
        forge.sign();
        forge
    }

    /// The fingerprint of its signer.
    pub fn fingerprint(&self) -> String {
        fingerprint(&spki(&self.key))
    }

    pub fn find(&mut self, path: &str) -> &mut Entry {
        self.entries.iter_mut().find(|entry| entry.path == path).unwrap_or_else(|| panic!("no entry {path}"))
    }

    /// The text of an entry.
    pub fn text(&mut self, path: &str) -> String {
        String::from_utf8(self.find(path).content.clone()).unwrap()
    }

    /// Adds an entry before that of another path, or last.
    pub fn insert(&mut self, before: Option<&str>, path: &str, content: &[u8]) {
        let at = before.map_or(self.entries.len(), |before| self.entries.iter().position(|entry| entry.path == before).unwrap());
        self.entries.insert(at, Entry { path: path.to_owned(), content: content.to_vec(), header: None });
    }

    pub fn remove(&mut self, path: &str) -> Entry {
        let at = self.entries.iter().position(|entry| entry.path == path).unwrap();
        self.entries.remove(at)
    }

    /// Makes the list fit the entries, and signs it.
    pub fn sign(&mut self) {
        self.find("signer.pub").content = public_pem(&self.key).into_bytes();
        self.list();
        self.sign_list();
    }

    /// Makes the list fit the entries.
    pub fn list(&mut self) {
        let mut lines: Vec<(&str, String)> = self.entries[2..]
            .iter()
            .map(|entry| (entry.path.as_str(), format!("{}  {}\n", hex::encode(Sha256::digest(&entry.content)), entry.path)))
            .collect();
        lines.sort();
        let mut list = format!("# reseal bundle v1 {}\n", self.folder);
        for (_, line) in lines {
            let _ = write!(list, "{line}");
        }
        self.entries[0].content = list.into_bytes();
    }

    /// Signs the list, whatever is in it.
    pub fn sign_list(&mut self) {
        let signature: Signature = self.key.sign(&self.entries[0].content);
        self.find("SHA256SUMS.sig").content = signature.to_der().as_bytes().to_vec();
    }

    /// The right header of an entry of this bundle.
    pub fn header(&self, path: &str, size: u64) -> [u8; BLOCK] {
        header(format!("{}/{path}", self.folder).as_bytes(), mode(path), size, self.mtime)
    }

    /// The tarball, with as many blocks of zeros as its end should have.
    pub fn tar(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        for entry in &self.entries {
            tar.extend(entry.header.unwrap_or_else(|| self.header(&entry.path, entry.content.len() as u64)));
            tar.extend(&entry.content);
            tar.resize(tar.len().div_ceil(BLOCK) * BLOCK, 0);
        }
        tar.extend([0; 2 * BLOCK]);
        tar
    }

    /// The bundle.
    pub fn pack(&self) -> Vec<u8> {
        pack(&self.tar())
    }
}

fn mode(path: &str) -> u32 {
    match path {
        "reseal-node" => 0o755,
        _ if path.starts_with("executor/linux-") => 0o755,
        _ if path.starts_with("secrets/") => 0o600,
        _ => 0o644,
    }
}

/// A ustar header. Numbers as in bundles: octal digits up to a NUL, and none for devices.
pub fn header(name: &[u8], mode: u32, size: u64, mtime: u64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    header[..name.len()].copy_from_slice(name);
    let mut octal = |at: usize, digits: usize, number: u64| {
        header[at..at + digits].copy_from_slice(format!("{number:0digits$o}").as_bytes());
    };
    octal(100, 7, mode.into());
    octal(108, 7, 0);
    octal(116, 7, 0);
    octal(124, 11, size);
    octal(136, 11, mtime);
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    checked(header)
}

/// A header with its checksum made right.
pub fn checked(mut header: [u8; BLOCK]) -> [u8; BLOCK] {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
    header
}

/// Compresses a tarball into a bundle whose outer digest fits.
pub fn pack(tar: &[u8]) -> Vec<u8> {
    let extra = [b"RS\x20\0".as_slice(), &[0; 32]].concat();
    let mut gz = GzBuilder::new().operating_system(255).extra(extra).write(Vec::new(), Compression::default());
    gz.write_all(tar).unwrap();
    let bundle = gz.finish().unwrap();
    with_digest(bundle)
}

/// Makes the outer digest fit what follows it.
pub fn with_digest(mut bundle: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&bundle[DIGEST.end..]);
    bundle[DIGEST].copy_from_slice(&digest);
    bundle
}

pub fn inflate(bundle: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    let _ = GzDecoder::new(bundle).read_to_end(&mut tar).unwrap();
    tar
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn spki(key: &SigningKey) -> Vec<u8> {
    p256::PublicKey::from(key.verifying_key()).to_public_key_der().unwrap().as_bytes().to_vec()
}

pub fn public_pem(key: &SigningKey) -> String {
    p256::PublicKey::from(key.verifying_key()).to_public_key_pem(LineEnding::LF).unwrap()
}

/// The fingerprint of a public key's DER form.
pub fn fingerprint(spki: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("SHA256:{}", STANDARD.encode(Sha256::digest(spki)))
}
