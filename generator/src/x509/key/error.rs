//! Why there is no key, and why a key does not sign.

use bundle_format::certificate::{der::DerError, pem::PemError};
use bundle_format::text;
use thiserror::Error;

/// Why a file gives no key that can sign. No byte of the file is in it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum KeyError {
    /// A certificate instead of a key.
    #[error("{}", text!("a certificate, where a private key is needed", "这里需要私钥，却是证书"))]
    Certificate,
    /// Encrypted, and no passphrase was given.
    #[error("{}", text!("the private key is encrypted, and there is no passphrase", "私钥已加密，但没有口令"))]
    Encrypted,
    /// The numbers of the key contradict each other.
    #[error("{}", text!("the numbers of the {kind} private key do not belong together", "{kind} 私钥中的数值互不匹配"))]
    Inconsistent {
        /// The kind of key.
        kind: &'static str,
    },
    /// Encrypted as OpenSSL did before PKCS#8.
    #[error("{}", text!(
        "the private key has the legacy `Proc-Type` encryption; convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEWFILE",
        "私钥用的是旧式 `Proc-Type` 加密；请转换：openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEWFILE"
    ))]
    LegacyEncryption,
    /// The structure of a key with something wrong inside.
    #[error("{}", text!("the private key is damaged: {source}", "私钥已损坏：{source}"))]
    Malformed {
        /// What is wrong.
        source: DerError,
    },
    /// Nothing that looks like a private key.
    #[error("{}", text!("no private key in it", "其中没有私钥"))]
    NotAKey,
    /// A PEM block is not base64.
    #[error(transparent)]
    Pem(PemError),
    /// An RSA key that its owner restricted to PSS.
    #[error("{}", text!(
        "an RSA-PSS-only key cannot sign with PKCS#1 v1.5, which certificates of this cluster need",
        "只能用于 RSA-PSS 的密钥不能按 PKCS#1 v1.5 签名，而本集群的证书需要后者"
    ))]
    PssOnly,
    /// An RSA key too small or too large.
    #[error("{}", text!(
        "an RSA key of {bits} bits, between {least} and {most} are used",
        "RSA 密钥长度为 {bits} 位，应在 {least} 到 {most} 位之间"
    ))]
    RsaSize {
        /// Its modulus, in bits.
        bits: usize,
        /// The smallest.
        least: usize,
        /// The largest.
        most: usize,
    },
    /// Larger than a key file can be.
    #[error("{}", text!("a key file of {size} bytes, at most {most} are read", "密钥文件大小为 {size} 字节，最多读取 {most} 字节"))]
    Size {
        /// Its size.
        size: usize,
        /// The bound.
        most: usize,
    },
    /// The file ends within the key.
    #[error("{}", text!("the private key is cut short", "私钥被截断"))]
    Truncated,
    /// A curve that certificates of this cluster do not use.
    #[error("{}", text!(
        "the curve {curve} is not supported: P-256, P-384 and P-521 are",
        "不支持曲线 {curve}：支持 P-256、P-384 和 P-521"
    ))]
    UnsupportedCurve {
        /// Its OID.
        curve: String,
    },
    /// An encryption other than PBES2.
    #[error("{}", text!(
        "the private key is encrypted in an unsupported way ({what}); convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEWFILE",
        "不支持私钥的加密方式（{what}）；请转换：openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEWFILE"
    ))]
    UnsupportedEncryption {
        /// The OID of what is not supported.
        what: String,
    },
    /// A kind of key that cannot sign certificates here.
    #[error("{}", text!(
        "a key of type {what} is not supported: RSA, EC and Ed25519 are",
        "不支持类型为 {what} 的密钥：支持 RSA、EC 和 Ed25519"
    ))]
    UnsupportedKey {
        /// Its OID or PEM label.
        what: String,
    },
    /// Decrypting would take too long or too much memory.
    #[error("{}", text!(
        "the encryption of the private key asks for work of {work}, at most {most} is done",
        "私钥的加密要求的运算量为 {work}，最多执行 {most}"
    ))]
    WorkFactor {
        /// Iterations, or bytes of memory, or block mixes.
        work: u64,
        /// The bound.
        most: u64,
    },
    /// The passphrase does not open it.
    #[error("{}", text!("the passphrase does not open the private key", "口令打不开私钥"))]
    WrongPassphrase,
}

impl From<DerError> for KeyError {
    fn from(source: DerError) -> Self {
        if matches!(source, DerError::Truncated { .. }) { Self::Truncated } else { Self::Malformed { source } }
    }
}

impl From<PemError> for KeyError {
    fn from(error: PemError) -> Self {
        if matches!(error, PemError::Unterminated { .. }) { Self::Truncated } else { Self::Pem(error) }
    }
}

/// The cryptographic library refused to sign or to make a key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{}", text!("the cryptographic library refused: {what}", "密码库拒绝了操作：{what}"))]
pub struct CryptoError {
    what: &'static str,
}

impl CryptoError {
    pub(in crate::x509) const fn new(what: &'static str) -> Self {
        Self { what }
    }
}
