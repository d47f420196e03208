//! Keeps what this process holds in memory out of other hands: out of core dumps, out of reach of other processes of the same user,
//! out of the swap space, and out of what is said when the program itself is at fault.
//!
//! Each is asked of the kernel once, at the start, before an argument is looked at. What the kernel refuses is gone without: a node
//! that is short of rights must still be renewed.

use std::{panic, process};

use bundle_format::text;
use nix::{
    sys::{
        mman::{MlockAllFlags, mlockall},
        prctl,
        resource::{RLIM_INFINITY, Resource, setrlimit},
        stat::{Mode, umask},
    },
    unistd::geteuid,
};

/// `MCL_ONFAULT` of mlockall(2), Linux 4.4 and later: pages are locked once they are used, so that what is never used costs no memory.
const ON_FAULT: i32 = 4;

/// Guards this process; see the module. Its children inherit the limit for core dumps and the umask 0077.
pub fn guard_secrets() {
    let _ = umask(Mode::from_bits_truncate(0o077));
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
    // Without a limit no later allocation can fail because of the lock.
    if geteuid().is_root() && setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_ok() {
        let all = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE;
        let _ = mlockall(all | MlockAllFlags::from_bits_retain(ON_FAULT)).or_else(|_| mlockall(all));
    }
}

/// Has a fault of the program itself end it with `exit`, after `say` was given the place in its source and never the message, which
/// may hold anything.
pub fn guard_panics(say: fn(&str), exit: u8) {
    panic::set_hook(Box::new(move |fault| {
        say(&fault.location().map_or_else(|| text!("an unknown place", "未知位置"), ToString::to_string));
        process::exit(exit.into());
    }));
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::*;

    /// Not a test of its own: what the next one looks at from outside, since a hook holds for a whole process.
    #[test]
    #[ignore = "ends the process; started by the test below"]
    fn faulty_program() {
        guard_panics(|place| eprintln!("at fault: {place}"), 6);
        panic!("the key is {}", "hunter2");
    }

    #[test]
    fn a_fault_tells_its_place_and_never_its_message() {
        let mut program = Command::new(env::current_exe().unwrap());
        let name = "machine::secrecy::tests::faulty_program";
        let output = program.args(["--ignored", "--exact", "--nocapture", name]).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(said.contains("at fault: ") && said.contains("secrecy.rs:"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
