//! A script of faults, drawn from one number: what is rotated, what goes wrong in which order, and what
//! is read meanwhile.

use secretfs_tests::fault_proxy::{Act, Cut, Door, Plan};
use secretfs_tests::http_sim::Fault;
use secretfs_tests::seed::Seed;
use std::time::Duration;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Infisical,
    Connect,
}

/// What becomes of the servers' name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// Nobody knows it.
    Unknown,
    /// The name server says nothing.
    Mute,
    /// It leads to an address where nobody listens.
    Elsewhere,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Of the next so many connections to a server; `None`: of all.
    Wire(Side, Option<usize>, Plan),
    Door(Side, Door),
    Name(Name),
    /// Of the next so many answers of a server; `None`: of all.
    Answer(Side, Option<usize>, Fault),
    /// The server knows the token no more.
    TokenGone,
    /// The server's clock goes on, past the end of the token.
    TokenOver,
    /// The daemon's clock jumps.
    Jump(Duration),
}

/// Something goes wrong, then files are read at once.
#[derive(Debug, Clone)]
pub(crate) struct Phase {
    pub(crate) troubles: Vec<Trouble>,
    /// Whether what is cached is over before the reads.
    pub(crate) expire: bool,
    /// Places in the list of files.
    pub(crate) reads: Vec<usize>,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Tale {
    pub(crate) rotated: Vec<usize>,
    pub(crate) phases: Vec<Phase>,
    /// Whether what stalls is reset when all is mended, and does not go on.
    pub(crate) resets: bool,
}

impl Tale {
    /// The script of this seed. `tls`: whether the servers are spoken to over TLS; without it nobody
    /// could tell a byte that was changed on its way.
    pub(crate) fn draw(seed: u64, files: usize, tls: bool) -> Self {
        let mut seed = Seed::new(seed);
        let rotated = (0..seed.below(4)).map(|_| seed.index(files)).collect();
        let mut draws = Draws::new(seed, tls);
        let phases = (0..=draws.seed.below(3))
            .map(|_| draws.phase(files))
            .collect();
        Self {
            rotated,
            phases,
            resets: draws.seed.once_in(2),
        }
    }

    fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        self.phases.iter().flat_map(|phase| &phase.troubles)
    }

    /// Whether an answer may be too large in it.
    pub(crate) fn is_large(&self) -> bool {
        self.troubles().any(|trouble| {
            matches!(
                trouble,
                Trouble::Answer(_, _, Fault::Padded(_) | Fault::Endless)
            )
        })
    }
}

/// Draws troubles.
pub(crate) struct Draws {
    seed: Seed,
    tls: bool,
    token_gone: bool,
}

impl Draws {
    pub(crate) fn new(seed: Seed, tls: bool) -> Self {
        Self {
            seed,
            tls,
            token_gone: false,
        }
    }

    /// One beside which the clocks of daemon and server go on alike, and tokens are good.
    pub(crate) fn trouble_of_a_soak(&mut self) -> Trouble {
        loop {
            let drawn = self.trouble();
            match &drawn {
                Trouble::Jump(_) | Trouble::TokenGone | Trouble::TokenOver => {}
                // EFBIG is none of the errnos that a reader of a soak may see.
                Trouble::Answer(_, _, Fault::Padded(_)) => {}
                _ => return drawn,
            }
        }
    }

    fn phase(&mut self, files: usize) -> Phase {
        let troubles = (0..=self.seed.below(2)).map(|_| self.trouble()).collect();
        let reads = (0..=self.seed.below(6))
            .map(|_| self.seed.index(files))
            .collect();
        Phase {
            troubles,
            expire: !self.seed.once_in(5),
            reads,
        }
    }

    fn side(&mut self) -> Side {
        *self.seed.pick(&[Side::Infisical, Side::Connect])
    }

    /// A few, or all until it is mended.
    fn times(&mut self) -> Option<usize> {
        match self.seed.below(4) {
            0 => None,
            n => usize::try_from(n).ok(),
        }
    }

    fn trouble(&mut self) -> Trouble {
        let side = self.side();
        match self.seed.below(20) {
            0..=9 => Trouble::Wire(side, self.times(), self.plan()),
            10 => Trouble::Door(side, *self.seed.pick(&[Door::Refuse, Door::Mute])),
            11 => Trouble::Name(
                *self
                    .seed
                    .pick(&[Name::Unknown, Name::Mute, Name::Elsewhere]),
            ),
            // One in a script: a second before the first new one was used is a refusal of minutes.
            12 if !self.token_gone => {
                self.token_gone = true;
                self.seed
                    .pick(&[Trouble::TokenGone, Trouble::TokenOver])
                    .clone()
            }
            13 => Trouble::Jump(Duration::from_millis(self.seed.below(60_000))),
            _ => Trouble::Answer(side, self.times(), self.fault()),
        }
    }

    /// Most of an exchange's bytes are those of the handshake and of small answers.
    fn place(&mut self) -> usize {
        let most = *self.seed.pick(&[600, 3_000, 3_000, 9_000, 60_000]);
        self.seed.index(most)
    }

    fn cut(&mut self) -> Cut {
        let few = 1 + self.seed.index(64);
        let acts = [
            Act::Reset,
            Act::Reset,
            Act::HalfClose,
            Act::Close,
            Act::Stall,
            Act::Garbage(few),
            Act::Skip(few),
            Act::Alert(*self.seed.pick(&[0, 10, 20, 40, 48, 80, 112])),
        ];
        let acts = if self.tls { &acts[..] } else { &acts[..5] };
        Cut {
            after: self.place(),
            act: *self.seed.pick(acts),
        }
    }

    fn plan(&mut self) -> Plan {
        let latency = match self.seed.below(3) {
            0 => Duration::from_millis(self.seed.below(80)),
            _ => Duration::ZERO,
        };
        match self.seed.below(5) {
            0 => Plan {
                latency: latency.max(Duration::from_millis(5)),
                ..Plan::default()
            },
            1 => Plan {
                latency,
                up: Some(self.cut()),
                down: None,
            },
            2 => Plan {
                latency,
                up: Some(self.cut()),
                down: Some(self.cut()),
            },
            _ => Plan {
                latency,
                up: None,
                down: Some(self.cut()),
            },
        }
    }

    fn fault(&mut self) -> Fault {
        let place = self.place();
        let wait = self.seed.below(2);
        match self.seed.below(15) {
            0 => Fault::Hang,
            1 => Fault::HangAfter(place),
            2 => Fault::ResetAfter(place),
            3 | 4 => Fault::Truncate(place),
            5 => Fault::Slow {
                bytes: 1 + self.seed.index(512),
                every: Duration::from_millis(self.seed.below(10)),
            },
            6 => Fault::Delay(Duration::from_millis(self.seed.below(700))),
            7 => Fault::Status(*self.seed.pick(&[500, 502, 503, 504])),
            8 => Fault::Garbage,
            9 => Fault::Html(*self.seed.pick(&[200, 403, 404, 502])),
            10 => Fault::Redirect("/elsewhere".to_owned()),
            11 => Fault::BadJson,
            12 => Fault::WrongSecret,
            13 => Fault::Padded(3 << 20),
            _ => Fault::Limited(wait),
        }
    }
}
