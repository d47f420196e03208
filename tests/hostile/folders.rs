//! The unpacked form, as it may be found on a stick.

use std::fs;

use end_to_end::programs::sh;

use super::{Bench, forge};

#[test]
fn folders() {
    let mut bench = Bench::new();
    let top = bench.folder.path().to_owned();
    let fresh = |change: &str| {
        fs::write(top.join("site.tar.gz"), forge().pack()).unwrap();
        let _ = sh(&format!("rm -rf site-7; tar -xzf site.tar.gz; cd site-7; {change}"), &top);
        top.join("site-7")
    };
    let path = fresh("true");
    assert_eq!(bench.run("verify", &path).0, Some(0), "{}", bench.run("verify", &path).1);
    for (name, change, error) in [
        ("a file more", "echo x >certs/more.pem", "is not in SHA256SUMS"),
        ("a hidden file", "echo x >.x", "is no entry that a bundle has"),
        ("a file less", "rm certs/etcd.pem", "`certs/etcd.pem` is in SHA256SUMS but not in the bundle"),
        ("a byte more", "printf x >>certs/etcd.pem", "`certs/etcd.pem` has the SHA-256"),
        ("an empty file", ": >bundle.json", "`bundle.json` has the SHA-256"),
        (
            "a link",
            "mv certs/etcd.pem /tmp/.$$; mv /tmp/.$$ ../etcd.pem; ln -s ../../etcd.pem certs/etcd.pem",
            "is a symbolic link; a bundle holds regular files only",
        ),
        ("a link for a folder", "mv certs ../certs.$$; ln -s ../certs.$$ certs", "is a symbolic link; a bundle holds regular files only"),
        ("a pipe", "rm certs/etcd.pem; mkfifo certs/etcd.pem", "is a named pipe; a bundle holds regular files only"),
        ("a device", "rm certs/etcd.pem; mknod certs/etcd.pem c 1 5", "is a device; a bundle holds regular files only"),
        (
            "a socket",
            "rm certs/etcd.pem; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"certs/etcd.pem\")'",
            "a bundle holds regular files only",
        ),
        ("a folder for a file", "rm README.txt; mkdir README.txt; echo x >README.txt/x", "is no entry that a bundle has"),
        ("folders without end", "mkdir -p certs/a/b/c/d/e", "is a folder; a bundle holds regular files only"),
        ("an empty folder", "mkdir certs/more", "`certs/more` is an empty folder; a bundle holds regular files only"),
        ("an empty folder of no kind", "mkdir tmp", "`tmp` is an empty folder; a bundle holds regular files only"),
        ("another case", "mv certs/etcd.pem certs/ETCD.pem", "is not in SHA256SUMS"),
        ("not UTF-8", "touch \"$(printf 'certs/\\377')\"", "has a character other than"),
        ("a line feed", "touch \"$(printf 'certs/a\\nb')\"", "has a character other than"),
        ("no list", "rm SHA256SUMS", "the entry `SHA256SUMS` is missing at its place"),
        ("a huge file", "truncate -s 5G certs/etcd.pem", "`certs/etcd.pem` claims 5368709120 bytes; at most 1048576 are taken"),
    ] {
        let path = fresh(change);
        bench.refuses_at(name, &path, &["verify", "apply"], error);
    }
}
