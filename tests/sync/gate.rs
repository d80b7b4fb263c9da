//! A log behind a gate: a server on loopback that asks a test, for each request, which of the answers that it holds back may go.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::fake::FakeSumdb;

/// What is being asked for.
#[derive(Default)]
pub struct Asked {
    /// every path, in the order of the requests
    pub paths: Vec<String>,
    /// what is held back, by its number in `paths`
    held: BTreeMap<usize, oneshot::Sender<()>>,
}

impl Asked {
    /// The numbers of the requests that are held back.
    pub fn held(&self) -> Vec<usize> {
        self.held.keys().copied().collect()
    }

    /// Whether such a path was asked for.
    pub fn has(&self, path: &str) -> bool {
        self.paths.iter().any(|asked| asked == path)
    }
}

/// After each request: which of the requests that are held back may have their answers now.
type Porter = dyn FnMut(&Asked) -> Vec<usize> + Send;

struct Shared {
    log: FakeSumdb,
    asked: Mutex<(Asked, Box<Porter>)>,
}

/// A running server; it stops when this is dropped.
pub struct Gate {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

impl Gate {
    /// Serves `log`. A request is held back until `porter`, which is asked after each request, names its number.
    pub fn open(log: &FakeSumdb, porter: impl FnMut(&Asked) -> Vec<usize> + Send + 'static) -> Gate {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Mutex::new((Asked::default(), Box::new(porter) as Box<Porter>));
        let shared = Arc::new(Shared { log: log.clone(), asked });
        let serving = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Gate { address, shared, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked for so far.
    pub fn with<T>(&self, read: impl FnOnce(&Asked) -> T) -> T {
        read(&self.shared.asked.lock().unwrap().0)
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let turn = {
        let (asked, porter) = &mut *shared.asked.lock().unwrap();
        let (go, turn) = oneshot::channel();
        let number = asked.paths.len();
        asked.paths.push(path.clone());
        // A request that was dropped waits for no answer.
        asked.held.retain(|_, go| !go.is_closed());
        asked.held.insert(number, go);
        for number in porter(asked) {
            asked.held.remove(&number).map(|go| go.send(()));
        }
        turn
    };
    let _ = turn.await;
    let answer = shared.log.answer(&path);
    let response = Response::builder().status(answer.status);
    let response = answer.retry_after.iter().fold(response, |all, pause| all.header(header::RETRY_AFTER, *pause));
    Ok(response.body(Full::new(answer.body)).unwrap())
}
