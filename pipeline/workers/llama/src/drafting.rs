//! llama.cpp with its model loaded: messages in, an answer that follows a schema out.

use std::num::NonZeroU32;
use std::path::Path;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use provenote_lockdown::{Engine, Failure, Options, Outlet};
use provenote_pipeline::engine::{Generated, Rendered};
use provenote_pipeline::grammar::grammar;
use provenote_pipeline::protocol::{FromWorker, Message, Sampler, ToWorker};

use crate::choosing::Chooser;

/// Tokens decoded at once. A longer batch than the context was made for ends the process, so a
/// prompt is decoded in pieces of this size.
pub(crate) const BATCH: usize = 512;

/// The context where nobody says otherwise, in tokens; less where the model holds less.
const CONTEXT: u32 = 8192;

/// Tokens between two words of progress.
const STRIDE: u32 = 4;

/// Tokens of the shortest and the longest stretch that counts as a loop: a phrase, and two long sentences.
const SHORTEST_LOOP: usize = 12;
const LONGEST_LOOP: usize = 160;

/// Opens a model for `context` tokens. What it returns lives as long as the process.
pub(crate) fn open(
    path: &Path,
    context: Option<u32>,
    threads: u32,
    progress: impl Fn(f32) + 'static,
) -> Option<(&'static LlamaModel, LlamaContext<'static>)> {
    let mut backend = LlamaBackend::init().ok()?;
    // The engine's log goes nowhere: it may hold what was said.
    backend.void_logs();
    let parameters = LlamaModelParams::default().with_n_gpu_layers(0).with_progress_callback(move |done| {
        progress(done);
        true
    });
    let model = LlamaModel::load_from_file(&backend, path, &parameters).ok()?;
    let model: &'static LlamaModel = Box::leak(Box::new(model));
    let backend: &'static LlamaBackend = Box::leak(Box::new(backend));
    let wanted = context.unwrap_or(CONTEXT).min(model.n_ctx_train());
    let threads = i32::try_from(threads).ok()?;
    let parameters = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(wanted))
        .with_n_batch(BATCH as u32)
        .with_n_ubatch(BATCH as u32)
        .with_n_threads(threads)
        .with_n_threads_batch(threads);
    let context = model.new_context(backend, parameters).ok()?;
    Some((model, context))
}

/// The engine.
pub(crate) struct Drafting {
    model: &'static LlamaModel,
    context: LlamaContext<'static>,
    /// The texts of the model's control tokens, such as `<|im_end|>`.
    controls: Vec<String>,
}

impl Drafting {
    /// Loads the model.
    pub(crate) fn load(options: &Options, outlet: &Outlet) -> Result<Self, Failure> {
        let teller = outlet.clone();
        let told = std::cell::Cell::new(0.0);
        let progress = move |done: f32| {
            if done >= told.get() + 0.05 {
                told.set(done);
                teller.progress(0.5 + done * 0.4);
            }
        };
        let (model, context) = open(&options.model, options.context, options.threads, progress)
            .ok_or_else(|| Failure(format!("the engine could not read the model {}", options.model.display())))?;
        let vocabulary = model.vocab();
        let controls = vocabulary
            .tokens()
            .filter(|token| vocabulary.is_control(*token))
            .filter_map(|token| vocabulary.text(token)?.to_str().ok().map(str::to_owned))
            .filter(|text| text.chars().count() > 1)
            .collect();
        Ok(Self { model, context, controls })
    }

    /// The messages under the model's own template, or ChatML where it has none that the engine knows.
    fn render(&self, messages: &[Message]) -> Result<Rendered, Failure> {
        let chat: Vec<LlamaChatMessage> = messages
            .iter()
            .map(|message| LlamaChatMessage::new(message.role.clone(), self.disarmed(&message.content)))
            .collect::<Result<_, _>>()
            .map_err(|_| Failure("was sent a message with a zero byte in it".to_owned()))?;
        let fallback = || {
            LlamaChatTemplate::new("chatml")
                .ok()
                .and_then(|template| self.model.apply_chat_template(&template, &chat, true).ok())
        };
        let prompt = self
            .model
            .chat_template(None)
            .ok()
            .and_then(|template| self.model.apply_chat_template(&template, &chat, true).ok())
            .or_else(fallback)
            .ok_or_else(|| Failure("could not put the messages under the model's template".to_owned()))?;
        let tokens = self.tokens(&prompt).len() as u32;
        Ok(Rendered { prompt, tokens, context: self.context.n_ctx() })
    }

    /// What people said must not act as a control token: a space is put behind its first character.
    fn disarmed(&self, content: &str) -> String {
        let mut content = content.to_owned();
        for control in &self.controls {
            if content.contains(control.as_str()) {
                let first = control.chars().next().map_or(0, char::len_utf8);
                content = content.replace(control.as_str(), &format!("{} {}", &control[..first], &control[first..]));
            }
        }
        content
    }

    /// Tokens of a rendered prompt, its control tokens read as such; the beginning mark once.
    fn tokens(&self, prompt: &str) -> Vec<LlamaToken> {
        let vocabulary = self.model.vocab();
        let begun = vocabulary
            .text(vocabulary.bos())
            .and_then(|bos| bos.to_str().ok())
            .is_some_and(|bos| !bos.is_empty() && prompt.starts_with(bos));
        vocabulary.tokenize(prompt.as_bytes(), !begun, true)
    }

    fn generate(
        &mut self,
        prompt: &str,
        schema: &serde_json::Value,
        sampler: &Sampler,
        outlet: &Outlet,
    ) -> Result<FromWorker, Failure> {
        let prompt = self.tokens(prompt);
        let asked = (prompt.len() as u64).saturating_add(sampler.max_tokens.into());
        let held = self.context.n_ctx();
        if asked > held.into() {
            return Ok(FromWorker::TooLong { tokens: u32::try_from(asked).unwrap_or(u32::MAX), context: held });
        }
        if prompt.is_empty() {
            return Err(Failure("was sent an empty prompt".to_owned()));
        }
        let grammar = grammar(schema).map_err(|error| Failure(error.to_string()))?;
        let mut chooser = Chooser::new(self.model, &grammar, sampler)?;
        let failed = || Failure("could not go on with the answer".to_owned());

        self.context.clear_kv_cache();
        let whole = asked as f32;
        let mut batch = LlamaBatch::new(BATCH, 1);
        let mut position: usize = 0;
        for chunk in prompt.chunks(BATCH) {
            outlet.progress(position as f32 / whole);
            batch.clear();
            for token in chunk {
                position += 1;
                batch.add(*token, position as i32 - 1, &[0], position == prompt.len()).map_err(|_| failed())?;
            }
            self.context.decode(&mut batch).map_err(|_| failed())?;
        }
        let mut bytes = Vec::new();
        let mut answer: Vec<LlamaToken> = Vec::new();
        let mut made = 0;
        let mut finished = false;
        while made < sampler.max_tokens {
            let token = chooser.next(self.model, &self.context)?;
            if self.model.vocab().is_eog(token) {
                finished = true;
                break;
            }
            self.model.vocab().token_to_piece_into(token, &mut bytes, false, None);
            made += 1;
            answer.push(token);
            if made % STRIDE == 0 {
                if repeats_itself(&answer) {
                    break;
                }
                outlet.progress((prompt.len() as f32 + made as f32) / whole);
            }
            batch.clear();
            batch.add(token, position as i32, &[0], true).map_err(|_| failed())?;
            position += 1;
            self.context.decode(&mut batch).map_err(|_| failed())?;
        }
        Ok(FromWorker::Generated(Generated { text: text(bytes), tokens: made, finished }))
    }
}

/// True where the answer ends in the same words three times over: the model goes round in circles, and would until
/// its last token.
fn repeats_itself<T: PartialEq>(answer: &[T]) -> bool {
    (SHORTEST_LOOP..=LONGEST_LOOP).any(|length| {
        answer.len().checked_sub(3 * length).is_some_and(|start| {
            let tail = &answer[start..];
            tail[..length] == tail[length..2 * length] && tail[..length] == tail[2 * length..]
        })
    })
}

/// The answer's bytes as text. A token may hold part of a character: one that was cut off at the end
/// is left out, and anything else that is no UTF-8 is marked as such.
fn text(mut bytes: Vec<u8>) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Engine for Drafting {
    fn answer(&mut self, request: ToWorker, outlet: &Outlet) -> Result<Option<FromWorker>, Failure> {
        match request {
            ToWorker::Render { messages } => {
                self.render(&messages).map(|rendered| Some(FromWorker::Rendered(rendered)))
            }
            ToWorker::Generate { prompt, schema, sampler } => {
                self.generate(&prompt, &schema, &sampler, outlet).map(Some)
            }
            ToWorker::Audio { .. } | ToWorker::Transcribe {} => {
                Err(Failure("was asked to hear, and it only drafts".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_goes_round_in_circles_is_seen() {
        let circle: Vec<u32> = (0..20).collect();
        let answer: Vec<u32> = [100, 101].into_iter().chain(circle.repeat(3)).collect();
        assert!(repeats_itself(&answer));
        assert!(!repeats_itself(&answer[..answer.len() - 1]));
        assert!(!repeats_itself(&(0..500).collect::<Vec<u32>>()));
        assert!(!repeats_itself::<u32>(&[]));
    }

    #[test]
    fn a_character_cut_off_at_the_end_is_left_out() {
        assert_eq!(text(b"caf\xc3\xa9".to_vec()), "caf\u{e9}");
        assert_eq!(text(b"caf\xc3".to_vec()), "caf");
        assert_eq!(text(b"a\xffb".to_vec()), "a\u{fffd}b");
    }
}
