//! One series in memory: its labels and the newest part of its points.
//!
//! A series' points are, from old to new: chunks that are only in the file, sealed chunks that are also here, and one
//! growing chunk. A chunk is written to the file when it is sealed, or before that when the journal would otherwise have to
//! be kept for it too long; what is written earlier is replaced under the same key (series, first time) by what is written
//! later.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use vigil_promql::{Point, SeriesLabels};

use crate::{
    admission::Refusal,
    codec::{self, Damaged, Growing},
    schema::BUCKET_MS,
};

/// Points of a full chunk: half an hour at 15 s.
const FULL: u32 = 120;
/// A growing chunk of values that do not compress is sealed at so many bytes, so that rows stay short.
const LARGE: usize = 1_500;

/// A series. Cheap to share; its points are behind a lock of their own.
pub(crate) struct MemorySeries {
    pub(crate) id: u32,
    pub(crate) labels: SeriesLabels,
    body: Mutex<Body>,
}

impl MemorySeries {
    pub(crate) fn new(id: u32, labels: SeriesLabels) -> Self {
        Self { id, labels, body: Mutex::new(Body::new(id)) }
    }

    pub(crate) fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The points of a series and how far they are in the file.
pub(crate) struct Body {
    /// Removed from the index: whoever still holds the series must look it up again.
    pub(crate) gone: bool,
    /// The oldest point, in the file or here. Only means something when there is a last one.
    pub(crate) first_ms: i64,
    pub(crate) last: Option<Last>,
    /// Points up to here are in the file only.
    pub(crate) file_until_ms: i64,
    pub(crate) sealed: VecDeque<Sealed>,
    pub(crate) growing: Option<Part>,
    /// The size of the next chunk. The first ones differ, so that not all series seal at the same moment.
    full: u32,
}

/// The newest point; its value is not known when it is in the file only.
#[derive(Clone, Copy)]
pub(crate) struct Last {
    pub(crate) at_ms: i64,
    pub(crate) value: Option<f64>,
}

/// A complete chunk.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) count: u32,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) written: Written,
}

/// A growing chunk.
pub(crate) struct Part {
    pub(crate) points: Growing,
    pub(crate) written: Written,
}

/// How much of a chunk is in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// Points of the chunk that its row has.
    pub(crate) count: u32,
    /// The journal's frame that has the oldest point which the row has not, or an earlier frame.
    pub(crate) frame: u64,
}

/// What a point did to its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    New,
    /// It was there.
    Same,
}

impl Body {
    fn new(id: u32) -> Self {
        Self {
            gone: false,
            first_ms: i64::MAX,
            last: None,
            file_until_ms: i64::MIN,
            sealed: VecDeque::new(),
            growing: None,
            full: FULL / 2 + id.wrapping_mul(7) % (FULL / 2 + 1),
        }
    }

    /// Takes a point that journal frame `frame` or a later one will have.
    pub(crate) fn push(&mut self, point: Point, frame: u64) -> Result<Pushed, Refusal> {
        if let Some(last) = self.last {
            if point.at_ms < last.at_ms {
                return Err(Refusal::OutOfOrder);
            }
            if point.at_ms == last.at_ms {
                return match last.value {
                    Some(value) if value.to_bits() == point.value.to_bits() => Ok(Pushed::Same),
                    Some(_) => Err(Refusal::Duplicate),
                    None => Err(Refusal::OutOfOrder),
                };
            }
        }
        self.first_ms = self.first_ms.min(point.at_ms);
        self.last = Some(Last { at_ms: point.at_ms, value: Some(point.value) });
        if self.growing.as_ref().is_some_and(|part| self.is_full(&part.points, point.at_ms)) {
            self.seal();
        }
        match &mut self.growing {
            Some(part) => {
                if part.written.count == part.points.count() {
                    part.written.frame = frame;
                }
                part.points.push(point);
            }
            None => {
                self.growing = Some(Part { points: Growing::new(point), written: Written { count: 0, frame } });
            }
        }
        Ok(Pushed::New)
    }

    fn is_full(&self, points: &Growing, next_ms: i64) -> bool {
        points.count() >= self.full || points.size() >= LARGE || next_ms.saturating_sub(points.first_ms()) > BUCKET_MS
    }

    /// Completes the growing chunk.
    pub(crate) fn seal(&mut self) {
        let Some(part) = self.growing.take() else { return };
        self.full = FULL;
        self.sealed.push_back(part.packed());
    }

    /// The newest point in memory of `(after_ms, until_ms]`.
    pub(crate) fn newest(&self, after_ms: i64, until_ms: i64) -> Option<Point> {
        let Last { at_ms, value } = self.last?;
        if let Some(value) = value
            && at_ms <= until_ms
        {
            return (at_ms > after_ms).then_some(Point { at_ms, value });
        }
        let mut points = Vec::new();
        let last_chunk = self.sealed.iter().rev().find(|chunk| chunk.first_ms <= until_ms);
        match &self.growing {
            Some(part) if part.points.first_ms() <= until_ms => part.points.decode(after_ms, until_ms, &mut points),
            _ => last_chunk?.decode(after_ms, until_ms, &mut points),
        }
        points.pop()
    }

    /// Appends the points in memory of `(after_ms, until_ms]` to `points`.
    pub(crate) fn decode(&self, after_ms: i64, until_ms: i64, points: &mut Vec<Point>) {
        let start = self.sealed.partition_point(|chunk| chunk.last_ms <= after_ms);
        for chunk in self.sealed.iter().skip(start).take_while(|chunk| chunk.first_ms <= until_ms) {
            chunk.decode(after_ms, until_ms, points);
        }
        if let Some(part) = &self.growing
            && part.points.last_ms() > after_ms
            && part.points.first_ms() <= until_ms
        {
            part.points.decode(after_ms, until_ms, points);
        }
    }

    /// Lets go of points up to `until_ms` that are in the file.
    pub(crate) fn evict(&mut self, until_ms: i64) {
        while let Some(chunk) = self.sealed.front()
            && chunk.last_ms <= until_ms
            && chunk.written.count == chunk.count
        {
            self.file_until_ms = chunk.last_ms;
            self.sealed.pop_front();
        }
        if self.sealed.is_empty()
            && let Some(part) = &self.growing
            && part.points.last_ms() <= until_ms
            && part.written.count == part.points.count()
        {
            self.file_until_ms = part.points.last_ms();
            self.growing = None;
        }
    }

    /// Lets go of the oldest sealed chunk that is not in the file; how many points were lost.
    pub(crate) fn lose_oldest(&mut self) -> u32 {
        let Some(index) = self.sealed.iter().position(|chunk| chunk.written.count < chunk.count) else { return 0 };
        self.sealed.remove(index).map_or(0, |chunk| chunk.count - chunk.written.count)
    }

    /// The journal's frame from which on this series needs it.
    pub(crate) fn needs_frame(&self) -> Option<u64> {
        let sealed =
            self.sealed.iter().filter(|chunk| chunk.written.count < chunk.count).map(|chunk| chunk.written.frame);
        let growing = self.growing.iter().filter(|part| part.written.count < part.points.count());
        sealed.chain(growing.map(|part| part.written.frame)).min()
    }

    /// The row that begins at `first_ms` has `count` points now; later ones are in frame `frame` or after.
    pub(crate) fn mark_written(&mut self, first_ms: i64, count: u32, frame: u64) {
        let written = Written { count, frame };
        if let Some(chunk) = self.sealed.iter_mut().find(|chunk| chunk.first_ms == first_ms) {
            chunk.written = written;
        } else if let Some(part) = self.growing.as_mut().filter(|part| part.points.first_ms() == first_ms) {
            part.written = written;
        }
    }

    /// Nothing of this series is in the file any more.
    pub(crate) fn forget_file(&mut self) {
        self.file_until_ms = i64::MIN;
        self.sealed.iter_mut().for_each(|chunk| chunk.written.count = 0);
        self.growing.iter_mut().for_each(|part| part.written.count = 0);
        let oldest = self.sealed.front().map(|chunk| chunk.first_ms);
        self.first_ms = oldest.or(self.growing.as_ref().map(|part| part.points.first_ms())).unwrap_or(i64::MAX);
    }
}

impl Part {
    /// The chunk as it would be if it were complete now.
    pub(crate) fn packed(&self) -> Sealed {
        let mut points = Vec::with_capacity(self.points.count() as usize);
        self.points.decode(i64::MIN, i64::MAX, &mut points);
        Sealed {
            first_ms: self.points.first_ms(),
            last_ms: self.points.last_ms(),
            count: self.points.count(),
            bytes: codec::seal(&points).into(),
            written: self.written,
        }
    }
}

impl Sealed {
    /// A chunk from the file, if it is one.
    pub(crate) fn from_file(bytes: Vec<u8>) -> Result<(Self, Point), Damaged> {
        let mut points = Vec::new();
        codec::decode(&bytes, i64::MIN, i64::MAX, &mut points)?;
        let (first, last) = points.first().zip(points.last()).ok_or(Damaged)?;
        let count = points.len() as u32;
        let written = Written { count, frame: 0 };
        let sealed = Self { first_ms: first.at_ms, last_ms: last.at_ms, count, bytes: bytes.into(), written };
        Ok((sealed, *last))
    }

    fn decode(&self, after_ms: i64, until_ms: i64, points: &mut Vec<Point>) {
        codec::decode(&self.bytes, after_ms, until_ms, points).expect("the chunk was checked when it came into memory");
    }
}
