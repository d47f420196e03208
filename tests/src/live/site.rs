//! A whole site: its workstation, its nodes, and what runs on them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{
    Edition, Layout, Manager, Node, control_group,
    database::{self, Database},
    docker,
    etcd::{self, Etcd},
    image, kubelet,
    manifests::{self, ASSIGNED, MANIFESTS},
    network::Network,
    node::{BUNDLE, Background},
    support, until,
    watcher::Watcher,
    writer::Writer,
};
use crate::{
    programs::{built_executor, run},
    workshop::{CONFIG_JSON, GENCERTS, Workshop},
};

/// The files of `/srv/kubernetes`.
pub const FILES: [&str; 3] = ["etcd-ca.pem", "etcd.pem", "etcd-key.pem"];
/// How long a service may take to start on a machine that is busy.
const LONGEST_START: Duration = Duration::from_secs(90);

/// A site. Dropping it ends all its processes and leaves nothing behind; a failed test's first shows the logs of its nodes.
pub struct Site {
    /// What it is like.
    pub layout: Layout,
    /// The workstation, with the certificates as they were when the site was started.
    pub workshop: Workshop,
    nodes: Vec<Node>,
    services: Mutex<Vec<Background>>,
    // Last: the disks are in it.
    network: Arc<Network>,
}

impl Site {
    /// Starts a site and waits until its pods run; an expired one is not healthy then, any other is.
    ///
    /// # Panics
    /// When something does not start, or something is missing on this machine.
    #[must_use]
    pub fn start(layout: Layout) -> Self {
        assert_possible();
        control_group::sweep();
        let network = Arc::new(Network::start());
        let nodes = nodes(&layout, &network);
        let workshop = Workshop::new(&layout.dates, &names(&nodes));
        let site = Self { layout, workshop, nodes, services: Mutex::default(), network };
        let seed = tempfile::tempdir().expect("a temporary folder");
        let snapshot = seed.path().join("snapshot");
        etcd::make_snapshot(&site.network, site.layout.etcd, &snapshot);
        let image = image::archive(site.layout.etcd);
        site.on_all_nodes(|node| {
            node.power_on();
            node.settle_in();
            site.install(node, &snapshot);
            site.start_services(node, Some(&image));
        });
        site.wait_until_pods_run();
        site
    }

    /// Its nodes, in the order in which they are visited.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name == name).unwrap_or_else(|| panic!("the site has no node {name}"))
    }

    /// Its masters.
    #[must_use]
    pub fn masters(&self) -> Vec<&Node> {
        self.nodes.iter().filter(|node| node.is_master).collect()
    }

    /// The Manager node.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn manager(&self) -> &Node {
        self.nodes.iter().find(|node| node.is_manager).expect("the site has a Manager node")
    }

    /// Its etcd.
    #[must_use]
    pub fn etcd(&self) -> Etcd<'_> {
        Etcd::of(self)
    }

    /// Its Manager's database.
    #[must_use]
    pub fn database(&self) -> Database<'_> {
        Database::of(self.manager())
    }

    /// Starts a client that writes to etcd until it is stopped.
    #[must_use]
    pub fn start_writer(&self) -> Writer {
        Writer::start(self)
    }

    /// Watches all command lines and environments for these.
    #[must_use]
    pub fn watch(&self, needles: Vec<Vec<u8>>) -> Watcher {
        Watcher::start(needles)
    }

    /// What the nodes share.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Has the workstation build the bundle for exactly these nodes, with further arguments.
    #[must_use]
    pub fn bundle(&self, further: &[&str]) -> PathBuf {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("{}={}:{}", node.name, node.address, roles(node))).collect();
        let mut arguments: Vec<&str> = nodes.iter().flat_map(|node| ["--node", node.as_str()]).collect();
        if !further.contains(&"--edition") {
            arguments.extend(["--edition", self.layout.edition.word()]);
        }
        let executor = built_executor().display().to_string();
        if !further.contains(&"--executor") {
            arguments.extend(["--executor", &executor]);
        }
        self.workshop.bundle(&[&arguments, further].concat())
    }

    /// Carries a bundle to every node, to [`BUNDLE`].
    ///
    /// # Panics
    /// When it cannot be read or written.
    pub fn deliver(&self, bundle: &Path) {
        let content = fs::read(bundle).expect("the bundle can be read");
        self.nodes.iter().filter(|node| node.is_on()).for_each(|node| node.write(BUNDLE, &content));
    }

    /// Pulls a node's plug.
    pub fn power_cut(&self, node: &Node) {
        node.power_cut();
    }

    /// Starts a node again, with its disk and its services.
    ///
    /// # Panics
    /// When something does not start.
    pub fn boot(&self, node: &Node) {
        node.power_on();
        self.start_services(node, None);
    }

    /// Starts the Manager's database again, after [`Database::stop`], with these options instead of the layout's.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_database(&self, options: &[String]) {
        let server = database::start(self.manager(), options);
        self.services.lock().unwrap_or_else(PoisonError::into_inner).push(server);
    }

    /// Waits until each node runs the pods that it should, whether or not they are well. An API server that waits for etcd counts as
    /// running, for it comes and goes.
    ///
    /// # Panics
    /// When they do not run in time.
    pub fn wait_until_pods_run(&self) {
        let ends_in_the_past = self.layout.dates.are_past();
        for node in &self.nodes {
            let with_apiserver = node.is_master && !(ends_in_the_past && self.layout.apiserver_needs_etcd);
            let wanted = [("tos-etcd", node.is_master), ("tos-apiserver", with_apiserver), ("flanneld", node.has_flannel)];
            for (name, _) in wanted.iter().filter(|(_, runs)| *runs) {
                until(&format!("{name} on {}", node.name), LONGEST_START, || node.container(name).ok_or_else(|| "it does not".to_owned()));
            }
        }
        if !ends_in_the_past && !self.masters().is_empty() {
            let _ = self.etcd().wait_until_healthy(LONGEST_START);
        }
    }

    /// The ends of a node's logs.
    #[must_use]
    pub fn logs(&self, node: &Node) -> String {
        if !node.is_on() {
            return format!("{} is off\n", node.name);
        }
        let script = format!(
            "for log in {} {} {}; do [ ! -e $log ] || {{ echo \"-- $log\"; grep -v level=info $log | tail -n 15; }}; done
             command -v docker >/dev/null && docker ps -a --format '{{{{.Names}}}} {{{{.Status}}}}' || :
             for id in $(docker ps -aq --filter name=k8s_tos- 2>/dev/null); do echo \"-- $(docker inspect -f '{{{{.Name}}}}' $id)\"; docker logs --tail 8 $id 2>&1 | cut -c 1-300; done",
            kubelet::LOG,
            docker::LOG,
            database::LOG
        );
        let ran = node.run(&["timeout", "20", "sh", "-c", &script]);
        format!("==== {}\n{}{}\n", node.name, ran.stdout, ran.stderr)
    }

    fn install(&self, node: &Node, snapshot: &Path) {
        node.write("/etc/hosts", self.hosts());
        for file in FILES {
            node.write(&format!("/srv/kubernetes/{file}"), self.material(file));
        }
        let _ = node.sh("chmod 600 /srv/kubernetes/etcd-key.pem; mkdir -p /opt/kubernetes/manifests-multi");
        if node.is_master {
            etcd::restore(node, self.layout.etcd, snapshot, &self.initial_cluster());
            put_pod(node, MANIFESTS, "tos-etcd.manifest", &manifests::etcd(&node.name, &node.address, &self.initial_cluster()));
            put_pod(node, MANIFESTS, "tos-apiserver.manifest", &manifests::apiserver(self.layout.apiserver_needs_etcd));
            if self.layout.kubectl {
                kubelet::install_kubectl(node, &self.others_with_flannel(node));
            }
        }
        if node.has_flannel {
            put_pod(node, ASSIGNED, "flannel.json", &manifests::flannel());
        }
        if node.is_manager {
            node.write(&format!("/{GENCERTS}/etcd-ca.pem"), self.material("etcd-ca.pem"));
            node.write(&format!("/{GENCERTS}/config.json"), CONFIG_JSON);
            database::install(node);
        }
    }

    /// Starts what a node starts by itself; with an image on its first start.
    fn start_services(&self, node: &Node, image: Option<&Path>) {
        let mut services = Vec::new();
        if node.is_master || node.has_flannel {
            services.push(docker::start(node));
            if let Some(image) = image {
                image::load(node, image);
            }
            services.push(kubelet::start(node, &self.layout));
        }
        if node.is_manager {
            services.push(database::start(node, &self.layout.database_options));
            if image.is_some() {
                database::fill(node, &self.workshop);
            }
        }
        self.services.lock().unwrap_or_else(PoisonError::into_inner).extend(services);
    }

    fn on_all_nodes(&self, work: impl Fn(&Node) + Sync) {
        thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = self.nodes.iter().map(|node| scope.spawn(move || work(node))).collect();
            for thread in threads {
                if let Err(failure) = thread.join() {
                    std::panic::resume_unwind(failure);
                }
            }
        });
    }

    fn material(&self, file: &str) -> Vec<u8> {
        fs::read(self.workshop.path().join(file)).expect("the material is there")
    }

    fn initial_cluster(&self) -> String {
        manifests::initial_cluster(self.masters().into_iter().map(|node| (node.name.as_str(), node.address.as_str())))
    }

    fn others_with_flannel(&self, node: &Node) -> Vec<&str> {
        self.nodes.iter().filter(|other| other.has_flannel && other.name != node.name).map(|other| other.name.as_str()).collect()
    }

    fn hosts(&self) -> String {
        let lines = self.nodes.iter().map(|node| format!("{} {}\n", node.address, node.name));
        std::iter::once("127.0.0.1 localhost\n".to_owned()).chain(lines).collect()
    }
}

impl Drop for Site {
    #[allow(clippy::print_stderr, reason = "what a failed test shows")]
    fn drop(&mut self) {
        if thread::panicking() {
            self.nodes.iter().for_each(|node| eprintln!("{}", self.logs(node)));
        }
        thread::scope(|scope| self.nodes.iter().for_each(|node| drop(scope.spawn(|| node.power_cut()))));
    }
}

/// Whether sites can be started here; otherwise what is missing.
fn assert_possible() {
    let asked = run(support("live_possible.sh"), &[] as &[&str], Path::new("/"));
    assert_eq!(asked.code, 0, "no live site here, for it {}", asked.stdout);
}

/// Puts a pod's manifest into a folder that a kubelet reads, whole.
fn put_pod(node: &Node, folder: &str, file: &str, manifest: &Value) {
    let hidden = format!("{folder}/.{file}.new");
    node.write(&hidden, serde_json::to_vec_pretty(manifest).expect("JSON can be written"));
    fs::rename(node.outside(&hidden), node.outside(&format!("{folder}/{file}"))).expect("a file can be renamed");
}

fn nodes(layout: &Layout, network: &Arc<Network>) -> Vec<Node> {
    let has_flannel = layout.edition == Edition::Tdh;
    let mut nodes = Vec::new();
    for number in 1..=layout.masters {
        let mut node = Node::new(network, format!("tos{number}"), format!("10.199.0.{}", 10 + number));
        node.is_master = true;
        node.has_flannel = has_flannel;
        node.is_manager = layout.manager == Manager::OnMaster(number);
        nodes.push(node);
    }
    if layout.flannel_node && has_flannel {
        let mut node = Node::new(network, "worker1".to_owned(), "10.199.1.11".to_owned());
        node.has_flannel = true;
        nodes.push(node);
    }
    if layout.manager == Manager::Own {
        let mut node = Node::new(network, "manager".to_owned(), "10.199.2.11".to_owned());
        node.is_manager = true;
        nodes.push(node);
    }
    nodes
}

/// The names in the leaf, as openssl takes them: those of the masters, and the two addresses that are always there.
fn names(nodes: &[Node]) -> String {
    let masters: Vec<&Node> = nodes.iter().filter(|node| node.is_master).collect();
    let names = masters.iter().map(|node| format!("DNS:{}", node.name));
    let addresses = masters.iter().map(|node| format!("IP:{}", node.address));
    names.chain(["IP:127.0.0.1".to_owned(), "IP:10.10.10.1".to_owned()]).chain(addresses).collect::<Vec<_>>().join(",")
}

fn roles(node: &Node) -> String {
    let roles = [("etcd", node.is_master), ("flannel", node.has_flannel), ("manager", node.is_manager)];
    roles.iter().filter(|(_, has)| *has).map(|(role, _)| *role).collect::<Vec<_>>().join("+")
}
