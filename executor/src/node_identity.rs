//! The node's own identity: an age key (X25519) that secrets for this node alone are sealed to. It is made once, on the node, and never
//! leaves it; what travels is its recipient.
//!
//! It is one line, `AGE-SECRET-KEY-1…`, in `/var/lib/reseal/identity`: mode 0600 in a folder of mode 0700 from its first byte. What is
//! there already is never written over: a second identity would make unreadable what was sealed to the first.

use bundle_format::{name::Recipient, sealing::Identity, text, word};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::machine::{Machine, MachineError, Place, PlaceError, Sight};

/// Its name in the executor's own folder.
const NAME: &str = "identity";

/// Why there is no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The system refused.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// Something else lies there.
    #[error("{}", text!("`{path}` is no identity: {why}", "`{path}` 不是身份密钥：{why}"))]
    Other {
        /// Where.
        path: String,
        /// What it is instead. Nothing of its content is in it.
        why: String,
    },
    /// Its folder leads out of the root.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Others may read it.
    #[error("{}", text!(
        "`{path}` has mode {mode:04o}: who could read it can read what is sealed to this node",
        "`{path}` 的权限是 {mode:04o}：能读取它的人，就能读取加密封存给本节点的内容"
    ))]
    Readable {
        /// Where.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
}

/// What secrets for this node are sealed to; none where there is no identity and none is to be made.
///
/// # Errors
/// When it cannot be made, or what lies in its place is no identity of root's own.
pub fn recipient(machine: &Machine, make: bool) -> Result<Option<Recipient>, IdentityError> {
    let folder = machine.state_folder()?;
    let place = folder.join(NAME);
    if make && matches!(machine.look_at(&place), Sight::Absent) {
        machine.make_folder(&folder)?;
        // Whoever loses against another process reads what that one made.
        let _ = machine.create_once(&place, &line(&Identity::generate()))?;
    }
    Ok(read(machine, &place)?.map(|identity| identity.recipient()))
}

/// This node's identity, where it has one.
///
/// # Errors
/// When what lies in its place is no identity of root's own, or cannot be read.
pub fn identity(machine: &Machine) -> Result<Option<Identity>, IdentityError> {
    read(machine, &machine.state_folder()?.join(NAME))
}

fn read(machine: &Machine, place: &Place) -> Result<Option<Identity>, IdentityError> {
    let path = place.to_string();
    let other = |why: &str| IdentityError::Other { path: path.clone(), why: why.to_owned() };
    let seen = match machine.look_at(place) {
        Sight::Absent => return Ok(None),
        Sight::File(seen) => seen,
        Sight::NotAFile(kind) => return Err(other(&kind.is_what())),
        Sight::Unreadable(why) => return Err(other(&why)),
        Sight::NoPlace(error) => return Err(error.into()),
        Sight::TooLarge(_) => return Err(other(word!("it is too large", "它过大"))),
    };
    let mode = seen.snapshot.metadata.mode;
    if mode & 0o077 != 0 {
        return Err(IdentityError::Readable { path, mode });
    }
    Identity::parse(&seen.content).map(Some).map_err(|why| other(&why.to_string()))
}

/// The one line, in a buffer that does not grow.
fn line(identity: &Identity) -> Zeroizing<Vec<u8>> {
    let text = identity.to_line();
    let mut line = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    line
}
