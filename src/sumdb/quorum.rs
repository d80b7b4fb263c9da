//! Which witnesses together make a head count: one, or so many of a group, whose members are witnesses or groups again.

/// A rule about signatures. Witnesses are numbers: their places in a list of keys that its owner keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Quorum {
    /// no witness is needed
    Nobody,
    /// this one
    Witness(usize),
    /// so many of these, at least
    Group { least: usize, of: Vec<Quorum> },
}

impl Quorum {
    /// Whether the witnesses that `signed` suffice.
    pub(super) fn is_met(&self, signed: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Quorum::Nobody => true,
            Quorum::Witness(witness) => signed(*witness),
            Quorum::Group { least, of } => of.iter().filter(|member| member.is_met(signed)).count() >= *least,
        }
    }

    /// How few witnesses can meet it.
    pub(super) fn least(&self) -> usize {
        match self {
            Quorum::Nobody => 0,
            Quorum::Witness(_) => 1,
            Quorum::Group { least, of } => {
                let mut each: Vec<usize> = of.iter().map(Quorum::least).collect();
                each.sort_unstable();
                each.iter().take(*least).sum()
            }
        }
    }

    /// The time since which it is met: `times` has that of each witness that signed, in seconds since 1970. None where it is not met,
    /// or needs nobody.
    pub(super) fn met_since(&self, times: &[(usize, u64)]) -> Option<u64> {
        if *self == Quorum::Nobody {
            return None;
        }
        let mut moments: Vec<u64> = times.iter().map(|(_, time)| *time).collect();
        moments.sort_unstable();
        moments.into_iter().find(|moment| {
            self.is_met(&|witness| times.iter().any(|(other, time)| *other == witness && time <= moment))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Quorum::{Group, Nobody, Witness};
    use super::*;

    /// Two of the first three, and any of the last two.
    fn rule() -> Quorum {
        let some = |least, of: &[usize]| Group { least, of: of.iter().copied().map(Witness).collect() };
        Group { least: 2, of: vec![some(2, &[0, 1, 2]), some(1, &[3, 4])] }
    }

    #[test]
    fn each_set_of_witnesses_meets_it_or_not() {
        let mut met = 0;
        for set in 0u32..32 {
            let has = |witness: usize| set & (1 << witness) != 0;
            let expected = [0, 1, 2].iter().filter(|w| has(**w)).count() >= 2 && (has(3) || has(4));
            assert_eq!(rule().is_met(&has), expected, "{set:05b}");
            met += u32::from(expected);
        }
        assert_eq!((met, rule().least()), (12, 3));
        assert!(Nobody.is_met(&|_| false));
        assert_eq!((Nobody.least(), Nobody.met_since(&[(0, 5)])), (0, None));
    }

    #[test]
    fn it_is_met_since_the_last_signature_that_it_needed() {
        assert_eq!(rule().met_since(&[(0, 50), (1, 10), (3, 30)]), Some(50));
        assert_eq!(rule().met_since(&[(0, 50), (1, 10), (2, 20), (3, 30)]), Some(30), "an earlier set suffices");
        assert_eq!(rule().met_since(&[(0, 50), (1, 10), (2, 20)]), None);
        assert_eq!(Witness(1).met_since(&[(1, 0)]), Some(0));
    }
}
