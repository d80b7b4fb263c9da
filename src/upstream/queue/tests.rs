//! Queues: which client gets the next slot, which is rejected, and what remains of clients that leave.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is a failed test")]

use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt as _;

use super::asker::Clients;
use super::*;

const BOUNDS: Bounds = Bounds { running: 4, waiting: 20, waiting_per_peer: 10, longest_wait: Duration::from_secs(30) };

type Entering<'a> = Pin<Box<dyn Future<Output = Result<Slot, Busy>> + 'a>>;

fn peer(number: u8) -> Peer {
    Peer::of(Ipv4Addr::new(192, 0, 2, number).into())
}

fn enter(queue: &FairQueue, number: u8) -> Entering<'_> {
    Box::pin(async move { queue.enter(&Asker::peer(peer(number))).await })
}

fn poll(entering: &mut Entering<'_>) -> Poll<Result<Slot, Busy>> {
    entering.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// `count` requests of one client, each of which waits.
fn wait(queue: &FairQueue, number: u8, count: usize) -> Vec<Entering<'_>> {
    let mut waiting: Vec<_> = (0..count).map(|_| enter(queue, number)).collect();
    assert!(waiting.iter_mut().all(|entering| poll(entering).is_pending()));
    waiting
}

fn run(queue: &FairQueue, number: u8, count: usize) -> Vec<Slot> {
    (0..count).map(|_| enter(queue, number).now_or_never().unwrap().unwrap()).collect()
}

fn load(queue: &FairQueue) -> (u64, u64, u64) {
    let Load { waiting, running, rejected } = queue.load();
    (waiting, running, rejected)
}

#[tokio::test]
async fn one_client_leaves_a_slot_for_the_others_and_the_lines_take_turns() {
    let queue = FairQueue::new(BOUNDS);
    let mut slots = run(&queue, 1, 3);
    let mut first = wait(&queue, 1, 3);
    slots.extend(run(&queue, 2, 1));
    let (mut second, mut third) = (wait(&queue, 2, 2), wait(&queue, 3, 1));
    // Free slots go round: each client in turn, however many requests it has waiting.
    let mut order = Vec::new();
    while !slots.is_empty() {
        drop(slots.remove(0));
        for (number, line) in [(1, &mut first), (2, &mut second), (3, &mut third)] {
            line.retain_mut(|entering| match poll(entering) {
                Poll::Ready(slot) => {
                    order.push(number);
                    slots.push(slot.unwrap());
                    false
                }
                Poll::Pending => true,
            });
        }
    }
    assert_eq!(order, [1, 2, 3, 1, 2, 1]);
    assert_eq!(load(&queue), (0, 0, 0));
    assert!(queue.shared.lines().of_peers.is_empty(), "a client without a request is forgotten");
}

#[tokio::test]
async fn those_who_leave_take_their_place_along() {
    let queue = FairQueue::new(BOUNDS);
    let slots = run(&queue, 1, 3);
    let mut waiting = wait(&queue, 1, 10);
    let last = waiting.pop().unwrap();
    drop(waiting);
    assert_eq!(load(&queue), (1, 3, 0));
    drop(slots);
    assert_eq!(load(&queue), (0, 1, 0), "the slot is on its way to the last one");
    drop(last);
    assert_eq!(load(&queue), (0, 0, 0), "and comes back if that does not take it");
    drop(run(&queue, 1, 3));
}

#[tokio::test]
async fn a_full_line_turns_its_client_away_and_nobody_else() {
    let queue = FairQueue::new(BOUNDS);
    let _slots = (run(&queue, 1, 3), run(&queue, 2, 1));
    let mut first = wait(&queue, 1, 10);
    assert_eq!(enter(&queue, 1).now_or_never().unwrap().unwrap_err(), Busy);
    let mut second = wait(&queue, 2, 10);
    // All is full now. A third client gets room all the same: the newest requests of the longest lines make it.
    let _third = wait(&queue, 3, 6);
    for line in [&mut first, &mut second] {
        line.retain_mut(|one| poll(one).is_pending());
    }
    assert_eq!((first.len(), second.len()), (7, 7));
    assert_eq!(enter(&queue, 3).now_or_never().unwrap().unwrap_err(), Busy, "it has its share of the queue");
    assert_eq!(load(&queue), (20, 4, 1 + 6 + 1));
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_longer_than_the_bound_but_an_admitted_one() {
    let queue = FairQueue::new(BOUNDS);
    let slots = run(&queue, 1, 3);
    let began = tokio::time::Instant::now();
    let mut admitted = Box::pin(async { queue.enter(&Asker::peer(peer(1)).admitted()).await });
    assert!(futures_util::poll!(&mut admitted).is_pending());
    assert_eq!(queue.enter(&Asker::peer(peer(1))).await.unwrap_err(), Busy);
    assert_eq!((began.elapsed(), load(&queue)), (BOUNDS.longest_wait, (1, 3, 1)));
    assert!(futures_util::poll!(&mut admitted).is_pending());
    drop(slots);
    assert!(admitted.await.is_ok());
}

#[tokio::test]
async fn shared_work_takes_the_first_turn_of_any_of_its_clients() {
    let queue = FairQueue::new(BOUNDS);
    let slots = run(&queue, 1, 3);
    let clients = Clients::default();
    let (first, asker) = (clients.join(Some(peer(1))), clients.asker());
    let mut shared: Entering<'_> = Box::pin(async { queue.enter(&asker).await });
    assert!(poll(&mut shared).is_pending(), "the first client has its share");
    let second = clients.join(Some(peer(2)));
    let Poll::Ready(Ok(slot)) = poll(&mut shared) else { panic!("the second client has a free slot") };
    assert_eq!((slot.peer, load(&queue)), (Some(peer(2)), (0, 4, 0)));
    // The same where all slots are taken: it leaves the line of a client that leaves, and waits in that of the other.
    let mut shared: Entering<'_> = Box::pin(async { queue.enter(&asker).await });
    assert!(poll(&mut shared).is_pending());
    assert_eq!(load(&queue), (2, 4, 0), "in both lines");
    clients.leave(first);
    assert!(poll(&mut shared).is_pending());
    assert_eq!(load(&queue), (1, 4, 0));
    drop(slots);
    assert!(matches!(poll(&mut shared), Poll::Ready(Ok(slot)) if slot.peer == Some(peer(2))));
    clients.leave(second);
}

#[tokio::test]
async fn shared_work_is_turned_away_where_no_client_of_it_may_wait() {
    let queue = FairQueue::new(BOUNDS);
    let _slots = (run(&queue, 1, 3), run(&queue, 2, 1));
    let _full = (wait(&queue, 1, 10), wait(&queue, 2, 9));
    let clients = Clients::default();
    clients.join(Some(peer(1)));
    let asker = clients.asker();
    assert!(matches!(queue.enter(&asker).now_or_never(), Some(Err(Busy))));
    clients.join(Some(peer(2)));
    assert!(queue.enter(&asker).now_or_never().is_none(), "it waits in the second one's line");
}

#[tokio::test]
async fn fewer_slots_take_effect_as_they_come_back() {
    let queue = FairQueue::new(BOUNDS);
    let mut slots = (run(&queue, 1, 3), run(&queue, 2, 1));
    queue.set_slots(2);
    let mut third = wait(&queue, 3, 1);
    slots.0.clear();
    assert!(matches!(poll(&mut third[0]), Poll::Ready(Ok(_))));
    queue.set_slots(0);
    assert_eq!(queue.shared.lines().slots, 1, "one is always there");
}

#[tokio::test]
async fn what_is_read_ahead_takes_what_clients_leave() {
    let queue = FairQueue::new(BOUNDS);
    let ahead = Asker::peer(Peer::READ_AHEAD);
    let enter_ahead = || -> Entering<'_> { Box::pin(async { queue.enter(&ahead).await }) };
    // One slot of four stays free of it.
    let mut slots: Vec<Slot> = (0..3).map(|_| enter_ahead().now_or_never().unwrap().unwrap()).collect();
    let mut waiting: Vec<Entering<'_>> = (0..10).map(|_| enter_ahead()).collect();
    assert!(waiting.iter_mut().all(|entering| poll(entering).is_pending()));
    let client = run(&queue, 1, 1);
    let mut clients = wait(&queue, 1, 2);
    // Each slot that comes back goes to a client first, though the others have waited longer.
    drop(slots.pop());
    let Poll::Ready(Ok(first)) = poll(&mut clients[0]) else { panic!("the client's turn") };
    assert!(waiting.iter_mut().all(|entering| poll(entering).is_pending()));
    drop(slots.pop());
    let Poll::Ready(Ok(second)) = poll(&mut clients[1]) else { panic!("the client's turn") };
    // With the slots that clients leave it goes on, and one stays free.
    drop((client, first));
    let Poll::Ready(Ok(_third)) = poll(&mut waiting[0]) else { panic!("three run with it") };
    assert!(waiting[1..].iter_mut().all(|entering| poll(entering).is_pending()));
    assert!(queue.enter(&Asker::peer(peer(2))).now_or_never().is_some());
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_ahead_takes_no_place_of_a_client() {
    let queue = FairQueue::new(Bounds { waiting: 2, ..BOUNDS });
    let ahead = Asker::peer(Peer::READ_AHEAD);
    let _slots = (run(&queue, 1, 3), run(&queue, 2, 1));
    let mut waiting: Vec<Entering<'_>> =
        (0..10).map(|_| -> Entering<'_> { Box::pin(async { queue.enter(&ahead).await }) }).collect();
    assert!(waiting.iter_mut().all(|entering| poll(entering).is_pending()));
    let _clients = wait(&queue, 1, 2);
    assert_eq!(load(&queue), (12, 4, 0));
    // A client's time is bounded, its own is not.
    tokio::time::advance(BOUNDS.longest_wait * 2).await;
    assert!(waiting.iter_mut().all(|entering| poll(entering).is_pending()));
}
