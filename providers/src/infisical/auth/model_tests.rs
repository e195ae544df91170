//! The state of sign-ins against a model of it, over any order of what can happen.

use super::token::Token;
use super::universal::Universal;
use super::way::Way;
use super::{Auth, Next, UNTAKEN};
use crate::credential::Kept;
use proptest::prelude::*;
use secretfs_memory::sealed::SealedPool;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Supply,
    Forget,
    Wait(u64),
    /// Somebody wants a token; a sign-in that is due brings one that lives so long, or is refused.
    Open(Option<u64>),
    /// The sign-in beside the opens ends like that.
    Ahead(Option<u64>),
    /// The server does not take the token in use.
    Spoil,
    /// It does.
    Work,
}

fn step() -> impl Strategy<Value = Step> {
    let ends = || prop_oneof![Just(None), (10_u64..2000).prop_map(Some)];
    prop_oneof![
        1 => Just(Step::Supply),
        1 => Just(Step::Forget),
        4 => (0_u64..1000).prop_map(Step::Wait),
        8 => ends().prop_map(Step::Open),
        3 => ends().prop_map(Step::Ahead),
        2 => Just(Step::Spoil),
        3 => Just(Step::Work),
    ]
}

struct World {
    auth: Auth,
    pool: Arc<SealedPool>,
    start: (Instant, SystemTime),
    now: u64,
    /// When the token in use ends, as it was given out.
    token: Option<(Arc<Token>, u64)>,
    /// Whose sign-in ahead is under way.
    ahead: Option<Arc<Token>>,
    has_way: bool,
    /// No sign-in may be made before.
    quiet_until: u64,
    /// Whether the token in use was taken, and how many in a row before it were not.
    worked: bool,
    untaken: u32,
}

impl World {
    fn clocks(&self) -> (Instant, SystemTime) {
        let by = Duration::from_secs(self.now);
        (self.start.0 + by, self.start.1 + by)
    }

    fn kept(&self) -> Kept {
        Kept::keep(&"text".into(), &self.pool, "text").unwrap()
    }

    fn grant(&mut self, lives: u64, epoch: u64) {
        let (now, wall) = self.clocks();
        let token = Token::of_login(self.kept(), Some(Duration::from_secs(lives)), now, wall);
        let token = self.auth.signed_in(epoch, token);
        self.token = Some((token, self.now + lives));
        (self.quiet_until, self.worked) = (0, false);
    }

    fn open(&mut self, ends: Option<u64>) {
        let (now, wall) = self.clocks();
        match self.auth.next(now, wall) {
            Ok((Next::Token(token), _)) => self.is_the_good_one(&token),
            Ok((Next::Ahead(token), _)) => {
                self.is_the_good_one(&token);
                assert!(self.ahead.is_none(), "two sign-ins ahead at once");
                assert!(
                    self.now >= self.quiet_until,
                    "a sign-in although one was refused"
                );
                self.ahead = Some(token);
            }
            Ok((Next::SignIn(way), epoch)) => {
                assert!(self.has_way, "a sign-in with what was forgotten");
                assert!(
                    self.now >= self.quiet_until,
                    "a sign-in although one was refused"
                );
                match ends {
                    Some(lives) => self.grant(lives, epoch),
                    None => {
                        let _error = self.auth.refused(epoch, &way, now);
                        self.quiet_until = self.now + 300;
                    }
                }
            }
            Err(_) => {
                let may = self.has_way && self.now >= self.quiet_until;
                // A doubled wait is longer than the model knows.
                assert!(
                    !may || self.quiet_until > 0,
                    "nothing, although nothing was refused"
                );
            }
        }
    }

    fn is_the_good_one(&self, token: &Arc<Token>) {
        let (known, end) = self
            .token
            .as_ref()
            .expect("a token that was never given out");
        assert!(Arc::ptr_eq(known, token), "another token than the last one");
        assert!(self.now < *end, "a token after its end");
    }

    fn do_step(&mut self, step: &Step) {
        let (now, _) = self.clocks();
        match step {
            Step::Supply => {
                let way = Universal {
                    id: self.kept(),
                    secret: self.kept(),
                };
                self.auth.supply_way(Way::Login(Box::new(way)));
                (self.token, self.has_way, self.quiet_until) = (None, true, 0);
                self.untaken = 0;
            }
            Step::Forget => {
                self.auth.forget();
                (self.token, self.has_way, self.quiet_until) = (None, false, 0);
                self.untaken = 0;
            }
            Step::Wait(seconds) => self.now += seconds,
            Step::Open(ends) => self.open(*ends),
            Step::Ahead(ends) => {
                let Some(token) = self.ahead.take() else {
                    return;
                };
                match (self.auth.instead_of(&token), ends) {
                    (Some((_, epoch)), Some(lives)) => self.grant(*lives, epoch),
                    (Some((way, epoch)), None) => {
                        let _error = self.auth.refused(epoch, &way, now);
                        self.quiet_until = self.now + 300;
                    }
                    // It was replaced, or a lock came.
                    (None, _) => {}
                }
                self.auth.ahead_ended(now);
            }
            Step::Spoil => {
                if let Some((token, _)) = self.token.take() {
                    let _error = self.auth.spoiled(&token, false, now);
                    self.untaken = if self.worked { 0 } else { self.untaken + 1 };
                    if self.untaken == UNTAKEN {
                        (self.untaken, self.quiet_until) = (0, self.now + 300);
                    }
                }
            }
            Step::Work => {
                if let Some((token, _)) = &self.token {
                    self.auth.worked(token);
                    (self.worked, self.untaken) = (true, 0);
                }
            }
        }
    }
}

proptest! {
    /// No token is used after its end, none but the last one; no sign-in is made while a refusal holds,
    /// none with what a lock took, and no two ahead of need at once.
    #[test]
    fn sign_ins_keep_their_rules_in_any_order_of_what_happens(steps in prop::collection::vec(step(), 0..80)) {
        let pool = SealedPool::new(1 << 20, true).unwrap();
        let mut world = World {
            auth: Auth::new("p", 0),
            pool,
            start: (Instant::now(), SystemTime::now()),
            now: 0,
            token: None,
            ahead: None,
            has_way: false,
            quiet_until: 0,
            worked: false,
            untaken: 0,
        };
        world.do_step(&Step::Supply);
        for step in &steps {
            world.do_step(step);
        }
    }
}
