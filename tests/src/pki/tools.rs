//! OpenSSL, cfssl and Go as programs.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

/// A folder of its own, gone when dropped.
#[must_use]
pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs a program in `folder`, with `input`.
#[must_use]
pub fn run(folder: &Path, program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} must be installed: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A program that does not read its input closes it; that is no failure.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

/// What a program that must succeed writes.
#[must_use]
pub fn succeed(folder: &Path, program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = run(folder, program, arguments, input);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What an `openssl` command writes.
#[must_use]
pub fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    succeed(Path::new("."), "openssl", &arguments.split(' ').collect::<Vec<_>>(), input)
}

/// The text that `openssl x509 -text` prints.
#[must_use]
pub fn openssl_text(der: &[u8]) -> String {
    String::from_utf8_lossy(&openssl("x509 -inform DER -noout -text", der)).into_owned()
}

/// Writes a file and gives its path.
pub fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// The compiled judge of `support/gocheck`, built once a process.
#[must_use]
pub fn gocheck() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("gocheck");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/support/gocheck");
        let _ = succeed(Path::new(source), "go", &["build", "-o", path.to_str().unwrap(), "."], b"");
        (folder, path)
    });
    path
}
