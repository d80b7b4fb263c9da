//! Why the server ended a connection, as metrics count it.

/// Why a connection was ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// nothing was asked for the idle timeout
    Idle,
    /// the head of a request did not end within the header timeout
    Head,
    /// the socket took too little within the write timeout
    Write,
    /// the client took too little of the bodies within the write timeout
    Stalled,
    /// another connection needed the slot of one that was quiet
    Pressure,
    /// another peer needed a slot, and this one's held more than its share
    Share,
}

impl End {
    /// As metrics have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            End::Idle => "idle",
            End::Head => "head",
            End::Write => "write",
            End::Stalled => "stalled",
            End::Pressure => "pressure",
            End::Share => "share",
        }
    }
}
