//! The head of a request to the guard. Its clients are the go command, git, hg and our own HTTP client, on loopback; each
//! connection carries one request.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest head, in bytes.
const LIMIT: usize = 16 << 10;

/// A request's head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestHead {
    pub(super) method: String,
    /// a URL, or HOST:PORT for `CONNECT`
    pub(super) target: String,
    /// the value of `Proxy-Authorization`
    pub(super) login: String,
    /// the bytes after the head
    pub(super) rest: Vec<u8>,
}

impl RequestHead {
    /// Reads one.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<RequestHead> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = bytes.split_off(end.saturating_add(4));
                return RequestHead::parse(&bytes, rest).ok_or_else(|| io::Error::other("not an HTTP/1 request"));
            }
            if bytes.len() >= LIMIT || stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::Error::other("an incomplete request head"));
            }
        }
    }

    fn parse(bytes: &[u8], rest: Vec<u8>) -> Option<RequestHead> {
        let text = str::from_utf8(bytes).ok()?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !version.starts_with("HTTP/1.") {
            return None;
        }
        let fields = lines.filter_map(|line| line.split_once(':'));
        let login = fields.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization")).map(|(_, value)| value);
        let login = login.last().unwrap_or("").trim().to_owned();
        Some(RequestHead { method: method.to_owned(), target: target.to_owned(), login, rest })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> io::Result<RequestHead> {
        RequestHead::read(&mut bytes).await
    }

    #[tokio::test]
    async fn heads_are_read_whole_or_not_at_all() {
        let head =
            read(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\nproxy-authorization: Basic x=\r\n\r\nmore").await;
        let head = head.unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str()), ("CONNECT", "a.example:443"));
        assert_eq!((head.login.as_str(), head.rest.as_slice()), ("Basic x=", b"more".as_slice()));
        assert_eq!(read(b"GET http://a/ HTTP/1.0\r\n\r\n").await.unwrap().login, "");
        for bytes in [
            b"".as_slice(),
            b"GET / HTTP/1.1\r\n",
            b"GET /\r\n\r\n",
            b"GET / x HTTP/1.1\r\n\r\n",
            b"\xff \xff HTTP/1.1\r\n\r\n",
        ] {
            assert!(read(bytes).await.is_err());
        }
        assert!(read(&b"x".repeat(LIMIT * 2)).await.is_err());
    }
}
