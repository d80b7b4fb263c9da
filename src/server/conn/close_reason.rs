//! Why the server closed a connection, as metrics count it.

/// Why the server closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// the client sent no request within the idle timeout
    Idle,
    /// the client did not complete a header section within the header timeout
    Head,
    /// the socket accepted too little within the write timeout
    Write,
    /// the client read too little of the bodies within the write timeout
    Stalled,
    /// another connection needed its slot, and it was idle or reading a header section
    Pressure,
    /// the client sent no TLS that this server speaks, no certificate where one is required, or no PROXY header where one is due
    Handshake,
    /// another peer needed a slot, and its peer held more than its share
    OverShare,
}

impl CloseReason {
    /// The label in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            CloseReason::Idle => "idle",
            CloseReason::Head => "head",
            CloseReason::Write => "write",
            CloseReason::Stalled => "stalled",
            CloseReason::Pressure => "pressure",
            CloseReason::Handshake => "handshake",
            CloseReason::OverShare => "share",
        }
    }
}
