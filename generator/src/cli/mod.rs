//! The command line: one file a subcommand. Parses, calls, and turns every outcome into an exit code.

mod build;
mod demo;
mod inspect;
mod keygen;
mod sealing;
mod show;
mod sign;
mod site;
mod verify;

use std::{
    panic,
    path::Path,
    process::{self, ExitCode},
};

use bundle_format::{
    digest::{DigestError, TypedFingerprint},
    name::NameError,
    reader::BundleError,
    signature::{SignatureError, SignerPublicKey},
};
use clap::{Parser, Subcommand};
use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};

use crate::{
    assemble::AssembleError,
    facts::DraftError,
    files::{self, FileError},
    inspect::InspectError,
    issue::{self, IssueError},
    present::{self, Color, Output},
    signer::{SignerError, SignerKey},
    site::SiteError,
    x509::key::{KeyError, Passphrase},
};

/// The outcome of a command.
type Outcome = Result<u8, Failure>;

/// Exit code: done.
const DONE: u8 = 0;
/// Exit code: failed, nothing written.
const FAILED: u8 = 1;
/// Exit code: bundle rejected.
const REJECTED: u8 = 3;
/// Exit code of `inspect --within`: something ends by then.
const ENDING: u8 = 10;

/// Renews the certificates of clusters that nobody can reach: makes one signed bundle for a site.
#[derive(Debug, Parser)]
#[command(name = "reseal", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print data as one JSON document on standard output
    #[arg(long, global = true)]
    json: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
    /// Say nothing but warnings and errors
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Say more
    #[arg(long, short, global = true)]
    verbose: bool,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done · 1 failed, nothing written · 2 usage · 3 bundle rejected · 10 `inspect --within`: something ends by then

A first bundle:
  reseal keygen --out signer.key
  reseal site init --facts stick/*.facts.json
  reseal build --site site.toml --ca-key etcd-ca-key.pem --signer signer.key --new-passphrase --out .";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the key pair of a signer
    Keygen(keygen::Args),
    /// Show certificates, until when they are valid, and which signed which
    Inspect(inspect::Args),
    /// Work on site files
    #[command(subcommand)]
    Site(site::Command),
    /// Renew a site's CA, issue its leaf and make the signed bundle
    Build(Box<build::Args>),
    /// Show what a bundle holds, without trusting it
    Show(show::Args),
    /// Add a further signature to a bundle
    Sign(sign::Args),
    /// Check that a bundle is whole and made by a signer that you trust
    Verify(verify::Args),
    /// Renew a throw-away site of three nodes, to see how it goes
    Demo(demo::Args),
}

/// An error on its way to the terminal.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    #[expect(clippy::needless_pass_by_value, reason = "errors are handed over as they are")]
    fn new(message: impl ToString, hint: impl Into<Option<String>>) -> Self {
        Self { code: FAILED, message: message.to_string(), hint: hint.into() }
    }
}

/// Keeps the secrets of this process out of core dumps, out of reach of the user's other processes, and out of what is said when the
/// program itself is at fault. To be called first, by the program alone: it holds for all of the process.
pub fn guard() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
    panic::set_hook(Box::new(|fault| {
        let place = fault.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        present::say_fault(&place);
        process::exit(FAILED.into());
    }));
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.color, cli.quiet, cli.json, cli.verbose);
    let outcome = match &cli.command {
        Command::Keygen(args) => args.run(output),
        Command::Inspect(args) => args.run(output),
        Command::Site(command) => command.run(output),
        Command::Build(args) => args.run(output),
        Command::Show(args) => args.run(output),
        Command::Sign(args) => args.run(output),
        Command::Verify(args) => args.run(output),
        Command::Demo(args) => args.run(output),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            output.fail(&failure.message, failure.hint.as_deref());
            failure.code.into()
        }
    }
}

/// A trusted signer from the command line: a fingerprint, or a file with the public key.
fn parse_signer(text: &str) -> Result<TypedFingerprint, Failure> {
    if text.starts_with("SHA256:") {
        return text
            .parse()
            .map_err(|error: DigestError| Failure::new(error, "compare it with the one on paper, character by character".to_owned()));
    }
    let content = files::read(Path::new(text), files::MOST_INPUT)?;
    let key = SignerPublicKey::from_pem(&content)
        .map_err(|error| Failure::new(format!("`{text}`: {error}"), "give the file `….pub` that `reseal keygen` wrote".to_owned()))?;
    Ok(key.fingerprint().into())
}

/// The signer's key in a file. Where it is encrypted and no file has its passphrase, that is asked for.
fn load_signer(path: &Path, passphrase_file: Option<&Path>) -> Result<SignerKey, Failure> {
    let content = files::read(path, files::MOST_INPUT)?;
    let failure = |error: SignerError| Failure::new(format!("`{}`: {error}", path.display()), None);
    let passphrase = match passphrase_file {
        Some(path) => issue::read_passphrase(path)?,
        None => match SignerKey::load(&content, None) {
            Err(SignerError::Key(KeyError::Encrypted)) => {
                ask_passphrase("passphrase of the signer's key: ", "--signer-passphrase-file FILE")?
            }
            outcome => return outcome.map_err(failure),
        },
    };
    SignerKey::load(&content, Some(&passphrase)).map_err(failure)
}

/// Asks for a passphrase on the terminal, without showing it. `instead` are the flags to give where there is no terminal.
fn ask_passphrase(prompt: &str, instead: &str) -> Result<Passphrase, Failure> {
    match rpassword::prompt_password(prompt) {
        Ok(text) => Ok(Passphrase::from(text)),
        Err(error) => Err(Failure::new(format!("cannot ask for a passphrase: {error}"), format!("give {instead}"))),
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        let hint = match &error {
            BundleError::Damaged => {
                Some("copy it again from where it was made, and compare the SHA-256 that `reseal build` printed".to_owned())
            }
            BundleError::Signature(SignatureError::Stranger { .. } | SignatureError::NoneTrusted(_)) => Some(
                "compare the fingerprints with whoever made the bundle, by phone or on paper; do not apply it before they agree".to_owned(),
            ),
            BundleError::Signature(SignatureError::TooFew { .. }) => {
                Some("let another signer sign it: reseal sign BUNDLE --signer KEY; or name all signers whom you trust".to_owned())
            }
            BundleError::Io(_) => None,
            _ => Some("do not use it; ask whoever made it for a new one".to_owned()),
        };
        let code = if matches!(error, BundleError::Io(_)) { FAILED } else { REJECTED };
        Self { code, message: error.to_string(), hint }
    }
}

impl From<SiteError> for Failure {
    fn from(error: SiteError) -> Self {
        let hint = error.hint();
        Self::new(error, hint)
    }
}

impl From<DraftError> for Failure {
    fn from(error: DraftError) -> Self {
        let hint = error.hint();
        Self::new(error, hint)
    }
}

impl From<IssueError> for Failure {
    fn from(error: IssueError) -> Self {
        let hint = error.hint();
        Self::new(error, hint)
    }
}

impl From<AssembleError> for Failure {
    fn from(error: AssembleError) -> Self {
        let hint = match &error {
            AssembleError::NoExecutor => Some("give --executor PATH-OF-reseal-node, once for each architecture".to_owned()),
            AssembleError::Executor { .. } => {
                Some("build it with `cargo build --release`, which makes it static, and give --executor PATH".to_owned())
            }
            AssembleError::File(FileError::Exists(_)) => Some("take another --serial or --out".to_owned()),
            _ => None,
        };
        Self::new(error, hint)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let hint = matches!(error, FileError::Exists(_)).then(|| "move it away, or choose another name".to_owned());
        Self::new(error, hint)
    }
}

impl From<SignerError> for Failure {
    fn from(error: SignerError) -> Self {
        Self::new(error, None)
    }
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Self::new(error, None)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::new(error, None)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error, None)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
