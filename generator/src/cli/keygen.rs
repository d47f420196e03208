//! `reseal keygen`: the key pair of a signer.

use std::path::{Path, PathBuf};

use bundle_format::{text, word, writer::Signer as _};

use super::{DONE, Failure, Outcome, ask_passphrase};
use crate::{files, issue, present::Output, signer::SignerKey, x509::key::Passphrase};

#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(long, value_name = "FILE", help = word!(
        "Where to write the private key; the public key goes beside it, with `.pub` added",
        "私钥写入的文件；公钥写在旁边，文件名加 `.pub`"
    ))]
    out: PathBuf,
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase", help = word!(
        "Encrypt with the passphrase in this file's first line; without it, a passphrase is asked for",
        "用此文件第一行的口令加密；不指定时会询问口令"
    ))]
    passphrase_file: Option<PathBuf>,
    #[arg(long, help = word!("Do not encrypt the private key", "不加密私钥"))]
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
            output.warn(word!(
                "the private key is not encrypted: whoever has the file can make bundles that your nodes trust",
                "私钥没有加密：拿到此文件的人就能制作您的节点所信任的证书包"
            ));
        }
        output.lines(&text!(
            "private key: {}\npublic key:  {}\nfingerprint, to travel apart from bundles, on paper or by phone:",
            "私钥：{}\n公钥：{}\n指纹，须与证书包分开传递，写在纸上或通过电话告知：";
            self.out.display(),
            public.display()
        ));
        let fingerprint = signer.fingerprint();
        output.data(&if output.is_json() {
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
                return Err(Failure::new(text!("the first line of `{}` is empty", "`{}` 的第一行为空"; path.display()))
                    .advise(word!("put a passphrase there, or give --no-passphrase", "请在其中写入口令，或使用 --no-passphrase")));
            }
            return Ok(Some(passphrase));
        }
        let instead = word!("--passphrase-file FILE or --no-passphrase", "--passphrase-file FILE 或 --no-passphrase");
        let first = ask_passphrase(word!("passphrase for the signer's key: ", "为签名人的密钥设置口令："), instead)?;
        let second = ask_passphrase(word!("once more: ", "再输入一次："), instead)?;
        if first.as_bytes() != second.as_bytes() {
            return Err(Failure::passphrases_differ());
        }
        if first.is_empty() {
            return Err(Failure::new(word!("the passphrase is empty", "口令为空"))
                .advise(word!("type one, or give --no-passphrase", "请输入口令，或使用 --no-passphrase")));
        }
        Ok(Some(first))
    }
}

fn public_path(private: &Path) -> PathBuf {
    let mut path = private.as_os_str().to_owned();
    path.push(".pub");
    path.into()
}
