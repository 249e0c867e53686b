//! Which token comes next: the likeliest that the grammar allows, or a seeded draw among those.

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use provenote_lockdown::Failure;
use provenote_pipeline::protocol::Sampler;

/// How many tokens back a repetition counts: some sentences of an answer.
const RECENT: i32 = 192;

/// How the next token is chosen.
pub(crate) enum Chooser {
    /// Temperature 0.
    Greedy {
        /// The grammar.
        grammar: LlamaSampler,
        /// Makes recent tokens less likely, where it was asked for.
        penalties: Option<LlamaSampler>,
    },
    /// Above 0: grammar, temperature and seed in one chain.
    Drawn(LlamaSampler),
}

impl Chooser {
    /// A chooser under a grammar.
    pub(crate) fn new(model: &LlamaModel, grammar: &str, sampler: &Sampler) -> Result<Self, Failure> {
        let grammar = LlamaSampler::grammar(model, grammar, "root")
            .map_err(|_| Failure("could not read the grammar of the answer".to_owned()))?;
        // Exactly 1 means that nothing was asked for.
        #[allow(clippy::float_cmp)]
        let penalties = (sampler.repeat_penalty != 1.0 && sampler.repeat_penalty > 0.0)
            .then(|| LlamaSampler::penalties(model.n_vocab(), RECENT, sampler.repeat_penalty, 0.0, 0.0));
        if sampler.temperature > 0.0 {
            let chain = penalties.into_iter().chain([
                grammar,
                LlamaSampler::temp(sampler.temperature),
                LlamaSampler::dist(sampler.seed),
            ]);
            Ok(Self::Drawn(LlamaSampler::chain_simple(chain)))
        } else {
            Ok(Self::Greedy { grammar, penalties })
        }
    }

    /// The next token after what was decoded last.
    ///
    /// Greedily, the likeliest token is shown to the grammar alone; only where it is refused does the
    /// grammar go through the whole vocabulary, which costs as much as decoding does. The choice is
    /// the same either way.
    pub(crate) fn next(&mut self, model: &LlamaModel, context: &LlamaContext<'_>) -> Result<LlamaToken, Failure> {
        let (grammar, penalties) = match self {
            Self::Drawn(chain) => return Ok(chain.sample(context, -1)),
            Self::Greedy { grammar, penalties } => (grammar, penalties),
        };
        let mut penalised = penalties.as_mut().map(|penalties| {
            let mut all = context.token_data_array_ith(-1);
            all.apply_sampler(penalties);
            all
        });
        let likeliest = match &penalised {
            Some(all) => best(all.data.iter().copied()),
            None => best(context.candidates_ith(-1)),
        };
        let likeliest = likeliest.ok_or_else(stuck)?;
        let mut alone = LlamaTokenDataArray::new(vec![likeliest], false);
        alone.apply_sampler(grammar);
        let chosen = match alone.data.first() {
            Some(token) if token.logit().is_finite() => token.id(),
            _ => {
                let mut all = penalised.take().unwrap_or_else(|| context.token_data_array_ith(-1));
                all.apply_sampler(grammar);
                best(all.data.into_iter().filter(|token| token.logit().is_finite())).ok_or_else(stuck)?.id()
            }
        };
        if !model.vocab().is_eog(chosen) {
            grammar.accept(chosen);
            if let Some(penalties) = penalties {
                penalties.accept(chosen);
            }
        }
        Ok(chosen)
    }
}

fn stuck() -> Failure {
    Failure("came to a place where the grammar allows nothing".to_owned())
}

/// The token with the highest logit, the first of several.
fn best(tokens: impl Iterator<Item = LlamaTokenData>) -> Option<LlamaTokenData> {
    tokens.reduce(|best, next| if next.logit() > best.logit() { next } else { best })
}
