//! One after the other, round by round, each round beginning with another one: whatever else the machine
//! does, it does to all of them.

use super::Samples;

/// What is measured once: the sample.
pub type Turn<'a> = Box<dyn FnMut(usize) -> f64 + 'a>;

/// The samples of each, over so many rounds; a turn is told the round's number. One round before is for
/// caches.
pub fn take(rounds: usize, mut turns: Vec<Turn<'_>>) -> Vec<Samples> {
    let mut samples = vec![Samples::default(); turns.len()];
    for turn in &mut turns {
        turn(0);
    }
    for round in 1..=rounds {
        for at in 0..turns.len() {
            let at = (at + round) % turns.len();
            samples[at].push(turns[at](round));
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    #[test]
    fn every_round_begins_with_another_one() {
        let order = RefCell::new(Vec::new());
        let turn = |name: f64| -> super::Turn<'_> {
            let order = &order;
            Box::new(move |round| {
                order.borrow_mut().push((round, name.to_string()));
                name
            })
        };
        let samples = super::take(2, vec![turn(1.0), turn(2.0)]);
        assert_eq!([samples[0].median(), samples[1].median()], [1.0, 2.0]);
        let order = order.into_inner();
        let order: Vec<_> = order.iter().map(|(r, n)| format!("{r}{n}")).collect();
        assert_eq!(order, ["01", "02", "12", "11", "21", "22"]);
    }
}
