//! A private RSA key as something to look for: any part of it, in any form in which programs hand bytes on.
//!
//! Its numbers come from openssl, the search is this module's own. What is public of it, the modulus, is not looked for.

use std::{collections::HashMap, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use crate::programs::sh;

/// The numbers that only the key's owner has, as `openssl rsa -text` calls them.
const NUMBERS: [&str; 6] = ["privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"];
/// How many lines of the PEM file are skipped: they hold the modulus. 2048 bits take less than seven.
const PUBLIC_LINES: usize = 8;
/// How many bytes in a row are enough to be sure.
const PIECE: usize = 18;
/// By how many first bytes pieces are looked up.
const LOOKED_UP: usize = 8;

/// A private key.
pub struct Secret {
    /// Each number, and the text of the PEM file.
    parts: Vec<Vec<u8>>,
    pem_lines: Vec<Vec<u8>>,
    pieces: Pieces,
}

/// All pieces in all forms, by their first bytes.
type Pieces = HashMap<[u8; LOOKED_UP], Vec<Vec<u8>>>;

impl Secret {
    /// The key in a PEM file.
    ///
    /// # Panics
    /// When there is no RSA key in it.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let text = sh(&format!("openssl rsa -in '{}' -noout -text", file.display()), Path::new("/"));
        let pem = std::fs::read(file).expect("the key can be read");
        let lines = pem.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"-"));
        let pem_lines: Vec<Vec<u8>> = lines.skip(PUBLIC_LINES).map(<[u8]>::to_vec).collect();
        let mut parts: Vec<Vec<u8>> = NUMBERS.iter().map(|name| number(&text, name)).collect();
        parts.push(pem_lines.join(&b'\n'));
        assert!(parts.iter().all(|part| part.len() >= 100), "{}", file.display());
        let pieces = pieces(parts.iter().map(Vec::as_slice).chain([pem_lines.concat().as_slice()]));
        Self { parts, pem_lines, pieces }
    }

    /// Some pieces: enough to notice the key where it is handed on as a whole.
    #[must_use]
    pub fn samples(&self) -> Vec<Vec<u8>> {
        let lines = self.pem_lines.iter().filter(|line| line.len() >= 40).cloned();
        lines.chain(self.parts.iter().flat_map(|part| forms(&part[..2 * PIECE]))).collect()
    }

    /// Where in some bytes a piece of the key begins, if anywhere; white space between parts of it does not hide it.
    #[must_use]
    pub fn found_in(&self, content: &[u8]) -> Option<usize> {
        let squeezed: Vec<u8> = content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let lower = squeezed.to_ascii_lowercase();
        [content, &squeezed, &lower].iter().find_map(|bytes| find(&self.pieces, bytes))
    }
}

fn pieces<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Pieces {
    let mut pieces = Pieces::new();
    for piece in parts.flat_map(|part| part.chunks_exact(PIECE + 2)).flat_map(forms) {
        let begin = piece[..LOOKED_UP].try_into().expect("pieces are longer");
        pieces.entry(begin).or_default().push(piece);
    }
    pieces
}

/// Bytes as they are, in hexadecimal, and in base64 at each alignment.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let base64 = |skip: usize| STANDARD_NO_PAD.encode(&bytes[skip..skip + (bytes.len() - skip) / 3 * 3]).into_bytes();
    vec![bytes.to_vec(), hex::encode(bytes).into_bytes(), base64(0), base64(1), base64(2)]
}

fn find(pieces: &Pieces, content: &[u8]) -> Option<usize> {
    let begins = |place: usize, window: &[u8]| {
        let candidates = <[u8; LOOKED_UP]>::try_from(window).ok().and_then(|begin| pieces.get(&begin));
        candidates.is_some_and(|candidates| candidates.iter().any(|piece| content[place..].starts_with(piece)))
    };
    content.windows(LOOKED_UP).enumerate().find(|(place, window)| begins(*place, window)).map(|(place, _)| place)
}

/// A number of `openssl rsa -text`: the lines of colon-separated hexadecimal after its name.
pub(crate) fn number(text: &str, name: &str) -> Vec<u8> {
    let lines = text.lines().skip_while(|line| !line.starts_with(&format!("{name}:"))).skip(1).take_while(|line| line.starts_with(' '));
    let digits: String = lines.flat_map(|line| line.chars().filter(char::is_ascii_hexdigit)).collect();
    let bytes: Vec<u8> =
        (0..digits.len() / 2).map(|index| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).expect("hexadecimal")).collect();
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key() -> (tempfile::TempDir, Secret, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a folder");
        let _ = sh("openssl genrsa -out key.pem 2048 2>&1; openssl req -x509 -key key.pem -subj /CN=x -out public.pem", folder.path());
        let file = folder.path().join("key.pem");
        let pem = fs::read(&file).expect("the key is there");
        let secret = Secret::of(&file);
        (folder, secret, pem)
    }

    #[test]
    fn a_part_of_the_key_is_found_in_any_form() {
        let (folder, secret, pem) = key();
        let der = std::process::Command::new("openssl").args(["rsa", "-outform", "DER", "-in"]).arg(folder.path().join("key.pem")).output();
        let der = der.expect("openssl runs").stdout;
        let part = |bytes: &[u8]| bytes[900..980].to_vec();
        for bytes in [
            pem.clone(),
            part(&pem),
            hex::encode(&pem).into_bytes(),
            hex::encode_upper(part(&der)).into_bytes(),
            STANDARD_NO_PAD.encode(&pem).into_bytes(),
            STANDARD_NO_PAD.encode(&pem[901..]).into_bytes(),
            STANDARD_NO_PAD.encode(&der[902..]).into_bytes(),
            part(&der),
            pem.iter().flat_map(|byte| [*byte, b' ']).collect(),
        ] {
            assert!(secret.found_in(&[b"before ", bytes.as_slice()].concat()).is_some(), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn what_is_public_is_not_the_key() {
        let (folder, secret, _) = key();
        let public = sh("cat public.pem; openssl x509 -in public.pem -noout -text; openssl rsa -in key.pem -noout -modulus", folder.path());
        assert_eq!(secret.found_in(public.as_bytes()), None);
    }
}
