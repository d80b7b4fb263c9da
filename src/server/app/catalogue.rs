//! The modules that are here, for lists and searches: read from the disk now and then, however many requests need them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::proxy::blocking::blocking;
use crate::proxy::held::HeldModule;
use crate::server::limits::MAX_CATALOGUE;

/// How old the list may be at least.
const MIN_AGE: Duration = Duration::from_secs(2);
/// How much longer than it took to read the list is used: a large store is not read all the time.
const AGE_FACTOR: u32 = 20;

/// The list that was last read.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(
    /// locked while it is read again, so that concurrent requests read it once
    Mutex<Option<CatalogueList>>,
);

#[derive(Debug)]
struct CatalogueList {
    read: Instant,
    took: Duration,
    modules: Arc<Vec<HeldModule>>,
}

impl Catalogue {
    /// The modules that are here, sorted by path.
    ///
    /// # Errors
    /// `Unavailable`: the store cannot be read.
    pub(crate) async fn get(&self, proxy: &Proxy) -> Result<Arc<Vec<HeldModule>>, Fault> {
        let mut last = self.0.lock().await;
        if let Some(list) = &*last
            && list.read.elapsed() < MIN_AGE.max(list.took * AGE_FACTOR)
        {
            return Ok(Arc::clone(&list.modules));
        }
        let (began, proxy) = (Instant::now(), proxy.clone());
        let modules = Arc::new(blocking(move || proxy.held_modules(MAX_CATALOGUE)).await?);
        *last = Some(CatalogueList { read: Instant::now(), took: began.elapsed(), modules: Arc::clone(&modules) });
        Ok(modules)
    }
}
