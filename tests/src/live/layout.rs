//! What a site is to be like.

use std::time::Duration;

use crate::workshop::Dates;

/// A site before it is started. Begin with [`Layout::expired`] or [`Layout::ending_soon`] and change what the test is about.
#[derive(Clone, Debug)]
pub struct Layout {
    /// How many masters: `tos1`, `tos2` and so on, each with etcd and an API server, and in TDH with flannel.
    pub masters: usize,
    /// Whether there is a node with flannel alone, `worker1`.
    pub flannel_node: bool,
    /// Where the Manager is.
    pub manager: Manager,
    /// The product line.
    pub edition: Edition,
    /// Whose etcd.
    pub etcd: EtcdVersion,
    /// When CA and leaf are valid.
    pub dates: Dates,
    /// How long to wait after the last container is gone, by hand and in the bundle.
    pub settle: Duration,
    /// The time between two looks of the kubelet at its folder: 20 s at sites.
    pub kubelet_period: Duration,
    /// What the kubelet's waits before it starts a container again (10 s to 300 s) are multiplied by.
    pub back_off_scale: f32,
    /// How long [`Quirk::SlowStop`] delays.
    pub slow_stop: Duration,
    /// Quirks of kubelets from the start, by the name of the node.
    pub quirks: Vec<(String, Quirk)>,
    /// Whether masters have `kubectl`.
    pub kubectl: bool,
    /// Whether the API server needs etcd, as it does: with false, it always starts and is always well.
    pub apiserver_needs_etcd: bool,
    /// Further options of the database server, such as `--sql-mode=ANSI_QUOTES`.
    pub database_options: Vec<String>,
}

impl Layout {
    /// Three masters, a node with flannel alone, a Manager node; the certificates that shipped, which ended in 2023; all waits short.
    #[must_use]
    pub fn expired() -> Self {
        Self {
            masters: 3,
            flannel_node: true,
            manager: Manager::Own,
            edition: Edition::Tdh,
            etcd: EtcdVersion::V3_4,
            dates: Dates::shipped(),
            settle: Duration::from_secs(1),
            kubelet_period: Duration::from_millis(500),
            back_off_scale: 0.1,
            slow_stop: Duration::from_secs(5),
            quirks: Vec::new(),
            kubectl: true,
            apiserver_needs_etcd: true,
            database_options: Vec::new(),
        }
    }

    /// The same with certificates that end in two days.
    #[must_use]
    pub fn ending_soon() -> Self {
        Self { dates: Dates::ending_in_days(2), ..Self::expired() }
    }

    /// The same with the masters alone.
    #[must_use]
    pub fn masters_only(self) -> Self {
        Self { flannel_node: false, manager: Manager::Nowhere, ..self }
    }
}

/// Where the Manager and its database are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manager {
    /// There is none.
    Nowhere,
    /// On the master of this number, counted from 1.
    OnMaster(usize),
    /// On a node of its own, `manager`.
    Own,
}

/// A product line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edition {
    /// Without flannel.
    Tdc,
    /// With flannel.
    Tdh,
}

impl Edition {
    /// As `reseal build --edition` takes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tdc => "tdc",
            Self::Tdh => "tdh",
        }
    }
}

/// A version of etcd that Debian has packages of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum EtcdVersion {
    /// Debian 12's.
    V3_4,
    /// Debian 13's.
    V3_5,
}

impl EtcdVersion {
    /// Major and minor number.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::V3_4 => "3.4",
            Self::V3_5 => "3.5",
        }
    }
}

/// In what a kubelet deviates. It can be switched while it runs, see [`super::Node::set_quirk`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quirk {
    /// Ended containers are not removed.
    DeadLeft,
    /// A manifest that vanishes is ignored.
    NoRemove,
    /// A manifest that appears is ignored.
    NoStart,
    /// Pods go later, by [`Layout::slow_stop`].
    SlowStop,
}

impl Quirk {
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::DeadLeft => "dead-left",
            Self::NoRemove => "no-remove",
            Self::NoStart => "no-start",
            Self::SlowStop => "slow-stop",
        }
    }
}
