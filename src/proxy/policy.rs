//! The rules of a proxy: one value with the rules and the upstreams of their routes, replaced as a whole. It is asked before anything
//! else, and the only way to an upstream leads through it (`CurrentPolicy::route`): of a module that a rule refuses no name leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::sync::Notify;

use super::counts::Event;
use super::expected::Route;
use super::{Denied, Inner, Proxy, RefusalCause, Upstreams};
use crate::rules::{Decision, Rule, RuleAction, Rules};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::module::{ModulePath, ModuleVersion, Patterns, Version};
use crate::upstream::Proxies;

/// Rules, and the upstreams of their routes.
#[derive(Debug, Default)]
pub struct ModulePolicy {
    /// where the rules stand, as messages call it
    pub name: String,
    /// in order
    pub rules: Rules,
    /// the upstreams of each route, by the number of its rule
    pub routes: Vec<(usize, Proxies)>,
    /// whether what a rule refuses is only logged
    pub is_dry_run: bool,
}

impl ModulePolicy {
    fn upstreams_of(&self, rule: usize) -> Option<&Proxies> {
        self.routes.iter().find(|(number, _)| *number == rule).map(|(_, proxies)| proxies)
    }

    /// What holds for a module, or for one version of it.
    pub(super) fn decide(&self, module: &ModulePath, is_private: bool, version: Option<&Version>) -> Decision<'_> {
        match version {
            Some(version) => self.rules.of_version(module, is_private, version),
            None => self.rules.of_module(module, is_private),
        }
    }

    /// What users read where a rule refuses what they asked for.
    pub(super) fn refusal(&self, rule: &Rule, module: &ModulePath, version: Option<&Version>) -> Denied {
        let what = version.map_or_else(|| module.to_string(), |version| format!("{module}@{version}"));
        let mut lines = vec![format!("{what} is refused by a rule of this server:")];
        if let RuleAction::Deny { reason } = &rule.action
            && !reason.is_empty()
        {
            lines.push(reason.clone());
        }
        lines.push(format!("(line {} of its rules)", rule.line));
        Denied::Refused(RefusalCause::Rule, lines)
    }
}

/// Who may be asked about public modules that nobody asks for now: no upstream hears of one that a rule refuses.
pub struct PublicSources(Arc<Sources>);

impl PublicSources {
    /// The upstreams that the rules route a module to, and these for all others.
    pub fn new(public: Proxies, policy: Arc<ModulePolicy>) -> PublicSources {
        let upstreams = Arc::new(Upstreams { public, private: None });
        PublicSources(Arc::new(Sources { policy, upstreams, private: Patterns::default() }))
    }

    /// The upstreams of a proxy under the rules that it has now.
    pub(super) fn of(inner: &Inner) -> PublicSources {
        PublicSources(inner.policy.now().0)
    }

    /// The upstreams of a public module version; none if a rule refuses it.
    pub fn proxies(&self, module: &ModuleVersion) -> Option<&Proxies> {
        let Sources { policy, upstreams, .. } = &*self.0;
        let decision = policy.decide(module.path(), false, Some(module.version()));
        if decision.denied_by().is_some() {
            return None;
        }
        Some(decision.route().and_then(|rule| policy.upstreams_of(rule)).unwrap_or(&upstreams.public))
    }
}

/// All that decides where a module may come from. It is replaced as a whole: no request sees the half of two.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    pub(super) policy: Arc<ModulePolicy>,
    pub(super) upstreams: Arc<Upstreams>,
    /// modules whose names never leave for a public upstream or the checksum database
    pub(super) private: Patterns,
}

/// Where a proxy keeps what decides that.
#[derive(Debug)]
pub(super) struct PolicySlot {
    /// read without a lock
    current: ArcSwap<Sources>,
    /// how many there were
    generation: AtomicU64,
    /// notified when it is replaced
    changed: Notify,
}

impl PolicySlot {
    pub(super) fn new(upstreams: Upstreams, private: Patterns) -> PolicySlot {
        let sources = Sources { policy: Arc::default(), upstreams: Arc::new(upstreams), private };
        PolicySlot { current: ArcSwap::from_pointee(sources), generation: AtomicU64::new(0), changed: Notify::new() }
    }

    /// Replaces what `with` changes. Requests that have begun go on under the old ones.
    pub(super) fn set(&self, with: impl Fn(&Sources) -> Sources) {
        self.current.rcu(|now| with(now));
        self.generation.fetch_add(1, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// How often it was replaced. What was answered under another number may be refused now.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The policy now.
    pub(super) fn now(&self) -> CurrentPolicy {
        CurrentPolicy(self.current.load_full())
    }

    /// Whether a module is private now.
    pub(super) fn is_private(&self, module: &ModulePath) -> bool {
        self.current.load().private.exemption(module).is_some()
    }

    /// Waits until it is replaced.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// The rules and upstreams that one request is answered under.
#[derive(Debug)]
pub(super) struct CurrentPolicy(Arc<Sources>);

impl CurrentPolicy {
    /// The policy, if there are rules.
    pub(super) fn get(&self) -> Option<&ModulePolicy> {
        Some(&*self.0.policy).filter(|policy| !policy.rules.is_empty())
    }

    /// The upstreams of modules that no rule has others for.
    pub(super) fn upstreams(&self) -> &Upstreams {
        &self.0.upstreams
    }

    /// The pattern that makes a module private.
    pub(super) fn exemption(&self, module: &ModulePath) -> Option<&str> {
        self.0.private.exemption(module)
    }

    /// All upstreams.
    pub(super) fn proxies(&self) -> impl Iterator<Item = &Proxies> {
        let Upstreams { public, private } = self.upstreams();
        let routes = self.get().into_iter().flat_map(|policy| policy.routes.iter().map(|(_, proxies)| proxies));
        std::iter::once(public).chain(private).chain(routes)
    }

    /// The route to a module, or to one version of it, and with it its upstreams.
    ///
    /// # Errors
    /// A rule refuses it, or it is private and has no upstream.
    pub(super) fn route(&self, module: &ModulePath, version: Option<&Version>) -> Result<Route<'_>, Denied> {
        let private = self.exemption(module);
        let Some(policy) = self.get() else { return Route::without_rules(self.upstreams(), module, private) };
        let mut decision = policy.decide(module, private.is_some(), version);
        if let Some(rule) = decision.denied_by() {
            if !policy.is_dry_run {
                return Err(policy.refusal(rule, module, version));
            }
            decision = policy.rules.without_denies(module, private.is_some(), version);
        }
        match decision.route().and_then(|rule| policy.upstreams_of(rule)) {
            Some(proxies) if private.is_some() => Ok(Route::Private(proxies)),
            Some(proxies) => Ok(Route::Public(proxies)),
            None => Route::without_rules(self.upstreams(), module, private),
        }
    }

    /// The same for a request.
    ///
    /// # Errors
    /// As [`CurrentPolicy::route`].
    pub(super) fn route_of(&self, request: &ModuleRequest) -> Result<Route<'_>, Denied> {
        self.route(request.module(), version_of(request))
    }

    /// The rule that refuses a request, also where that is only logged.
    pub(super) fn denied_by(&self, module: &ModulePath, version: Option<&Version>) -> Option<&Rule> {
        let is_private = self.exemption(module).is_some();
        self.get()?.decide(module, is_private, version).denied_by()
    }

    /// Whether what holds for a module can depend on the version, and is enforced.
    pub(super) fn looks_at_versions(&self, module: &ModulePath) -> bool {
        let is_private = || self.exemption(module).is_some();
        self.get().is_some_and(|policy| !policy.is_dry_run && policy.rules.looks_at_versions(module, is_private()))
    }
}

impl Proxy {
    /// Replaces the rules. Requests that have begun go on under the old ones; what was answered under them is not given from memory.
    pub fn set_policy(&self, policy: Arc<ModulePolicy>) {
        self.inner.policy.set(|now| Sources { policy: Arc::clone(&policy), ..now.clone() });
    }

    /// Replaces the upstreams, the patterns of private modules, which the database is not asked about either, and the rules with their
    /// routes. Requests that have begun go on under the old ones; what those have denied is asked again.
    pub fn set_upstreams(&self, upstreams: Upstreams, private: &Patterns, policy: Arc<ModulePolicy>) {
        let upstreams = Arc::new(upstreams);
        self.inner.relay.set_private(private.clone());
        self.inner.evictor.set_private(private.clone());
        let with = |_: &Sources| Sources {
            policy: Arc::clone(&policy),
            upstreams: Arc::clone(&upstreams),
            private: private.clone(),
        };
        self.inner.policy.set(with);
        self.inner.absences.forget();
    }

    /// A number that is another one after each [`Proxy::set_policy`] and [`Proxy::set_upstreams`].
    pub fn policy_generation(&self) -> u64 {
        self.inner.policy.generation()
    }

    /// What users read if a rule refuses this module version.
    pub fn rule_against(&self, module: &ModuleVersion) -> Option<Vec<String>> {
        let policy = self.inner.policy.now();
        let rule = policy.denied_by(module.path(), Some(module.version()))?;
        let policy = policy.get().filter(|policy| !policy.is_dry_run)?;
        match policy.refusal(rule, module.path(), Some(module.version())) {
            Denied::Refused(_, lines) => Some(lines),
            _ => None,
        }
    }

    /// Logs and counts what a rule would refuse, where it is only tried out.
    pub(super) fn note_dry_run(&self, module: &ModulePath, version: Option<&Version>) {
        let policy = self.inner.policy.now();
        let Some(dry) = policy.get().filter(|policy| policy.is_dry_run) else { return };
        if let Some(rule) = policy.denied_by(module, version) {
            self.inner.counters.count(Event::WouldRefuse);
            let what = version.map_or_else(|| module.to_string(), |version| format!("{module}@{version}"));
            tracing::info!("dry run: {what} would be refused: {}:{}: {rule}", dry.name, rule.line);
        }
    }

    /// Probes the upstreams that hold now, those of routes too.
    pub(super) async fn probe(&self) {
        let slot = &self.inner.policy;
        loop {
            let policy = slot.now();
            let probes = join_all(policy.proxies().map(Proxies::probe));
            tokio::select! {
                () = slot.changed() => {}
                () = async { probes.await; std::future::pending().await } => {}
            }
        }
    }
}

/// The version that a request names.
pub(super) fn version_of(request: &ModuleRequest) -> Option<&Version> {
    match request {
        ModuleRequest::Info(module) | ModuleRequest::File(module, _) => Some(module.version()),
        ModuleRequest::List(_) | ModuleRequest::Latest(_) | ModuleRequest::Query(..) => None,
    }
}
