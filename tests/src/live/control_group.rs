//! A control group of its own for each node, so that its engine sees no other's containers, in whatever hierarchies the machine has.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

const HIERARCHIES: &str = "/sys/fs/cgroup";
const PREFIX: &str = "reseal-test-";

/// The group of a node, in each hierarchy. Dropping it removes the groups, which must have no processes left.
pub struct ControlGroup {
    folders: Vec<PathBuf>,
}

impl ControlGroup {
    /// Makes the group below that of this process.
    ///
    /// # Panics
    /// When there is no hierarchy in which it can be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let name = format!("{PREFIX}{}-{name}", std::process::id());
        let folders: Vec<PathBuf> = own().into_iter().map(|group| group.join(&name)).filter(|group| make(group)).collect();
        assert!(!folders.is_empty(), "no control group can be made below {HIERARCHIES}");
        Self { folders }
    }

    /// A shell command by which the shell moves into the group.
    #[must_use]
    pub fn joining(&self) -> String {
        let join = |folder: &PathBuf| {
            let folder = folder.display();
            format!("g='{folder}'; [ ! -d \"$g/init\" ] || g=$g/init; echo 0 >\"$g/cgroup.procs\"; ")
        };
        self.folders.iter().map(join).collect()
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        for _ in 0..100 {
            self.folders.retain(|folder| !remove(folder));
            if self.folders.is_empty() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
    }
}

/// Removes the groups of tests that were killed.
pub fn sweep() {
    for group in own() {
        for entry in fs::read_dir(group).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
            if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
                remove(&entry.path());
            }
        }
    }
}

/// The folders of the groups that this process is in.
fn own() -> Vec<PathBuf> {
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let folder = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let hierarchy = Path::new(HIERARCHIES).join(controllers.trim_start_matches("name="));
        let is_hierarchy = !controllers.is_empty() || hierarchy.join("cgroup.controllers").exists();
        is_hierarchy.then(|| hierarchy.join(path.trim_start_matches('/'))).filter(|group| group.join("cgroup.procs").exists())
    };
    membership.lines().filter_map(folder).collect()
}

fn make(group: &Path) -> bool {
    if fs::create_dir(group).is_err() {
        return false;
    }
    let parent = group.parent().unwrap_or(group);
    // A new cpuset group takes no process before it has processors and memory.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if let Ok(value) = fs::read_to_string(parent.join(file)) {
            let _ = fs::write(group.join(file), value);
        }
    }
    let _ = fs::write(group.join("cgroup.clone_children"), "1");
    true
}

/// Removes a group and those below it; whether it is gone.
fn remove(group: &Path) -> bool {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
    !group.exists()
}
