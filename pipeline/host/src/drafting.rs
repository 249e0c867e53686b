//! The drafting engine, as the use cases see it.

use provenote_pipeline::engine::{Drafter, EngineError, Generated, OnProgress, Rendered};
use provenote_pipeline::protocol::{FromWorker, Handshake, Message, Sampler, ToWorker};

use crate::worker::Worker;

pub(crate) struct Drafting(pub(crate) Worker);

impl Drafter for Drafting {
    fn handshake(&self) -> &Handshake {
        self.0.handshake()
    }

    fn render_watched(&mut self, messages: &[Message], progress: OnProgress<'_>) -> Result<Rendered, EngineError> {
        match self.0.ask(&ToWorker::Render { messages: messages.to_vec() }, progress, |done| done)? {
            FromWorker::Rendered(rendered) => Ok(rendered),
            _ => Err(self.0.nonsense("gave another answer than it was asked for")),
        }
    }

    fn generate(
        &mut self,
        prompt: &str,
        schema: &serde_json::Value,
        sampler: &Sampler,
        progress: OnProgress<'_>,
    ) -> Result<Generated, EngineError> {
        let request =
            ToWorker::Generate { prompt: prompt.to_owned(), schema: schema.clone(), sampler: sampler.clone() };
        match self.0.ask(&request, progress, |done| done)? {
            FromWorker::Generated(generated) if generated.tokens <= sampler.max_tokens => Ok(generated),
            _ => Err(self.0.nonsense("gave another answer than it was asked for")),
        }
    }
}
