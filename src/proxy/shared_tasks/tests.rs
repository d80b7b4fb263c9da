//! Tasks that are shared: each order in which requests come and leave while the work goes on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is a failed test")]

use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Waker};

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn peer(number: u8) -> Option<Peer> {
    Some(Peer::of(Ipv4Addr::new(192, 0, 2, number).into()))
}

/// Lets every other task do what it can.
async fn others_run() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hundred_wait_for_one_and_later_ones_start_anew() {
    let tasks = SharedTasks::new(HOUR);
    let begun = Arc::new(AtomicUsize::new(0));
    let work = |_, _| {
        let begun = Arc::clone(&begun);
        async move {
            tokio::task::yield_now().await;
            begun.fetch_add(1, Ordering::Relaxed)
        }
    };
    assert_eq!(join_all((0..100).map(|_| tasks.join(&"a", None, work))).await, [Ok(0); 100]);
    assert_eq!(tasks.join(&"a", None, work).await, Ok(1));
    assert_eq!(tasks.len(), 0);
}

#[tokio::test]
async fn work_that_panics_is_off_the_list() {
    let tasks = SharedTasks::<u32, u32>::new(HOUR);
    assert_eq!(tasks.join(&1, None, |_, _| async { panic!("as a test") }).await, Err(Ended::Died));
    assert_eq!(tasks.join(&1, None, |_, _| async { 2 }).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn work_has_a_deadline_with_waiters_and_without() {
    let tasks = SharedTasks::<u32, u32>::new(HOUR);
    let began = tokio::time::Instant::now();
    assert_eq!(tasks.join(&1, None, |_, _| std::future::pending()).await, Err(Ended::DeadlinePassed));
    assert_eq!((began.elapsed(), tasks.len()), (HOUR, 0));
    let detached = tasks.wait(&1, None, |_, progress| async move {
        progress.set(Phase::Receiving);
        std::future::pending().await
    });
    others_run().await;
    drop(detached);
    tokio::time::sleep(HOUR / 2).await;
    assert_eq!((tasks.len(), tasks.detached()), (1, 1));
    tokio::time::sleep(HOUR / 2 + Duration::from_secs(1)).await;
    assert_eq!((tasks.len(), tasks.detached()), (0, 0));
}

#[tokio::test]
async fn it_counts_for_those_who_wait() {
    let tasks = SharedTasks::<u32, u32>::new(HOUR);
    let (tell, told) = oneshot::channel();
    let first = tasks.wait(&1, peer(1), |asker, _| async move {
        tell.send(asker).unwrap();
        std::future::pending().await
    });
    let asker = told.await.unwrap();
    let second = tasks.wait(&1, peer(2), |_, _| async { 0 });
    let third = tasks.wait(&1, peer(3), |_, _| async { 0 });
    let again = tasks.wait(&1, peer(1), |_, _| async { 0 });
    assert_eq!(asker.clients(), [peer(1), peer(2), peer(3)]);
    drop((first, second));
    assert_eq!(asker.clients(), [peer(3), peer(1)]);
    drop((third, again));
    assert_eq!(tasks.len(), 0);
}

/// Work that does what the test says.
struct Puppet {
    commands: mpsc::UnboundedSender<Command>,
    /// whether it is still there: cancelled or done, it is not
    alive: Arc<()>,
}

enum Command {
    Become(Phase),
    Finish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Join(usize),
    Leave(usize),
    Flow,
    Stall,
    Finish,
}

/// Somebody who waits for the task.
type Request = Pin<Box<dyn Future<Output = TaskResult<usize>>>>;

/// A world of one key.
struct Play {
    tasks: SharedTasks<u32, usize>,
    puppets: Arc<Mutex<Vec<Puppet>>>,
    requests: Vec<Option<Request>>,
}

impl Play {
    fn new(requests: usize) -> Play {
        let requests = (0..requests).map(|_| None).collect();
        Play { tasks: SharedTasks::new(HOUR), puppets: Arc::default(), requests }
    }

    fn request(&self, number: usize) -> Pin<Box<dyn Future<Output = TaskResult<usize>>>> {
        let (tasks, puppets) = (self.tasks.clone(), Arc::clone(&self.puppets));
        let from = peer(u8::try_from(number).unwrap());
        Box::pin(async move {
            let work = |_, progress: Arc<Progress>| {
                let (commands, mut told) = mpsc::unbounded_channel();
                let mut puppets = puppets.lock();
                let (number, alive) = (puppets.len(), Arc::new(()));
                puppets.push(Puppet { commands, alive: Arc::clone(&alive) });
                async move {
                    let _alive = alive;
                    while let Some(command) = told.recv().await {
                        match command {
                            Command::Become(phase) => progress.set(phase),
                            Command::Finish => break,
                        }
                    }
                    number
                }
            };
            tasks.join(&1, from, work).await
        })
    }

    fn poll(&mut self, number: usize) -> Option<TaskResult<usize>> {
        let request = self.requests[number].as_mut()?;
        match request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    fn tell(&self, command: Command) {
        if let Some(puppet) = self.puppets.lock().last() {
            let _ = puppet.commands.send(command);
        }
    }

    fn play(&mut self, event: Event) {
        match event {
            Event::Join(number) => {
                self.requests[number] = Some(self.request(number));
                // Done at once: never, for every task has to be run first.
                assert_eq!(self.poll(number), None);
            }
            Event::Leave(number) => self.requests[number] = None,
            Event::Flow => self.tell(Command::Become(Phase::Receiving)),
            Event::Stall => self.tell(Command::Become(Phase::Asking)),
            Event::Finish => self.tell(Command::Finish),
        }
    }

    /// The numbers of the works that are there.
    fn alive(&self) -> Vec<usize> {
        let puppets = self.puppets.lock();
        let alive = puppets.iter().enumerate().filter(|(_, puppet)| Arc::strong_count(&puppet.alive) > 1);
        alive.map(|(number, _)| number).collect()
    }

    /// Nothing hangs, nothing is left: each waiter that is left gets the value of a task, and all tasks end.
    async fn end(&mut self, events: &[Event]) {
        others_run().await;
        let waiting = self.requests.iter().filter(|request| request.is_some()).count();
        assert!(self.alive().len() <= 1, "{events:?}: two works at once");
        if waiting == 0 {
            assert_eq!(self.alive().len(), self.tasks.detached(), "{events:?}: work that nobody waits for");
        }
        self.tell(Command::Finish);
        others_run().await;
        for number in 0..self.requests.len() {
            if self.requests[number].is_some() {
                let outcome = self.poll(number).unwrap_or_else(|| panic!("{events:?}: request {number} hangs"));
                assert!(outcome.is_ok(), "{events:?}: request {number}: {outcome:?}");
            }
        }
        self.requests.clear();
        others_run().await;
        assert_eq!((self.alive(), self.tasks.len()), (Vec::new(), 0), "{events:?}");
    }
}

/// All orders of the events in which each request joins before it leaves.
fn orders(left: &mut Vec<Event>, order: &mut Vec<Event>, found: &mut Vec<Vec<Event>>) {
    if left.is_empty() {
        found.push(order.clone());
    }
    for at in 0..left.len() {
        let event = left[at];
        if matches!(event, Event::Leave(number) if left.contains(&Event::Join(number))) {
            continue;
        }
        left.remove(at);
        order.push(event);
        orders(left, order, found);
        order.pop();
        left.insert(at, event);
    }
}

/// Plays all orders of the events; after those events whose bit is set, all tasks do what they can.
async fn play_all(events: &[Event], requests: usize, masks: impl Iterator<Item = u32> + Clone) -> usize {
    let mut found = Vec::new();
    orders(&mut events.to_vec(), &mut Vec::new(), &mut found);
    for order in &found {
        for mask in masks.clone() {
            let mut play = Play::new(requests);
            for (at, event) in order.iter().enumerate() {
                play.play(*event);
                if mask >> at & 1 == 1 {
                    others_run().await;
                }
            }
            play.end(order).await;
        }
    }
    found.len()
}

#[tokio::test]
async fn requests_come_and_leave_in_every_order() {
    use Event::{Finish, Flow, Join, Leave, Stall};
    let two = [Join(0), Leave(0), Join(1), Leave(1), Flow, Finish];
    assert_eq!(play_all(&two, 2, 0..64).await, 180);
    let stalling = [Join(0), Leave(0), Join(1), Flow, Stall, Finish];
    assert_eq!(play_all(&stalling, 2, 0..64).await, 360);
    let three = [Join(0), Leave(0), Join(1), Leave(1), Join(2), Flow, Finish];
    assert_eq!(play_all(&three, 3, [0, u32::MAX, 0b10_1010, 0b101_0101].into_iter()).await, 1260);
}

#[tokio::test]
async fn bytes_that_flow_are_not_cancelled_and_bytes_that_stop_are() {
    use Event::{Flow, Join, Leave, Stall};
    for (events, alive) in [
        (&[Join(0), Leave(0)][..], 0),
        (&[Join(0), Flow, Leave(0)], 1),
        (&[Join(0), Flow, Stall, Leave(0)], 0),
        (&[Join(0), Flow, Leave(0), Stall], 0),
        (&[Join(0), Flow, Leave(0), Join(1), Leave(1)], 1),
    ] {
        let mut play = Play::new(2);
        for event in events {
            play.play(*event);
            others_run().await;
        }
        assert_eq!((play.alive().len(), play.tasks.detached()), (alive, alive), "{events:?}");
        play.end(events).await;
    }
}

#[tokio::test]
async fn what_is_only_read_ahead_does_not_go_on_alone() {
    let tasks = SharedTasks::<u32, u32>::new(HOUR);
    let receive = |_: Asker, progress: Arc<Progress>| async move {
        progress.set(Phase::Receiving);
        std::future::pending().await
    };
    let ahead = tasks.wait(&1, Some(Peer::READ_AHEAD), receive);
    others_run().await;
    drop(ahead);
    assert_eq!((tasks.len(), tasks.detached()), (0, 0));
    // Once a client has asked for it, it does.
    let ahead = tasks.wait(&1, Some(Peer::READ_AHEAD), receive);
    others_run().await;
    let client = tasks.wait(&1, peer(1), receive);
    drop(ahead);
    drop(client);
    assert_eq!((tasks.len(), tasks.detached()), (1, 1));
}
