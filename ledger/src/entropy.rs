//! Randomness, handed in by the edge.

use std::convert::Infallible;

use hpke::rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

/// A source of cryptographic randomness. The edge hands in the operating system's; rules and tests hand in what
/// they like. An implementation that cannot deliver must not return: weak keys are worse than a stop.
pub trait Entropy {
    /// Fills `out` with bytes nobody can guess.
    fn fill(&mut self, out: &mut [u8]);
}

pub(crate) fn bytes<const N: usize>(entropy: &mut dyn Entropy) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    entropy.fill(out.as_mut_slice());
    out
}

/// An [`Entropy`] in the shape HPKE asks for.
pub(crate) struct Source<'a>(pub(crate) &'a mut dyn Entropy);

impl TryRng for Source<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut word = [0; 4];
        self.0.fill(&mut word);
        Ok(u32::from_le_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut word = [0; 8];
        self.0.fill(&mut word);
        Ok(u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Source<'_> {}
