//! The pool against a model: a `Vec<u8>` for each value, random operations.

use std::sync::Arc;

use proptest::prelude::*;

use super::granules::GRANULE;
use super::{Sealed, SealedError, SealedPool, SealedWriter};

/// Small, so that it is full often.
const CAPACITY: usize = 32 << 10;
const MAX: usize = 20_000;

#[derive(Debug, Clone)]
enum Op {
    Begin {
        hint: Option<usize>,
    },
    Append {
        which: usize,
        byte: u8,
        len: usize,
    },
    Finish {
        which: usize,
    },
    DropWriter {
        which: usize,
    },
    Clone {
        which: usize,
    },
    DropValue {
        which: usize,
    },
    Read {
        which: usize,
        offset: usize,
        len: usize,
    },
    Wipe {
        release: bool,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let which = any::<usize>();
    prop_oneof![
        4 => prop::option::of(0..2 * MAX).prop_map(|hint| Op::Begin { hint }),
        10 => (which, any::<u8>(), prop_oneof![0usize..200, 0..MAX])
            .prop_map(|(which, byte, len)| Op::Append { which, byte, len }),
        5 => which.prop_map(|which| Op::Finish { which }),
        1 => which.prop_map(|which| Op::DropWriter { which }),
        2 => which.prop_map(|which| Op::Clone { which }),
        5 => which.prop_map(|which| Op::DropValue { which }),
        5 => (which, 0..2 * MAX, 0..2 * MAX)
            .prop_map(|(which, offset, len)| Op::Read { which, offset, len }),
        1 => any::<bool>().prop_map(|release| Op::Wipe { release }),
    ]
}

/// A thing of the pool, what it should hold, and whether the pool was wiped since.
struct Modelled<T> {
    real: T,
    bytes: Vec<u8>,
    wiped: bool,
}

fn pick<T>(list: &mut [T], which: usize) -> Option<&mut T> {
    let len = list.len();
    (len > 0).then(|| &mut list[which % len])
}

fn remove<T>(list: &mut Vec<T>, which: usize) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(which % list.len()))
}

/// The bytes with a counter, so that misplaced pieces show.
fn pattern(byte: u8, len: usize) -> Vec<u8> {
    (0..=u8::MAX)
        .map(|n| n.wrapping_add(byte))
        .cycle()
        .take(len)
        .collect()
}

fn check(value: &Modelled<Sealed>) -> Result<(), TestCaseError> {
    let mut seen = Vec::new();
    let result = value.real.expose(|piece| seen.extend_from_slice(piece));
    if value.wiped {
        prop_assert_eq!(result, Err(SealedError::Wiped));
        prop_assert!(seen.is_empty());
    } else {
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(&seen, &value.bytes);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_behaves_as_a_vector_for_each_value(ops in prop::collection::vec(op(), 1..80)) {
        let pool: Arc<SealedPool> = SealedPool::new(CAPACITY, true).unwrap();
        let mut writers: Vec<Modelled<SealedWriter>> = Vec::new();
        let mut values: Vec<Modelled<Sealed>> = Vec::new();
        for op in ops {
            match op {
                Op::Begin { hint } => writers.push(Modelled {
                    real: pool.writer(hint, MAX),
                    bytes: Vec::new(),
                    wiped: false,
                }),
                Op::Append { which, byte, len } => if let Some(writer) = pick(&mut writers, which) {
                    let bytes = pattern(byte, len);
                    match writer.real.append(&bytes) {
                        Ok(()) => {
                            prop_assert!(!writer.wiped);
                            writer.bytes.extend_from_slice(&bytes);
                            prop_assert!(writer.bytes.len() <= MAX);
                        }
                        Err(SealedError::TooLarge { max }) => {
                            prop_assert_eq!(max, MAX);
                            prop_assert!(writer.bytes.len() + len > MAX);
                        }
                        Err(SealedError::Wiped) => prop_assert!(writer.wiped),
                        // Only where it really does not fit beside what others hold.
                        Err(SealedError::Full) => prop_assert!(
                            pool.used() + len + GRANULE > CAPACITY
                        ),
                    }
                    prop_assert_eq!(writer.real.len(), writer.bytes.len());
                },
                Op::Finish { which } => if let Some(writer) = remove(&mut writers, which) {
                    match writer.real.finish() {
                        Ok(real) => {
                            prop_assert!(!writer.wiped);
                            prop_assert_eq!(
                                real.footprint(),
                                writer.bytes.len().next_multiple_of(GRANULE)
                            );
                            values.push(Modelled { real, bytes: writer.bytes, wiped: false });
                        }
                        Err(error) => {
                            prop_assert_eq!(error, SealedError::Wiped);
                            prop_assert!(writer.wiped);
                        }
                    }
                },
                Op::DropWriter { which } => drop(remove(&mut writers, which)),
                Op::Clone { which } => if let Some(value) = pick(&mut values, which) {
                    let clone = Modelled {
                        real: value.real.clone(),
                        bytes: value.bytes.clone(),
                        wiped: value.wiped,
                    };
                    values.push(clone);
                },
                Op::DropValue { which } => drop(remove(&mut values, which)),
                Op::Read { which, offset, len } => if let Some(value) = pick(&mut values, which) {
                    let mut window = vec![0xEE; len];
                    let result = value.real.read_at(offset, &mut window);
                    if value.wiped {
                        prop_assert_eq!(result, Err(SealedError::Wiped));
                        prop_assert!(window.iter().all(|&byte| byte == 0xEE));
                    } else {
                        let expected = value.bytes.get(offset..).unwrap_or(&[]);
                        let n = expected.len().min(len);
                        prop_assert_eq!(result, Ok(n));
                        prop_assert_eq!(&window[..n], &expected[..n]);
                    }
                },
                Op::Wipe { release } => {
                    if release {
                        pool.release();
                        prop_assert_eq!(pool.mapped(), 0);
                    } else {
                        pool.wipe();
                    }
                    prop_assert_eq!(pool.used(), 0);
                    writers.iter_mut().for_each(|writer| writer.wiped = true);
                    values.iter_mut().for_each(|value| value.wiped = true);
                }
            }
            prop_assert!(pool.used() <= CAPACITY);
        }
        for value in &values {
            check(value)?;
        }
        drop((writers, values));
        prop_assert_eq!(pool.used(), 0);
        // Whatever happened, everything is free again and in one piece.
        let mut all = pool.writer(None, CAPACITY);
        prop_assert_eq!(all.append(&vec![1; CAPACITY]), Ok(()));
    }
}
