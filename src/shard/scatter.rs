//! Questions sorted by owner, one hop each, and the answers put back in the order of the questions.

use std::rc::Rc;

use crate::base::ShardId;
use crate::protocol::ErrorCode;
use crate::shard::Shard;
use crate::shard::messages::{Call, Reply};

/// Questions of one request, for several owners.
pub struct Scatter<Q> {
    refused: Vec<(usize, ErrorCode)>,
    owners: Vec<(ShardId, Vec<usize>, Vec<Q>)>,
    len: usize,
}

impl<Q> Default for Scatter<Q> {
    /// No question yet.
    fn default() -> Scatter<Q> {
        Scatter {
            refused: Vec::new(),
            owners: Vec::new(),
            len: 0,
        }
    }
}

impl<Q> Scatter<Q> {
    /// Adds a question for its owner, or one that is answered with an error already.
    pub fn push(&mut self, question: Result<(ShardId, Q), ErrorCode>) {
        let place = self.len;
        self.len += 1;
        let (owner, question) = match question {
            Ok(question) => question,
            Err(error) => return self.refused.push((place, error)),
        };
        match self.owners.iter_mut().find(|(known, ..)| *known == owner) {
            Some((_, places, questions)) => {
                places.push(place);
                questions.push(question);
            }
            None => self.owners.push((owner, vec![place], vec![question])),
        }
    }

    /// Asks every owner at once; `failed` makes the answer where there is only an error.
    pub async fn gather<A>(
        self,
        shard: &Rc<Shard>,
        call: impl Fn(Vec<Q>) -> Call,
        failed: impl Fn(ErrorCode) -> A,
        open: impl Fn(Reply) -> Option<Vec<A>>,
    ) -> Vec<A> {
        let mut answers: Vec<Option<A>> = (0..self.len).map(|_| None).collect();
        for (place, error) in self.refused {
            answers[place] = Some(failed(error));
        }
        let calls: Vec<_> = self
            .owners
            .into_iter()
            .map(|(owner, places, questions)| (shard.call(owner, call(questions)), places))
            .collect();
        for (pending, places) in calls {
            let answered = pending.await.and_then(&open).unwrap_or_default();
            for (place, answer) in places.into_iter().zip(answered) {
                answers[place] = Some(answer);
            }
        }
        // An owner that is shutting down has answered nothing.
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| failed(ErrorCode::NotLeaderOrFollower)))
            .collect()
    }
}
