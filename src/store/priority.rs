//! Which threads and processes let others go first. Where the system refuses, and anywhere but on Linux, nothing changes.

#[cfg(target_os = "linux")]
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// How far others go first: the nice value of setpriority(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nice {
    /// Somebody may come to wait for it: on a busy machine it gets a tenth of what a thread gets that answers.
    Later,
    /// Nobody waits for it.
    Last,
}

impl Nice {
    /// From 0, as a thread begins, to 19.
    pub fn value(self) -> i32 {
        match self {
            Nice::Later => 10,
            Nice::Last => 19,
        }
    }
}

/// Has the threads of others go before this one. Threads that it begins inherit it.
pub fn lower_priority(nice: Nice) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice.value());
}

/// Has all other processes go before this one, which only verifies: it runs, and reads from the disk, while nobody else wants to, since
/// Linux gives threads of `SCHED_IDLE` the idle class of I/O (ioprio_set(2)). Threads that this one begins inherit it. Not for a thread
/// of a server: a lock that it holds would keep the others waiting.
pub fn idle_priority() {
    #[cfg(target_os = "linux")]
    {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
    }
    // Where the kernel refuses the other.
    lower_priority(Nice::Last);
}

/// Has all other processes go before this one.
pub fn lower_process_priority(id: u32) {
    #[cfg(target_os = "linux")]
    if let Some(id) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::setpriority_process(Some(id), Nice::Last.value());
    }
}
