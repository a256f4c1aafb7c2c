//! Why the server ends a connection: close codes with reasons people can read.

use std::borrow::Cow;

use axum::extract::ws::CloseFrame;

use crate::problem::Problem;

/// RFC 6455 leaves this many bytes for the reason.
const LONGEST_REASON: usize = 123;

/// Why the server ends a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    Shutdown,
    /// What came is no WebSocket.
    Protocol(String),
    /// The client does what it must not.
    Policy(&'static str),
    TooLarge,
    Internal,
    /// Something of ours is away for the moment.
    Unavailable,
    /// A parameter of the address is wrong.
    Parameter(String),
    Credentials(&'static str),
    Forbidden,
    UnknownServer,
    InactiveServer,
    TooMany,
}

impl Close {
    /// Codes from 4000 on are ours, after the HTTP status that says the same.
    fn code(&self) -> u16 {
        match self {
            Self::Shutdown => 1001,
            Self::Protocol(_) => 1002,
            Self::Policy(_) => 1008,
            Self::TooLarge => 1009,
            Self::Internal => 1011,
            Self::Unavailable => 1013,
            Self::Parameter(_) => 4400,
            Self::Credentials(_) => 4401,
            Self::Forbidden => 4403,
            Self::UnknownServer => 4404,
            Self::InactiveServer => 4409,
            Self::TooMany => 4429,
        }
    }

    fn reason(&self) -> Cow<'_, str> {
        match self {
            Self::Shutdown => "the server is shutting down".into(),
            Self::Protocol(what) | Self::Parameter(what) => what.into(),
            Self::Policy(what) | Self::Credentials(what) => (*what).into(),
            Self::TooLarge => "the message is too large".into(),
            Self::Internal => "something went wrong on our side".into(),
            Self::Unavailable => "something Vigil needs is away; try again".into(),
            Self::Forbidden => "your role does not allow this".into(),
            Self::UnknownServer => "there is no such server".into(),
            Self::InactiveServer => "the server is not active".into(),
            Self::TooMany => "too many clients; try again later".into(),
        }
    }

    pub(super) fn frame(&self) -> CloseFrame {
        let reason = self.reason();
        CloseFrame { code: self.code(), reason: reason[..reason.floor_char_boundary(LONGEST_REASON)].into() }
    }
}

impl From<Problem> for Close {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Unauthenticated | Problem::UnauthenticatedBasic | Problem::WrongCredentials(_) => {
                Self::Credentials("the credentials are not valid")
            }
            Problem::Forbidden | Problem::Refused(_) => Self::Forbidden,
            Problem::Unavailable(_) => Self::Unavailable,
            other => {
                tracing::error!(error = &other as &dyn std::error::Error, "a live client could not be admitted");
                Self::Internal
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters_to_what_fits_a_close_frame() {
        let frame = Close::Parameter("ü".repeat(100)).frame();
        assert_eq!((frame.code, frame.reason.as_str()), (4400, "ü".repeat(61).as_str()));
        assert_eq!(Close::Shutdown.frame().reason.as_str(), "the server is shutting down");
    }
}
