//! A server that writes exactly the bytes that a test gives it, and records its requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) path: String,
    headers: HashMap<String, String>,
}

impl Asked {
    /// The value of a header, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The start of the requested range.
    pub(crate) fn from(&self) -> Option<usize> {
        self.header("range").strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What happens to a connection after the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Keep,
    Close,
    Reset,
    Hang,
    /// goes on with a byte now and then
    Drip,
}

/// An answer, with the headers that it has and not those that it should have.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    end: End,
}

/// An answer with its length.
pub(crate) fn answer(status: u16, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref().to_vec();
    let headers = vec![("content-length".to_owned(), body.len().to_string())];
    Answer { status, headers, body, end: End::Keep }
}

/// A refusal with words for people.
pub(crate) fn text(status: u16, words: &str) -> Answer {
    answer(status, words).with("content-type", "text/plain; charset=utf-8")
}

/// A redirect.
pub(crate) fn moved(location: &str) -> Answer {
    answer(302, "<html>moved</html>").with("location", location)
}

impl Answer {
    /// With a header, in place of one of that name.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Answer {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    /// Only the first bytes of the body are written, whatever the length says, and then this.
    pub(crate) fn cut(mut self, after: usize, end: End) -> Answer {
        self.body.truncate(after);
        self.end = end;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} Words\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }
}

/// What a correct server answers to a request for this file.
pub(crate) fn file(asked: &Asked, bytes: &[u8], etag: &str) -> Answer {
    let whole = answer(200, bytes).with("etag", etag);
    let Some(from) = asked.from() else { return whole };
    if !asked.header("if-range").is_empty() && asked.header("if-range") != etag {
        return whole;
    }
    if from >= bytes.len() {
        return answer(416, "").with("content-range", &format!("bytes */{}", bytes.len()));
    }
    let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    answer(206, &bytes[from..]).with("etag", etag).with("content-range", &range)
}

pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server that answers request number n (from 0) with `answer(request, n)`.
    pub(crate) async fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Server {
        Server::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    pub(crate) fn on(
        listener: TcpListener,
        answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static,
    ) -> Server {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (log, answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (log, answer) = (log.clone(), answer.clone());
                tokio::spawn(async move {
                    let _ = serve(socket, |request| {
                        let mut log = log.lock().unwrap();
                        log.push(request.clone());
                        answer(request, log.len() - 1)
                    })
                    .await;
                });
            }
        });
        Server { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.path).collect()
    }

    /// The `Range` of each request.
    pub(crate) fn ranges(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.header("range").to_owned()).collect()
    }
}

async fn serve(mut socket: TcpStream, answer: impl Fn(&Asked) -> Answer) -> std::io::Result<()> {
    while let Some(request) = head(&mut socket).await? {
        let answer = answer(&request);
        socket.write_all(&answer.bytes()).await?;
        match answer.end {
            End::Keep => {}
            End::Close => return Ok(()),
            End::Reset => return socket.set_zero_linger(),
            End::Hang => std::future::pending().await,
            End::Drip => loop {
                tokio::time::sleep(Duration::from_millis(2)).await;
                socket.write_all(b"x").await?;
            },
        }
    }
    Ok(())
}

async fn head(socket: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => return Ok(None),
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Ok(Some(Asked { path, headers }))
}
