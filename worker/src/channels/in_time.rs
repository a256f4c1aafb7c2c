//! A request's body that leaves in time or not at all.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use http_body::{Body, Frame, SizeHint};

/// Gives its bytes out until the deadline. A program that stood still between beginning a request and writing it would
/// send it late otherwise, when others have sent it and what follows it.
pub(super) struct InTime {
    bytes: Option<Vec<u8>>,
    deadline: Instant,
}

/// Why a request was broken off; its peer never had the whole of it.
#[derive(Debug, thiserror::Error)]
#[error("the deadline passed before the request was written")]
pub(super) struct Late;

impl InTime {
    pub(super) fn body(bytes: Vec<u8>, deadline: Instant) -> reqwest::Body {
        reqwest::Body::wrap(Self { bytes: Some(bytes), deadline })
    }
}

impl Late {
    /// Whether this is what `error` comes from.
    pub(super) fn caused(error: &reqwest::Error) -> bool {
        let first: &(dyn std::error::Error + 'static) = error;
        std::iter::successors(Some(first), |error| error.source()).any(|error| error.is::<Self>())
    }
}

impl Body for InTime {
    type Data = bytes::Bytes;
    type Error = Late;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Late>>> {
        let in_time = Instant::now() < self.deadline;
        let frame = self.bytes.take();
        Poll::Ready(frame.map(|bytes| if in_time { Ok(Frame::data(bytes.into())) } else { Err(Late) }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
