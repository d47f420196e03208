//! A workstation with a site's material made by openssl, and folder trees that look like its nodes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use time::{OffsetDateTime, macros::format_description};

use crate::{
    programs::{Ran, reseal, reseal_node, run, sh},
    secret::number,
};

/// The Manager's template folder, below a node's root.
pub const GENCERTS: &str = "var/lib/transwarp-manager/master/content/meta/services/TOS/tos-2.1/templates/gencerts";
/// The Manager's `config.json`, in the shape and spacing in which it is found.
pub const CONFIG_JSON: &str = "{\n  \"signing\": {\n    \"default\": {\n      \"expiry\": \"87600h\"\n    },\n    \"profiles\": {\n      \"etcd\": { \"usages\": [\"signing\", \"key encipherment\"], \"expiry\" : \"87600h\" },\r\n      \"short\": { \"expiry\": \"8760h\" }\n    }\n  }\n}";

/// A temporary folder with `etcd-ca.pem`, `etcd-ca-key.pem`, `etcd.pem`, `etcd-key.pem`, `signer.key` and `signer.key.pub`.
pub struct Workshop {
    folder: TempDir,
}

/// When the material of a [`Workshop`] is valid, as `openssl ca` takes dates: `YYYYMMDDHHMMSSZ`.
#[derive(Clone, Debug)]
pub struct Dates {
    /// The start.
    pub begin: String,
    /// The end.
    pub end: String,
}

impl Dates {
    /// From one moment to another.
    #[must_use]
    pub fn new(begin: &str, end: &str) -> Self {
        Self { begin: begin.to_owned(), end: end.to_owned() }
    }

    /// The dates that shipped.
    #[must_use]
    pub fn shipped() -> Self {
        Self::new(SHIPPED_BEGIN, "20230310103000Z")
    }

    /// From when the shipped ones begin to so many days from now.
    #[must_use]
    pub fn ending_in_days(days: i64) -> Self {
        Self::new(SHIPPED_BEGIN, &written(OffsetDateTime::now_utc() + time::Duration::days(days)))
    }

    /// Whether they have ended.
    #[must_use]
    pub fn are_past(&self) -> bool {
        self.end < written(OffsetDateTime::now_utc())
    }
}

const SHIPPED_BEGIN: &str = "20180311103000Z";

fn written(moment: OffsetDateTime) -> String {
    moment.format(format_description!("[year][month][day][hour][minute][second]Z")).expect("a moment of this century")
}

impl Workshop {
    /// An expired site: RSA-2048, names and addresses of three nodes.
    #[must_use]
    pub fn expired() -> Self {
        Self::new(&Dates::shipped(), "DNS:tos1,DNS:tos2,DNS:tos3,IP:10.0.0.11,IP:10.0.0.12,IP:10.0.0.13,IP:127.0.0.1,IP:10.10.10.1")
    }

    /// A site whose leaf has these SANs, as openssl writes them.
    ///
    /// # Panics
    /// When openssl fails.
    #[must_use]
    pub fn new(dates: &Dates, sans: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = format!(
            "openssl genrsa -out etcd-ca-key.pem 2048 2>&1; openssl genrsa -out etcd-key.pem 2048 2>&1
             printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\ndefault_md=sha256\\npolicy=p\\nunique_subject=no\\n[p]\\ncommonName=supplied\\norganizationName=optional\\n[req]\\ndistinguished_name=dn\\n[dn]\\n' >c.cnf
             printf '[ca_ext]\\nbasicConstraints=critical,CA:TRUE,pathlen:2\\nkeyUsage=critical,keyCertSign,cRLSign\\nsubjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\n[leaf_ext]\\nbasicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature,keyEncipherment\\nextendedKeyUsage=serverAuth,clientAuth\\nsubjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\nsubjectAltName={sans}\\n' >>c.cnf
             : >index; openssl rand -hex 8 >serial
             openssl req -new -key etcd-ca-key.pem -subj /O=transwarp/CN=etcd-ca -config c.cnf -out ca.csr
             openssl ca -batch -notext -selfsign -config c.cnf -keyfile etcd-ca-key.pem -in ca.csr -extensions ca_ext -startdate {begin} -enddate {end} -out etcd-ca.pem 2>&1
             openssl req -new -key etcd-key.pem -subj /O=transwarp/CN=kubernetes -config c.cnf -out leaf.csr
             openssl ca -batch -notext -config c.cnf -keyfile etcd-ca-key.pem -cert etcd-ca.pem -in leaf.csr -extensions leaf_ext -startdate {begin} -enddate {end} -out etcd.pem 2>&1",
            begin = dates.begin,
            end = dates.end,
        );
        let _ = sh(&script, folder.path());
        write_weightless_executor(folder.path());
        let workshop = Self { folder };
        let _ = workshop.reseal(&["keygen", "--out", "signer.key", "--no-passphrase"]).expect_code(0);
        workshop
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `reseal` in the folder.
    #[must_use]
    pub fn reseal(&self, arguments: &[&str]) -> Ran {
        run(reseal(), arguments, self.path())
    }

    /// Runs `reseal build` for three nodes, the third of which is the Manager, with further arguments; unsealed, unless they seal. The
    /// bundle's executor is one that does nothing, unless they name another.
    #[must_use]
    pub fn build(&self, further: &[&str]) -> Ran {
        const SEALING: [&str; 5] =
            ["--new-passphrase", "--new-passphrase-file", "--node-recipient", "--passphrase-fd", "--passphrase-file"];
        let mut arguments = vec!["build"];
        if !further.iter().any(|flag| SEALING.contains(flag)) {
            arguments.push("--unsealed");
        }
        let mut default = |flag: &'static str, value: &'static str| {
            if !further.contains(&flag) {
                arguments.extend([flag, value]);
            }
        };
        default("--name", "site");
        default("--edition", "tdh");
        default("--tos-version", "tos-2.1");
        default("--ca", "etcd-ca.pem");
        default("--ca-key", "etcd-ca-key.pem");
        default("--leaf", "etcd.pem");
        default("--signer", "signer.key");
        default("--executor", WEIGHTLESS_EXECUTOR);
        if !further.contains(&"--node") {
            arguments.extend([
                "--node",
                "tos1=10.0.0.11:etcd+flannel",
                "--node",
                "tos2=10.0.0.12:etcd",
                "--node",
                "tos3=10.0.0.13:etcd+manager",
            ]);
        }
        arguments.extend(further);
        self.reseal(&arguments)
    }

    /// Builds, and checks that the CA's private key is nowhere in the bundle; gives the bundle's path.
    ///
    /// # Panics
    /// When the build fails or the key is in the bundle.
    #[must_use]
    pub fn bundle(&self, further: &[&str]) -> PathBuf {
        let built = self.build(further).expect_code(0);
        let bundle = self.path().join(built.stdout.trim());
        self.assert_free_of_the_ca_key(&bundle);
        bundle
    }

    /// The signer's fingerprint, by openssl.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = sh("openssl pkey -pubin -in signer.key.pub -outform DER | openssl dgst -sha256 -binary | base64", self.path());
        format!("SHA256:{}", digest.trim())
    }

    /// Searches the unpacked bundle for the CA's key: whole DER, every prime, exponent and coefficient, raw, as hexadecimal and
    /// as base64 at every alignment. Numbers come from openssl, the search is this function's own.
    ///
    /// # Panics
    /// When one is found.
    pub fn assert_free_of_the_ca_key(&self, bundle: &Path) {
        let tar = sh_bytes(&format!("gzip -dc '{}'", bundle.display()), self.path());
        let squeezed: Vec<u8> = tar.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let lower = squeezed.to_ascii_lowercase();
        let numbers = sh("openssl rsa -in etcd-ca-key.pem -noout -text", self.path());
        let mut secrets: Vec<Vec<u8>> = vec![sh_bytes("openssl rsa -in etcd-ca-key.pem -outform DER", self.path())];
        for name in ["privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"] {
            secrets.push(number(&numbers, name));
        }
        for secret in &secrets {
            assert!(secret.len() >= 100);
            assert!(!holds(&tar, secret), "raw");
            let hexadecimal: String = hex::encode(secret);
            assert!(!holds(&lower, hexadecimal.as_bytes()), "hexadecimal");
            for skip in 0..3 {
                let part = &secret[skip..secret.len() - (secret.len() - skip) % 3];
                assert!(!holds(&squeezed, encode(part).as_bytes()), "base64");
            }
        }
    }

    /// Makes the tree of a node of this site below `nodes/<name>` and gives its root.
    ///
    /// # Panics
    /// When a file cannot be written.
    #[must_use]
    pub fn node(&self, name: &str, manager: bool) -> PathBuf {
        let root = self.path().join("nodes").join(name);
        let write = |path: &str, content: &[u8]| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
            fs::write(path, content).expect("a file can be written");
        };
        let read = |file: &str| fs::read(self.path().join(file)).expect("the material is there");
        write("etc/hostname", format!("{name}\n").as_bytes());
        for file in ["etcd-ca.pem", "etcd.pem", "etcd-key.pem"] {
            write(&format!("srv/kubernetes/{file}"), &read(file));
        }
        let _ = sh("chmod 600 srv/kubernetes/etcd-key.pem", &root);
        if manager {
            write(&format!("{GENCERTS}/etcd-ca.pem"), &read("etcd-ca.pem"));
            write(&format!("{GENCERTS}/config.json"), CONFIG_JSON.as_bytes());
        }
        root
    }

    /// Runs `reseal-node` on a node's tree.
    #[must_use]
    pub fn on_node(&self, root: &Path, arguments: &[&str]) -> Ran {
        let root = root.display().to_string();
        run(reseal_node(), &[arguments, &["--root", &root]].concat(), self.path())
    }
}

/// The file of an executor that does nothing, for bundles whose executor is not run: packing and reading one is then not most of the work.
const WEIGHTLESS_EXECUTOR: &str = "weightless-executor";

fn write_weightless_executor(folder: &Path) {
    let machine = if cfg!(target_arch = "aarch64") { 183_u16 } else { 62 };
    // The header of a 64-bit little-endian program without sections, and one segment, of no kind.
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header.extend([2_u16.to_le_bytes(), machine.to_le_bytes()].concat());
    header.extend(1_u32.to_le_bytes());
    header.extend([64_u64, 64, 0].map(u64::to_le_bytes).concat());
    header.extend([0; 4]);
    header.extend([64_u16, 56, 1, 64, 0, 0].map(u16::to_le_bytes).concat());
    header.extend([0; 56]);
    fs::write(folder.join(WEIGHTLESS_EXECUTOR), header).expect("a file can be written");
}

fn sh_bytes(script: &str, folder: &Path) -> Vec<u8> {
    let output = std::process::Command::new("sh").args(["-euc", script]).current_dir(folder).output().expect("sh runs");
    assert!(output.status.success(), "{script}");
    output.stdout
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window[0] == needle[0] && window == needle)
}

fn encode(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    STANDARD_NO_PAD.encode(bytes)
}
