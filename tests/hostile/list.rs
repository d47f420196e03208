//! The signed list, its signature and its signer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p256::ecdsa::{Signature, signature::Signer as _};

use super::{
    Bench, forge,
    forge::{Forge, fingerprint, key, public_pem},
};
use end_to_end::programs::sh;

/// A bundle whose list was changed as text and then signed.
fn listed(change: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let mut forge = forge();
    let list = forge.text("SHA256SUMS");
    forge.find("SHA256SUMS").content = change(&list);
    forge.sign_list();
    forge.pack()
}

#[test]
fn lists_in_another_form() {
    let mut bench = Bench::new();
    let text = |change: &dyn Fn(&str) -> String| listed(|list| change(list).into_bytes());
    let swap = |list: &str| {
        let mut lines: Vec<&str> = list.split_inclusive('\n').collect();
        lines.swap(1, 2);
        lines.concat()
    };
    let double = |list: &str| {
        let line = list.lines().nth(1).unwrap();
        list.replacen(line, &format!("{line}\n{line}"), 1)
    };
    for (name, bundle, error) in [
        (
            "another version",
            text(&|list| list.replace("bundle v1", "bundle v2")),
            "SHA256SUMS is of a bundle of format 2, and this version reads 1",
        ),
        ("no title", text(&|list| list.split_once('\n').unwrap().1.to_owned()), "SHA256SUMS begins with"),
        ("an empty list", text(&|_| String::new()), "SHA256SUMS ends without a line feed"),
        ("no last line feed", text(&|list| list.trim_end().to_owned()), "SHA256SUMS ends without a line feed"),
        ("lines of DOS", text(&|list| list.replace('\n', "\r\n")), "SHA256SUMS line 1"),
        ("one space", text(&|list| list.replace("  ", " ")), "SHA256SUMS line 2 is not"),
        ("binary mode", text(&|list| list.replace("  ", " *")), "SHA256SUMS line 2 is not"),
        ("a short digest", text(&|list| list.replacen('\n', "\nabc  x\n", 1)), "SHA256SUMS line 2"),
        ("a path that climbs", text(&|list| list.replace("certs/", "../certs/")), "has a component `.` or `..`"),
        ("an absolute path", text(&|list| list.replace("certs/", "/certs/")), "is absolute"),
        ("another order", text(&swap), "SHA256SUMS line 3 is out of order or a repetition"),
        ("a line twice", text(&double), "SHA256SUMS line 3 is out of order or a repetition"),
        ("an empty line", text(&|list| format!("{list}\n")), "is not `<digest>  <path>`"),
        (
            "another site's name",
            text(&|list| list.replace("v1 site-7", "v1 other-7")),
            "the folder is `site-7`, but SHA256SUMS is of `other-7`",
        ),
        ("another serial", text(&|list| list.replace("v1 site-7", "v1 site-8")), "the folder is `site-7`, but SHA256SUMS is of `site-8`"),
        ("no serial", text(&|list| list.replace("v1 site-7", "v1 site")), "SHA256SUMS line 1"),
        ("not UTF-8", listed(|list| [list.as_bytes(), b"\xff\n"].concat()), "SHA256SUMS is not UTF-8 text"),
    ] {
        bench.refuses(name, &bundle, error);
    }
}

#[test]
fn list_and_entries_must_match() {
    let mut bench = Bench::new();
    let mut case = |name: &str, change: &dyn Fn(&mut Forge), error: &str| {
        let mut forge = forge();
        change(&mut forge);
        bench.refuses(name, &forge.pack(), error);
    };
    case("an unlisted entry", &|forge| forge.insert(Some("certs/etcd.pem"), "certs/etcd.a", b"x"), "is not in SHA256SUMS");
    case("a missing certificate", &|forge| drop(forge.remove("certs/etcd.pem")), "`certs/etcd.pem` is in SHA256SUMS but not in the bundle");
    case("a missing slice", &|forge| drop(forge.remove("nodes/tos2.json")), "`nodes/tos2.json` is in SHA256SUMS but not in the bundle");
    case("no manifest", &|forge| drop(forge.remove("bundle.json")), "the entry `bundle.json` is missing at its place");
    case("no signature", &|forge| drop(forge.remove("SHA256SUMS.sig")), "the entry `SHA256SUMS.sig` is missing at its place");
    case("no signer", &|forge| drop(forge.remove("signer.pub")), "the entry `signer.pub` is missing at its place");
    case("no list", &|forge| drop(forge.remove("SHA256SUMS")), "the entry `SHA256SUMS` is missing at its place");
    case("the list last", &|forge| forge.entries.rotate_left(1), "the entry `SHA256SUMS` is missing at its place");
    for path in ["SHA256SUMS", "SHA256SUMS.sig", "signer.pub", "bundle.json"] {
        let last = |forge: &mut Forge| {
            let content = forge.find(path).content.clone();
            forge.insert(None, path, &content);
        };
        case(&format!("{path} again at the end"), &last, "is there twice");
    }
    for path in ["nodes/foo.txt", "nodes/a/b.json", "executor/evil/x"] {
        let listed = |forge: &mut Forge| {
            let before = if path.starts_with("nodes/") { "nodes/tos1.json" } else { "executor/linux-x86_64/reseal-node" };
            forge.insert(Some(before), path, b"{}");
            forge.sign();
        };
        case(&format!("{path}, which is listed"), &listed, "is no entry that a bundle has");
    }
    for path in ["nodes/tos1.json", "certs/etcd.pem", "README.txt"] {
        let double = |forge: &mut Forge| {
            let content = forge.find(path).content.clone();
            forge.insert(Some(path), path, &content);
        };
        case(&format!("{path} twice"), &double, "is there twice");
    }
    let reorder = |forge: &mut Forge| {
        let entry = forge.remove("certs/etcd.pem");
        forge.entries.push(entry);
    };
    case("a certificate last", &reorder, "is out of order: it stands after");
    let paths: Vec<String> = super::forge().entries.iter().skip(3).map(|entry| entry.path.clone()).collect();
    assert!(paths.len() > 10);
    for path in paths {
        let flip = |forge: &mut Forge| forge.find(&path).content[0] ^= 4;
        case(&format!("a flip in {path}"), &flip, &format!("`{path}` has the SHA-256"));
    }
    case("a flip in the list", &|forge| forge.find("SHA256SUMS").content[70] ^= 1, "the signature does not fit SHA256SUMS");
    case("another signer's key, the same list", &|forge| forge.find("signer.pub").content[60] ^= 1, "error:");
}

#[test]
fn signatures_of_others_and_over_others() {
    let mut bench = Bench::new();
    let own = bench.signer.clone();
    let mut stranger = forge();
    stranger.find("signer.pub").content = public_pem(&key(8)).into_bytes();
    bench.refuses("a stranger's key", &stranger.pack(), &format!(", and trusted is {own} by `--signer`"));
    let mut borrowed = forge();
    let by_other: Signature = key(8).sign(&borrowed.find("SHA256SUMS").content);
    borrowed.find("SHA256SUMS.sig").content = by_other.to_der().as_bytes().to_vec();
    bench.refuses("a stranger's signature under the trusted key", &borrowed.pack(), "the signature does not fit SHA256SUMS");
    let mut other = forge();
    other.find("README.txt").content.push(b'\n');
    other.sign();
    let mut mixed = forge();
    mixed.find("SHA256SUMS.sig").content = other.find("SHA256SUMS.sig").content.clone();
    bench.refuses("the signature over another bundle's list", &mixed.pack(), "the signature does not fit SHA256SUMS");
    let mut swapped = forge();
    swapped.find("SHA256SUMS").content = other.find("SHA256SUMS").content.clone();
    swapped.find("SHA256SUMS.sig").content = other.find("SHA256SUMS.sig").content.clone();
    bench.refuses("another bundle's list and signature", &swapped.pack(), "`README.txt` has the SHA-256");
    bench.signer = fingerprint(b"somebody");
    bench.refuses("nobody that this node trusts", &forge().pack(), ", and trusted is SHA256:");
}

#[test]
fn signatures_in_another_form() {
    let mut bench = Bench::new();
    let good = forge().find("SHA256SUMS.sig").content.clone();
    let (r, s) = split(&good);
    let der = |r: &[u8], s: &[u8]| {
        let body = [&[2, u8::try_from(r.len()).unwrap()], r, &[2, u8::try_from(s.len()).unwrap()], s].concat();
        [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
    };
    assert_eq!(der(&r, &s), good);
    let padded = |number: &[u8]| [&[0; 32][..], number].concat()[number.len()..].to_vec();
    let raw = |number: &[u8]| padded(number.strip_prefix(&[0]).unwrap_or(number));
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    for (name, signature) in [
        ("no signature", Vec::new()),
        ("half of it", good[..good.len() / 2].to_vec()),
        ("a byte more", [&good[..], &[0]].concat()),
        ("a long length", [&[0x30, 0x81], &good[1..]].concat()),
        ("an indefinite length", [&[0x30, 0x80], &good[2..], &[0, 0]].concat()),
        ("r and s as they are", [raw(&r), raw(&s)].concat()),
        ("r = 0", der(&[0], &s)),
        ("s = 0", der(&r, &[0])),
        ("r = 1, s = 1", der(&[1], &[1])),
        ("a negative r", der(&[&[0xff], &r[1..]].concat(), &s)),
        ("a zero too many", der(&[&[0, 0], &r[..]].concat(), &s)),
        ("r = the order", der(&[&[0], &order[..]].concat(), &s)),
        ("r and s exchanged", der(&s, &r)),
        ("a set instead of a sequence", [&[0x31], &good[1..]].concat()),
        ("in base64", b"MEUCIQ==".to_vec()),
    ] {
        let mut forge = forge();
        forge.find("SHA256SUMS.sig").content = signature;
        bench.refuses(name, &forge.pack(), "the signature does not fit SHA256SUMS");
    }
    for bit in 0..good.len() * 8 {
        let mut forge = forge();
        forge.find("SHA256SUMS.sig").content[bit / 8] ^= 1 << (bit % 8);
        let path = bench.bring(&forge.pack());
        if bit % 16 == 0 {
            bench.refuses_at(&format!("bit {bit} of the signature"), &path, &["verify"], "the signature does not fit SHA256SUMS");
        }
    }
    let mut large = forge();
    large.find("SHA256SUMS.sig").content = vec![0; 4097];
    bench.refuses("a signature of 4097 bytes", &large.pack(), "`SHA256SUMS.sig` claims 4097 bytes; at most 4096 are taken");
}

/// The two numbers of a signature, as they stand in its DER form.
fn split(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let r = &der[4..4 + usize::from(der[3])];
    (r.to_vec(), der[4 + r.len() + 2..].to_vec())
}

#[test]
fn signers_of_other_kinds() {
    let mut bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let script = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>&1
        openssl genpkey -algorithm ED25519 -out ed25519.key; openssl ecparam -name secp384r1 -genkey -noout -out p384.key
        openssl ecparam -name secp256k1 -genkey -noout -out k256.key; openssl ecparam -name prime256v1 -genkey -noout -out compressed.key
        for key in rsa ed25519 p384 k256; do openssl pkey -in $key.key -pubout -out $key.pub; done
        openssl ec -in compressed.key -pubout -conv_form compressed -out compressed.pub 2>&1";
    let _ = sh(script, folder.path());
    for kind in ["rsa", "ed25519", "p384", "k256", "compressed"] {
        let mut forge = forge();
        forge.find("signer.pub").content = std::fs::read(folder.path().join(format!("{kind}.pub"))).unwrap();
        forge.list();
        std::fs::write(folder.path().join("list"), &forge.find("SHA256SUMS").content).unwrap();
        let digest = if kind == "ed25519" { "-rawin" } else { "-rawin -digest sha256" };
        let sign = format!(
            "openssl pkeyutl -sign -inkey {kind}.key {digest} -in list -out sig; openssl pkey -pubin -in {kind}.pub -outform DER | openssl dgst -sha256 -binary | base64"
        );
        let trusted = format!("SHA256:{}", sh(&sign, folder.path()).trim());
        forge.find("SHA256SUMS.sig").content = std::fs::read(folder.path().join("sig")).unwrap();
        // Even told to trust it, by the fingerprint of the key as it lies in the bundle.
        let block = String::from_utf8(forge.find("signer.pub").content.clone()).unwrap();
        let body: String = block.lines().filter(|line| !line.starts_with('-')).collect();
        let in_bundle = fingerprint(&STANDARD.decode(body).unwrap());
        bench.signer = if kind == "compressed" { in_bundle } else { trusted };
        bench.refuses(kind, &forge.pack(), "the signer's public key is not an uncompressed P-256 key");
    }
    bench.signer = forge().fingerprint();
    for (name, content) in [
        ("no PEM", b"a key".to_vec()),
        ("a certificate", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_vec()),
        ("no base64", b"-----BEGIN PUBLIC KEY-----\n****\n-----END PUBLIC KEY-----\n".to_vec()),
        ("an empty file", Vec::new()),
    ] {
        let mut forge = forge();
        forge.find("signer.pub").content = content;
        bench.refuses(name, &forge.pack(), "the signer's public key is not a PEM block `PUBLIC KEY`");
    }
}
