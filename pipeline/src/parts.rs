//! A session longer than the model can hold is read in parts; nothing is cut.

use std::ops::Range;

/// Why a session cannot be read in parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// One segment alone is longer than a part may be.
    #[error(
        "segment {segment} of the transcript has {tokens} tokens and a part may have {budget}: use a model with a longer context"
    )]
    Oversized {
        /// The segment's id: its place in the list, counted from 1.
        segment: usize,
        /// Its tokens.
        tokens: u32,
        /// Tokens of a part.
        budget: u32,
    },
}

/// Cuts a transcript into consecutive parts of at most `budget` tokens.
///
/// `segment_tokens` holds the tokens of each segment's line in the prompt. The parts follow each
/// other without gap or overlap and cover every segment. They are of about equal length, so that the
/// last one is not a stub without its context.
///
/// # Errors
/// [`PartsError::Oversized`] where one segment alone is over the budget: it would have to be cut.
pub fn plan(segment_tokens: &[u32], budget: u32) -> Result<Vec<Range<usize>>, PartsError> {
    if let Some((index, &tokens)) = segment_tokens.iter().enumerate().find(|&(_, &tokens)| tokens > budget) {
        return Err(PartsError::Oversized { segment: index + 1, tokens, budget });
    }
    let fewest = fill(segment_tokens, u64::from(budget));
    // The smallest limit that needs no more parts than the budget does.
    let (mut low, mut high) = (segment_tokens.iter().copied().max().map_or(0, u64::from), u64::from(budget));
    while low < high {
        let middle = low.midpoint(high);
        if fill(segment_tokens, middle).len() <= fewest.len() {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(fill(segment_tokens, high))
}

/// Fills part after part up to `limit`, which no single segment exceeds.
fn fill(segment_tokens: &[u32], limit: u64) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut used) = (0, 0_u64);
    for (index, &tokens) in segment_tokens.iter().enumerate() {
        if index > start && used + u64::from(tokens) > limit {
            parts.push(start..index);
            (start, used) = (index, 0);
        }
        used += u64::from(tokens);
    }
    if start < segment_tokens.len() {
        parts.push(start..segment_tokens.len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_session_is_one_part() {
        assert_eq!(
            plan(&[10, 20, 30], 60)
                .map(|parts| parts.into_iter().map(|part| (part.start, part.end)).collect::<Vec<_>>()),
            Ok(vec![(0, 3)])
        );
        assert_eq!(plan(&[], 60), Ok(vec![]));
    }

    #[test]
    fn parts_are_of_about_equal_length() {
        assert_eq!(plan(&[10; 11], 100), Ok(vec![0..6, 6..11]));
    }

    #[test]
    fn a_segment_longer_than_a_part_is_named() {
        assert_eq!(plan(&[10, 61, 30], 60), Err(PartsError::Oversized { segment: 2, tokens: 61, budget: 60 }));
    }

    proptest! {
        #[test]
        fn nothing_is_dropped_and_no_part_is_over_budget(tokens in prop::collection::vec(0_u32..500, 0..200), budget in 500_u32..2_000) {
            let parts = plan(&tokens, budget).expect("no segment is over the budget");
            let joined: Vec<usize> = parts.iter().cloned().flatten().collect();
            prop_assert_eq!(joined, (0..tokens.len()).collect::<Vec<_>>());
            for part in parts {
                prop_assert!(!part.is_empty());
                prop_assert!(tokens[part].iter().sum::<u32>() <= budget);
            }
        }

        #[test]
        fn any_numbers_are_planned_or_refused(tokens in prop::collection::vec(any::<u32>(), 0..50), budget in any::<u32>()) {
            let fits = tokens.iter().all(|tokens| *tokens <= budget);
            prop_assert_eq!(plan(&tokens, budget).is_ok(), fits);
        }
    }
}
