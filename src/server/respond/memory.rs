//! The memory of the pool that the body of a response needs.

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{Method, Version};

use crate::server::conn::pool::{ClientQuota, PoolPermit, Resource};
use crate::server::http::answer::{Answer, Payload};
use crate::server::http::refusal::unavailable;
use crate::server::limits::{MIN_CHUNK_BYTES, POOL_TIMEOUT, SMALL_BODY_BYTES};

/// How many bytes of an answer need memory of the pool, if they are many: over HTTP/2 a client can leave them in this process by
/// not opening its flow-control window.
fn needed(answer: &Answer, request: &Parts) -> Option<usize> {
    let free = if request.version == Version::HTTP_2 { SMALL_BODY_BYTES } else { MIN_CHUNK_BYTES };
    match &answer.payload {
        Payload::Bytes(bytes) if request.method == Method::GET && bytes.len() > free => Some(bytes.len()),
        _ => None,
    }
}

/// The memory that an answer needs, if it needs any; it becomes a refusal if the pool grants none in time.
pub(super) async fn acquire(answer: &mut Arc<Answer>, request: &Parts, quota: &Arc<ClientQuota>) -> Option<PoolPermit> {
    let len = needed(answer, request)?;
    let permit = match quota.try_acquire(Resource::Bytes, len) {
        Some(permit) => Some(permit),
        // Boxed: waiting is rare, and its future is large.
        None => Box::pin(quota.acquire(Resource::Bytes, len, POOL_TIMEOUT)).await,
    };
    if permit.is_none() {
        *answer = Arc::new(unavailable("too many answers are waiting for their clients to read them"));
    }
    permit
}

/// Puts `page` in the place of a refusal, which is short, unless the memory that the page needs is not free now. Gives that memory.
pub(super) fn exchange(
    refusal: &mut Arc<Answer>,
    page: Answer,
    request: &Parts,
    quota: &Arc<ClientQuota>,
) -> Option<PoolPermit> {
    let permit = match needed(&page, request) {
        Some(len) => Some(quota.try_acquire(Resource::Bytes, len)?),
        None => None,
    };
    *refusal = Arc::new(page);
    permit
}
