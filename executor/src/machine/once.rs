//! Files that are written once and never over another: the node's own identity, and what an operator asks for.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use bundle_format::word;
use nix::fcntl::OFlag;

use super::{Dress, Machine, MachineError, Place, failed};

impl Machine {
    /// Makes a private file whole, unless there is one; whether it was made. Two processes at once make one file: it is staged, synced
    /// and linked to its name, which only the first can do, and is never seen half written, after a power cut neither.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create_once(&self, place: &Place, content: &[u8]) -> Result<bool, MachineError> {
        let staged = place.beside(&format!(".staged-{}", std::process::id()));
        self.remove(&staged)?;
        self.create(&staged, content, Dress::Private)?;
        let outcome = match fs::hard_link(&staged.0, &place.0) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed(word!("make", "创建"), &place.0)(error)),
        };
        self.remove(&staged)?;
        self.sync_folder(&place.folder())?;
        outcome
    }

    /// Writes a new file that the operator named, which need not lie below the root, private until it is whole.
    ///
    /// # Errors
    /// When something is there already, or the system refuses; then nothing is left of it.
    pub fn write_argument(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), MachineError> {
        let fail = |error| failed(word!("write", "写入"), path)(error);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path).map_err(fail)?;
        let written =
            file.write_all(content).and_then(|()| file.set_permissions(Permissions::from_mode(mode))).and_then(|()| file.sync_all());
        written.map_err(|error| {
            let _ = fs::remove_file(path);
            fail(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_file_is_made_once_by_however_many_at_a_time() {
        let tree = tempfile::tempdir().unwrap();
        let machine = Machine::below(tree.path()).unwrap();
        let place = machine.state_folder().unwrap();
        machine.make_folder(&place).unwrap();
        let place = place.join("x");
        assert!(machine.create_once(&place, b"first").unwrap());
        assert!(!machine.create_once(&place, b"second").unwrap());
        assert_eq!(machine.read(&place).unwrap().as_slice(), b"first");
        let metadata = fs::metadata(&place.0).unwrap();
        assert_eq!((metadata.mode() & 0o777, metadata.nlink()), (0o600, 1));
        assert_eq!(fs::read_dir(place.folder().0).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_over_what_the_operator_has() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::below(folder.path()).unwrap();
        let path = folder.path().join("facts.json");
        machine.write_argument(&path, b"first", 0o644).unwrap();
        assert!(machine.write_argument(&path, b"second", 0o644).is_err());
        assert_eq!((fs::read(&path).unwrap().as_slice(), fs::metadata(&path).unwrap().mode() & 0o777), (b"first".as_slice(), 0o644));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
        assert!(machine.write_argument(&link, b"x", 0o644).is_err());
        assert!(machine.write_argument(Path::new("/dev/full"), b"x", 0o644).is_err());
    }
}
