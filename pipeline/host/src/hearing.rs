//! The speech engine, as the use cases see it: a recording of any length, in constant memory.

use base64::Engine as _;
use provenote_pipeline::engine::{EngineError, HeardSegment, OnProgress, Transcriber};
use provenote_pipeline::protocol::{FromWorker, Handshake, ToWorker};

use crate::pieces::{Next, Pieces, RATE};
use crate::worker::Worker;

pub(crate) struct Hearing(pub(crate) Worker);

impl Hearing {
    /// Has a piece transcribed and puts its times where the piece lies in the recording.
    fn piece(
        &mut self,
        place: Place,
        progress: OnProgress<'_>,
        heard: &mut Vec<HeardSegment>,
    ) -> Result<(), EngineError> {
        let FromWorker::Heard { segments } =
            self.0.ask(&ToWorker::Transcribe {}, progress, |done| place.share(done))?
        else {
            return Err(self.0.nonsense("gave another answer than it was asked for"));
        };
        let offset = milliseconds(place.from);
        let length = milliseconds(place.length);
        for mut segment in segments {
            let sound = |start: u64, end: u64| start <= end && end <= length + 1_000;
            if !sound(segment.start_ms, segment.end_ms)
                || !segment.words.iter().all(|word| sound(word.start_ms, word.end_ms))
            {
                return Err(self.0.nonsense("gave times outside the recording"));
            }
            segment.start_ms += offset;
            segment.end_ms += offset;
            for word in &mut segment.words {
                word.start_ms += offset;
                word.end_ms += offset;
            }
            heard.push(segment);
        }
        Ok(())
    }
}

/// Where a piece lies, in samples.
#[derive(Clone, Copy)]
struct Place {
    from: usize,
    length: usize,
    whole: f64,
}

impl Place {
    /// The share of the whole that is done when this much of the piece is; 0 where the length is not known.
    fn share(self, done: f32) -> f32 {
        if self.whole <= 0.0 {
            return 0.0;
        }
        ((self.from as f64 + f64::from(done) * self.length as f64) / self.whole).min(1.0) as f32
    }
}

impl Transcriber for Hearing {
    fn handshake(&self) -> &Handshake {
        self.0.handshake()
    }

    fn transcribe(
        &mut self,
        audio: &mut dyn Iterator<Item = Result<Vec<f32>, String>>,
        seconds: f64,
        progress: OnProgress<'_>,
    ) -> Result<Vec<HeardSegment>, EngineError> {
        let mut place = Place { from: 0, length: 0, whole: seconds * RATE as f64 };
        let mut pieces = Pieces::default();
        let mut heard = Vec::new();
        let mut ended = false;
        loop {
            match pieces.next() {
                Next::Send(samples) => {
                    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
                    let pcm = base64::engine::general_purpose::STANDARD.encode(bytes);
                    self.0.tell(&ToWorker::Audio { pcm }, progress, place.share(0.0))?;
                }
                Next::Whole(length) => {
                    place.length = length;
                    self.piece(place, progress, &mut heard)?;
                    place.from += length;
                }
                Next::Wait if ended => return Ok(heard),
                Next::Wait => match audio.next() {
                    Some(Ok(samples)) => pieces.push(&samples),
                    Some(Err(why)) => {
                        // The worker holds half a piece; it is not asked again.
                        self.0.end();
                        return Err(EngineError::Audio(why));
                    }
                    None => {
                        ended = true;
                        pieces.end();
                    }
                },
            }
        }
    }
}

fn milliseconds(samples: usize) -> u64 {
    (samples * 1000 / RATE) as u64
}
