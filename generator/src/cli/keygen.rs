//! `reseal keygen`: the key pair of a signer.

use std::path::{Path, PathBuf};

use bundle_format::writer::Signer as _;

use super::{DONE, Failure, Outcome, ask_passphrase};
use crate::{files, issue, present::Output, signer::SignerKey, x509::key::Passphrase};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to write the private key; the public key goes beside it, with `.pub` added
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Encrypt with the passphrase in this file's first line; without it, a passphrase is asked for
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase")]
    passphrase_file: Option<PathBuf>,
    /// Do not encrypt the private key
    #[arg(long)]
    no_passphrase: bool,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let public = public_path(&self.out);
        for path in [&self.out, &public] {
            if path.symlink_metadata().is_ok() {
                return Err(files::FileError::Exists(path.clone()).into());
            }
        }
        let passphrase = self.passphrase()?;
        let signer = SignerKey::generate()?;
        files::write_new(&self.out, signer.to_pem(passphrase.as_ref())?.as_bytes(), 0o600)?;
        files::write_new(&public, signer.public_key_pem().as_bytes(), 0o644)?;
        if passphrase.is_none() {
            output.warn("the private key is not encrypted: whoever has the file can make bundles that your nodes trust");
        }
        output.say(&format!(
            "private key: {}\npublic key:  {}\nfingerprint, to travel apart from bundles, on paper or by phone:",
            self.out.display(),
            public.display()
        ));
        let fingerprint = signer.fingerprint();
        output.data(&if output.json {
            serde_json::json!({ "fingerprint": fingerprint, "private_key": self.out, "public_key": public }).to_string()
        } else {
            fingerprint.to_string()
        });
        Ok(DONE)
    }

    fn passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        if self.no_passphrase {
            return Ok(None);
        }
        if let Some(path) = &self.passphrase_file {
            let passphrase = issue::read_passphrase(path)?;
            if passphrase.is_empty() {
                return Err(Failure::new(
                    format!("the first line of `{}` is empty", path.display()),
                    "put a passphrase there, or give --no-passphrase".to_owned(),
                ));
            }
            return Ok(Some(passphrase));
        }
        let first = ask_passphrase("passphrase for the signer's key: ", "--passphrase-file FILE or --no-passphrase")?;
        let second = ask_passphrase("once more: ", "--passphrase-file FILE or --no-passphrase")?;
        if first.as_bytes() != second.as_bytes() {
            return Err(Failure::new("the two passphrases differ", "type it again".to_owned()));
        }
        if first.is_empty() {
            return Err(Failure::new("the passphrase is empty", "type one, or give --no-passphrase".to_owned()));
        }
        Ok(Some(first))
    }
}

fn public_path(private: &Path) -> PathBuf {
    let mut path = private.as_os_str().to_owned();
    path.push(".pub");
    path.into()
}
