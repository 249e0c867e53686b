//! whisper.cpp with its model loaded: audio in, segments with words and times out.

use std::path::Path;

use base64::Engine as _;
use provenote_lockdown::{Engine, Failure, Options, Outlet};
use provenote_pipeline::engine::{HeardSegment, HeardWord};
use provenote_pipeline::protocol::{FromWorker, ToWorker};
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperSegment, WhisperState,
    WhisperTokenId, WhisperVadContext, WhisperVadContextParams, WhisperVadParams,
};

use crate::spans::{RATE, Spans};
use crate::words::{Token, join};

/// The most audio that is held: ten minutes.
const MOST_SAMPLES: usize = 600 * RATE;

/// Below this a recording is taken for silence where there is no voice activity model: -60 dB of full scale.
const SILENCE: f32 = 0.001;

/// Above this the engine itself thinks that nobody spoke.
const NO_SPEECH: f32 = 0.6;

/// The engine, and the audio that waits for `Transcribe`.
pub(crate) struct Hearing {
    context: WhisperContext,
    voice: Option<WhisperVadContext>,
    end_of_text: WhisperTokenId,
    threads: i32,
    /// A code, or `auto` until the first speech has told.
    language: String,
    audio: Vec<f32>,
    /// Told once, at `Transcribe`.
    refused: Option<Failure>,
}

impl Hearing {
    /// Loads the models.
    pub(crate) fn load(options: &Options, outlet: &Outlet) -> Result<Self, Failure> {
        let unreadable = |path: &Path| Failure(format!("the engine could not read the model {}", path.display()));
        let threads = i32::try_from(options.threads).unwrap_or(1);
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false).flash_attn(false);
        let context =
            WhisperContext::new_with_params(&options.model, parameters).map_err(|_| unreadable(&options.model))?;
        outlet.progress(0.8);
        // Made once to see that it can be; each transcription makes its own.
        context.create_state().map_err(|_| unreadable(&options.model))?;
        let voice = match &options.vad {
            None => None,
            Some(path) => {
                let mut parameters = WhisperVadContextParams::default();
                parameters.set_n_threads(threads);
                parameters.set_use_gpu(false);
                let name = path.to_str().ok_or_else(|| unreadable(path))?;
                Some(WhisperVadContext::new(name, parameters).map_err(|_| unreadable(path))?)
            }
        };
        let language = if context.is_multilingual() { options.language.clone() } else { "en".to_owned() };
        let end_of_text = context.token_eot();
        Ok(Self { context, voice, end_of_text, threads, language, audio: Vec::new(), refused: None })
    }

    fn take(&mut self, pcm: &str) -> Result<(), Failure> {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(pcm)
            .map_err(|_| Failure("was sent audio that is not base64".to_owned()))?;
        if bytes.len() % 2 != 0 || bytes.len() > 20 * RATE {
            return Err(Failure("was sent a block of audio of an impossible length".to_owned()));
        }
        if self.audio.len() + bytes.len() / 2 > MOST_SAMPLES {
            return Err(Failure("was sent more than ten minutes of audio at once".to_owned()));
        }
        self.audio
            .extend(bytes.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0));
        Ok(())
    }

    /// What to listen to, found by the voice activity model.
    fn plan(&mut self, audio: &[f32]) -> Result<Vec<Spans>, Failure> {
        let length = audio.len();
        let Some(voice) = &mut self.voice else {
            let loud = audio.iter().any(|sample| sample.abs() > SILENCE);
            return Ok(Spans::plan(loud.then_some(0..length), length));
        };
        if audio.is_empty() {
            return Ok(Vec::new());
        }
        let found = voice
            .segments_from_samples(WhisperVadParams::default(), audio)
            .map_err(|_| Failure("could not look for speech in the audio".to_owned()))?;
        let sample = |centiseconds: f32| (f64::from(centiseconds.max(0.0)) * RATE as f64 / 100.0) as usize;
        Ok(Spans::plan(found.map(|stretch| sample(stretch.start)..sample(stretch.end)), length))
    }

    fn transcribe(&mut self, outlet: &Outlet) -> Result<Vec<HeardSegment>, Failure> {
        let audio = std::mem::take(&mut self.audio);
        outlet.progress(0.0);
        let plan = self.plan(&audio)?;
        let groups = plan.len() as f32;
        let mut heard = Vec::new();
        let failed = |_| Failure("could not transcribe the audio".to_owned());
        for (done, spans) in plan.iter().enumerate() {
            outlet.progress(done as f32 / groups);
            let samples = spans.cut(&audio);
            let teller = outlet.clone();
            let parameters = parameters(self.threads, &self.language, move |percent| {
                teller.progress((done as f32 + percent as f32 / 100.0) / groups)
            });
            // What a state has heard before colours what it hears next: each stretch gets a fresh one,
            // so that the same audio always reads the same.
            let mut state: WhisperState = self.context.create_state().map_err(failed)?;
            state.full(parameters, &samples).map_err(failed)?;
            if self.language == "auto"
                && let Some(language) = whisper_rs::get_lang_str(state.full_lang_id_from_state())
            {
                self.language = language.to_owned();
            }
            heard.extend(state.as_iter().filter_map(|segment| self.segment(&segment, spans)));
        }
        Ok(heard)
    }

    /// A segment with its times in the recording; `None` where it holds no word.
    fn segment(&self, segment: &WhisperSegment<'_>, spans: &Spans) -> Option<HeardSegment> {
        let tokens: Vec<_> = (0..segment.n_tokens())
            .filter_map(|index| segment.get_token(index))
            // Ids from the end of text upwards are marks: times, languages, tasks.
            .filter(|token| token.token_id() < self.end_of_text)
            .collect();
        let words = join(tokens.iter().filter_map(|token| {
            let data = token.token_data();
            Some(Token { bytes: token.to_bytes().ok()?, start_ms: ms(data.t0), end_ms: ms(data.t1), p: data.p })
        }));
        let text = segment.to_str_lossy().ok()?.into_owned();
        if !text.chars().any(char::is_alphanumeric) {
            return None;
        }
        let words: Vec<HeardWord> = words
            .into_iter()
            .map(|mut word| {
                (word.start_ms, word.end_ms) = spans.place(word.start_ms, word.end_ms);
                word
            })
            .collect();
        // A segment may reach over pauses: it begins with its first word and ends with its last.
        let whole = spans.place(ms(segment.start_timestamp()), ms(segment.end_timestamp()));
        let start_ms = words.first().map_or(whole.0, |word| word.start_ms);
        let end_ms = words.iter().map(|word| word.end_ms).max().unwrap_or(whole.1);
        Some(HeardSegment { start_ms, end_ms, text, no_speech: segment.no_speech_probability(), words })
    }
}

impl Engine for Hearing {
    fn answer(&mut self, request: ToWorker, outlet: &Outlet) -> Result<Option<FromWorker>, Failure> {
        match request {
            // Audio has no answer of its own; what was wrong with it is told at `Transcribe`.
            ToWorker::Audio { pcm } => {
                if self.refused.is_none() {
                    self.refused = self.take(&pcm).err();
                }
                Ok(None)
            }
            ToWorker::Transcribe {} => {
                if let Some(refused) = self.refused.take() {
                    self.audio = Vec::new();
                    return Err(refused);
                }
                self.transcribe(outlet).map(|segments| Some(FromWorker::Heard { segments }))
            }
            ToWorker::Render { .. } | ToWorker::Generate { .. } => {
                Err(Failure("was asked to draft, and it only hears".to_owned()))
            }
        }
    }
}

/// Within one stretch each half minute is heard with the words before it in mind, which spares the engine many
/// slips; between stretches and recordings nothing is carried over.
///
/// Greedy at temperature 0, and never warmer: the engine's retries draw from a generator whose
/// state depends on what came before, so the same audio could read differently.
fn parameters(threads: i32, language: &str, progress: impl FnMut(i32) + 'static) -> FullParams<'_, 'static> {
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    parameters.set_n_threads(threads);
    parameters.set_language(Some(language));
    parameters.set_temperature(0.0);
    parameters.set_temperature_inc(0.0);
    parameters.set_no_context(true);
    parameters.set_suppress_blank(true);
    parameters.set_suppress_nst(true);
    parameters.set_no_speech_thold(NO_SPEECH);
    parameters.set_token_timestamps(true);
    parameters.set_print_special(false);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_timestamps(false);
    parameters.set_progress_callback_safe(progress);
    parameters
}

/// Centiseconds, as the engine counts, in milliseconds.
fn ms(centiseconds: i64) -> u64 {
    u64::try_from(centiseconds).unwrap_or(0) * 10
}
