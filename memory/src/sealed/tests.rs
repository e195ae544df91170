//! The promises of the pool, one a test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use super::area::Area;
use super::granules::GRANULE;
use super::{Sealed, SealedError, SealedPool};
use crate::test_common::mapping_of;

fn pool(capacity: usize) -> Arc<SealedPool> {
    SealedPool::new(capacity, false).unwrap()
}

fn store(pool: &Arc<SealedPool>, bytes: &[u8]) -> Result<Sealed, SealedError> {
    let mut writer = pool.writer(Some(bytes.len()), bytes.len());
    writer.append(bytes)?;
    writer.finish()
}

fn bytes_of(value: &Sealed) -> Result<Vec<u8>, SealedError> {
    let mut out = Vec::new();
    value.expose(|piece| out.extend_from_slice(piece))?;
    Ok(out)
}

#[test]
fn a_value_is_read_back_whole_and_in_parts() {
    let pool = pool(512 << 10);
    let bytes: Vec<u8> = (0..=250u8).cycle().take(200_001).collect();
    let mut writer = pool.writer(None, 1 << 20);
    for chunk in bytes.chunks(777) {
        writer.append(chunk).unwrap();
    }
    assert_eq!(writer.len(), bytes.len());
    let value = writer.finish().unwrap();
    assert_eq!(bytes_of(&value).unwrap(), bytes);
    let mut window = vec![0; 70_000];
    for offset in [0, 1, 65_535, 65_536, 130_001, 199_999, 200_000] {
        let n = value.read_at(offset, &mut window).unwrap();
        assert_eq!(n, window.len().min(bytes.len() - offset));
        assert_eq!(window[..n], bytes[offset..offset + n]);
    }
    assert_eq!(value.read_at(bytes.len(), &mut window), Ok(0));
    assert_eq!(value.read_at(usize::MAX, &mut window), Ok(0));
}

#[test]
fn a_thousand_short_secrets_take_well_under_200_kib() {
    let pool = pool(256 << 10);
    let values: Vec<Sealed> = (0..1000u32)
        .map(|n| store(&pool, &[n.to_le_bytes(); 8].concat()).unwrap())
        .collect();
    assert!(pool.used() < 100 << 10, "{}", pool.used());
    for (n, value) in (0..1000u32).zip(&values) {
        assert_eq!(bytes_of(value).unwrap(), [n.to_le_bytes(); 8].concat());
    }
    drop(values);
    assert_eq!(pool.used(), 0);
}

#[test]
fn finishing_gives_back_what_was_reserved_beyond_the_value() {
    let pool = pool(256 << 10);
    let mut writer = pool.writer(Some(100_000), 100_000);
    writer.append(&[7; 100]).unwrap();
    assert!(pool.used() > 50_000);
    let value = writer.finish().unwrap();
    assert_eq!((pool.used(), value.footprint()), (128, 128));
    let empty = pool.writer(Some(100), 100).finish().unwrap();
    assert!(empty.is_empty() && bytes_of(&empty).unwrap().is_empty());
    assert_eq!((pool.used(), empty.footprint()), (128, 0));
}

#[test]
fn a_full_pool_refuses_whole_appends_until_a_value_is_freed() {
    let pool = pool(64 << 10);
    let first = store(&pool, &[1; 40 << 10]).unwrap();
    let mut writer = pool.writer(None, 64 << 10);
    writer.append(&[2; 100]).unwrap();
    let used = pool.used();
    assert_eq!(writer.append(&[2; 30 << 10]), Err(SealedError::Full));
    assert_eq!((writer.len(), pool.used()), (100, used));
    drop(first);
    writer.append(&[2; 30 << 10]).unwrap();
    let value = writer.finish().unwrap();
    assert_eq!(bytes_of(&value).unwrap(), vec![2; (30 << 10) + 100]);
}

#[test]
fn the_limit_is_the_writers_or_the_whole_pool() {
    let pool = pool(64 << 10);
    let mut writer = pool.writer(Some(1000), 10);
    assert_eq!(
        writer.append(&[0; 11]),
        Err(SealedError::TooLarge { max: 10 })
    );
    writer.append(&[0; 10]).unwrap();
    assert_eq!(writer.append(&[0]), Err(SealedError::TooLarge { max: 10 }));
    let mut huge = pool.writer(Some(1 << 30), 1 << 30);
    let max = pool.capacity();
    assert_eq!(
        huge.append(&vec![0; max + 1]),
        Err(SealedError::TooLarge { max })
    );
    drop(writer);
    huge.append(&vec![0; max]).unwrap();
}

#[test]
fn a_value_scattered_over_a_fragmented_pool_is_whole() {
    let pool = pool(64 << 10);
    let mut all: Vec<Option<Sealed>> = (0..1024).map(|_| store(&pool, &[9; 64]).ok()).collect();
    assert!(all.iter().all(Option::is_some));
    for slot in all.iter_mut().step_by(2) {
        *slot = None;
    }
    let bytes: Vec<u8> = (0..200u8).cycle().take(20_000).collect();
    let value = store(&pool, &bytes).unwrap();
    assert_eq!(bytes_of(&value).unwrap(), bytes);
    drop((value, all));
    assert_eq!(pool.used(), 0);
    assert!(store(&pool, &[1; 64 << 10]).is_ok());
}

#[test]
fn the_last_clone_dropped_wipes_the_bytes() {
    let pool = pool(64 << 10);
    let value = store(&pool, &[0xAA; 1000]).unwrap();
    assert!(!value.is_shared());
    let clone = value.clone();
    assert!(value.is_shared());
    drop(value);
    assert!(!clone.is_shared());
    assert_eq!(bytes_of(&clone).unwrap(), [0xAA; 1000]);
    drop(clone);
    let mut unfinished = pool.writer(None, 1000);
    unfinished.append(&[0xBB; 500]).unwrap();
    drop(unfinished);
    assert_eq!(pool.used(), 0);
    assert!(raw(&pool, 4096).iter().all(|&byte| byte == 0));
}

#[test]
fn after_a_wipe_what_is_held_is_gone_for_ever_and_new_values_work() {
    let pool = pool(64 << 10);
    let old = store(&pool, &[1; 5000]).unwrap();
    let mut writing = pool.writer(None, 100);
    writing.append(b"half").unwrap();
    let untouched = pool.writer(None, 100);
    pool.wipe();
    assert_eq!(pool.used(), 0);
    assert!(raw(&pool, 8192).iter().all(|&byte| byte == 0));

    let new = store(&pool, &[2; 5000]).unwrap();
    assert!(old.is_wiped() && !new.is_wiped());
    let mut window = [3; 10];
    assert_eq!(old.read_at(0, &mut window), Err(SealedError::Wiped));
    assert_eq!(window, [3; 10]);
    assert_eq!(bytes_of(&old), Err(SealedError::Wiped));
    assert_eq!(writing.append(b"!"), Err(SealedError::Wiped));
    assert_eq!(writing.finish().err(), Some(SealedError::Wiped));
    assert_eq!(untouched.finish().err(), Some(SealedError::Wiped));
    // Their drop does not touch what is the new value's now.
    drop(old);
    assert_eq!(bytes_of(&new).unwrap(), [2; 5000]);
    assert_eq!(pool.used(), 5000usize.next_multiple_of(GRANULE));
}

#[test]
fn a_wipe_of_the_whole_pool_takes_well_under_100_ms() {
    let pool = pool(2 << 20);
    let values: Vec<Sealed> = (0..32)
        .map(|_| store(&pool, &[5; 64 << 10]).unwrap())
        .collect();
    let start = std::time::Instant::now();
    pool.wipe();
    assert!(start.elapsed().as_millis() < 50, "{:?}", start.elapsed());
    assert!(values.iter().all(Sealed::is_wiped));
}

#[test]
fn copies_inside_a_copy_neither_wait_for_a_wipe_nor_survive_it() {
    let pool = pool(256 << 10);
    let outer = store(&pool, &[1; 100]).unwrap();
    let inner = store(&pool, &[2; 100]).unwrap();
    let inside = Barrier::new(2);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            outer.expose(|_| {
                inside.wait();
                // The wipe waits for this closure by now or soon; a read in it must not wait for
                // the wipe. It ends when the wipe has been asked for.
                let start = std::time::Instant::now();
                while inner.read_at(0, &mut [0; 1]).is_ok() {
                    assert!(
                        start.elapsed().as_secs() < 20,
                        "the wipe was never asked for"
                    );
                    std::thread::yield_now();
                }
            })
        });
        inside.wait();
        pool.wipe();
        assert_eq!(reader.join().unwrap(), Ok(()));
    });
    assert!(outer.is_wiped());
}

#[test]
fn readers_writers_and_wipes_at_the_same_time_never_mix_values_up() {
    let pool = pool(256 << 10);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3u8 {
            let (pool, stop) = (&pool, &stop);
            scope.spawn(move || {
                let mut round = 0usize;
                while !stop.load(Ordering::Relaxed) {
                    round += 1;
                    let len = round * 37 % 9000 + 1;
                    let mark = thread * 80 + u8::try_from(round % 80).unwrap() + 1;
                    let Ok(value) = store(pool, &vec![mark; len]) else {
                        continue;
                    };
                    let mut window = vec![0; len];
                    if value.read_at(0, &mut window) == Ok(len) {
                        assert!(window.iter().all(|&byte| byte == mark));
                    }
                }
            });
        }
        for _ in 0..300 {
            pool.wipe();
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(pool.used(), 0);
    assert!(raw(&pool, pool.capacity()).iter().all(|&byte| byte == 0));
}

#[test]
#[expect(unsafe_code, reason = "asks the kernel in another way")]
fn secret_memory_is_used_where_the_kernel_has_it() {
    use std::os::fd::{FromRawFd, OwnedFd};
    // SAFETY: takes a number, returns one.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, 0) };
    if let Ok(fd @ 0..) = i32::try_from(fd) {
        // SAFETY: a descriptor that the kernel just made for us.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    assert_eq!(pool(64 << 10).is_secretmem(), fd >= 0);
}

#[test]
fn the_fallback_is_locked_and_kept_from_dumps_and_children() {
    let pool = SealedPool::with_area(Area::new_anonymous(64 << 10).unwrap());
    assert!(!pool.is_secretmem());
    let value = store(&pool, b"fallback").unwrap();
    assert_eq!(bytes_of(&value).unwrap(), b"fallback");
    let mut at = std::ptr::null();
    value.expose(|piece| at = piece.as_ptr()).unwrap();
    let mapping = mapping_of(at);
    for flag in ["lo", "dd", "dc"] {
        assert!(mapping.has(flag), "{flag}: {mapping:?}");
    }
    pool.wipe();
    assert_eq!(bytes_of(&value), Err(SealedError::Wiped));
}

#[test]
fn neither_value_nor_writer_shows_its_bytes_when_debugged() {
    let pool = pool(64 << 10);
    let mut writer = pool.writer(None, 100);
    writer.append(b"hunter2").unwrap();
    assert!(!format!("{writer:?}").contains("hunter2"));
    let text = format!("{:?} {pool:?}", writer.finish().unwrap());
    assert!(text.starts_with("Sealed([REDACTED])") && !text.contains("hunter2"));
}

/// The first bytes of the pool as they lie there.
#[expect(unsafe_code, reason = "looks behind the pool's back")]
fn raw(pool: &SealedPool, len: usize) -> Vec<u8> {
    assert!(len <= pool.capacity());
    // SAFETY: mapped (the tests' pools are smaller than a step); nobody writes at that moment.
    unsafe { std::slice::from_raw_parts(pool.area.at(0), len) }.to_vec()
}

#[test]
fn a_released_pool_has_nothing_mapped_and_maps_it_again_for_the_next_value() {
    let pool = SealedPool::new(1 << 20, true).unwrap();
    let mut writer = pool.writer(None, 100);
    writer.append(b"before").unwrap();
    let before = writer.finish().unwrap();
    assert_eq!(pool.mapped(), 1 << 20);
    pool.release();
    assert_eq!((pool.mapped(), pool.used()), (0, 0));
    assert!(before.is_wiped());
    let mut writer = pool.writer(None, 100);
    writer.append(b"after").unwrap();
    let after = writer.finish().unwrap();
    assert_eq!(pool.mapped(), 1 << 20);
    drop(before);
    let mut bytes = [0; 5];
    assert_eq!(after.read_at(0, &mut bytes), Ok(5));
    assert_eq!(&bytes, b"after");
}
