//! What this host is: its names, its clock, its user, and the bundle that this program lies in.

use std::{
    env,
    net::IpAddr,
    path::{Path, PathBuf},
};

use nix::{
    ifaddrs::getifaddrs,
    net::if_::InterfaceFlags,
    sys::{socket::SockaddrStorage, utsname::uname},
    unistd::{geteuid, gethostname},
};
use time::OffsetDateTime;

use super::{Machine, file};

/// How a host knows itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Host {
    /// Its host name, as the kernel has it.
    pub name: Option<String>,
    /// The addresses of its interfaces, those of the loopback interface left out.
    pub addresses: Vec<IpAddr>,
    /// The content of `/etc/machine-id`.
    pub machine_id: Option<String>,
}

/// An address and the interface that has it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Interface {
    /// The address.
    pub address: IpAddr,
    /// The interface's name.
    pub name: String,
}

/// What the kernel says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kernel {
    /// Its release, as `uname -r` prints it.
    pub release: String,
    /// The machine's architecture, as `uname -m` prints it.
    pub architecture: String,
}

impl Machine {
    /// The addresses of its interfaces, without those of the loopback interface; a tree has none.
    pub fn interfaces(&self) -> Vec<Interface> {
        if self.is_whole { interfaces() } else { Vec::new() }
    }

    /// The kernel; a tree has none.
    pub fn kernel(&self) -> Option<Kernel> {
        let told = self.is_whole.then(uname)?.ok()?;
        let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        Some(Kernel { release: text(told.release()), architecture: text(told.machine()) })
    }

    /// How this host knows itself; of a tree, what its files say.
    pub fn host(&self) -> Host {
        let machine_id = self.etc("machine-id");
        if self.is_whole {
            let name = gethostname().ok().and_then(|name| name.into_string().ok());
            Host { name, addresses: addresses(), machine_id }
        } else {
            Host { name: self.etc("hostname"), addresses: Vec::new(), machine_id }
        }
    }

    /// The one line of a small file in `/etc`.
    fn etc(&self, name: &str) -> Option<String> {
        let content = file::read_bounded(&self.root.join("etc").join(name), 4096).ok()?;
        let line = std::str::from_utf8(&content).ok()?.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
        Some(line.to_owned())
    }

    /// The time, by this host's clock.
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    /// Whether root's rights are needed and missing. In a tree they are not needed.
    pub fn lacks_root(&self) -> bool {
        self.is_whole && !geteuid().is_root()
    }

    /// The unpacked bundle that this program lies in, if it does: `<folder>/executor/linux-<arch>/reseal-node`.
    pub fn around_executable(&self) -> Option<PathBuf> {
        let executable = env::current_exe().ok()?;
        let architecture = executable.parent()?;
        let executors = architecture.parent()?;
        let named = |path: &Path, test: fn(&str) -> bool| path.file_name().and_then(|name| name.to_str()).is_some_and(test);
        let fits = named(architecture, |name| name.starts_with("linux-")) && named(executors, |name| name == "executor");
        let folder = executors.parent().filter(|folder| fits && folder.join("SHA256SUMS").is_file())?;
        Some(folder.to_owned())
    }
}

fn addresses() -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = interfaces().into_iter().map(|interface| interface.address).collect();
    found.dedup();
    found
}

/// Sorted by address.
fn interfaces() -> Vec<Interface> {
    let Ok(interfaces) = getifaddrs() else { return Vec::new() };
    let mut found: Vec<Interface> = interfaces
        .filter(|interface| !interface.flags.contains(InterfaceFlags::IFF_LOOPBACK))
        .filter_map(|interface| Some(Interface { address: interface.address.as_ref().and_then(ip)?, name: interface.interface_name }))
        .filter(|interface| !interface.address.is_loopback())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}
