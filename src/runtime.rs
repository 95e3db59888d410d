//! What the standard library would bring: memory, and what becomes of a panic.
//!
//! Memory is taken from where the last piece of it ended, and none is given back before the call is
//! over: then all of it is. That is the least work, and leaves nothing behind for the next call, where
//! an engine uses an instance for several. What a server can make the card take again and again, for
//! each try, is given back in between ([`keeping_outcome`]); everything else is in proportion to the
//! input.

/// Runs `work`, and gives back all the memory that it took, except for its outcome's reason.
///
/// Nothing else that it makes may outlive it.
#[cfg(not(target_family = "wasm"))]
pub fn keeping_outcome(work: impl FnOnce() -> crate::Outcome) -> crate::Outcome {
    work()
}

#[cfg(target_family = "wasm")]
pub use wasm::{end_of_call, keeping_outcome, start_of_call};

#[cfg(target_family = "wasm")]
mod wasm {
    #![allow(unsafe_code, reason = "an allocator")]

    use alloc::string::String;
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32;
    use core::cell::Cell;
    use core::ptr;

    use crate::Outcome;
    use crate::bindings::profiles::{Error, Output};

    const PAGE: usize = 1 << 16;

    /// Pages that memory grows by at least: asking for each of them would take time.
    const GROWTH: usize = 4;

    unsafe extern "C" {
        /// Where the linker's own data end.
        static __heap_base: u8;
    }

    #[global_allocator]
    static HEAP: Heap = Heap {
        next: Cell::new(0),
        end: Cell::new(0),
        is_over: Cell::new(true),
    };

    struct Heap {
        /// Where free memory starts.
        next: Cell<usize>,
        /// Where memory ends.
        end: Cell<usize>,
        /// Whether all that is in it belongs to a call that is over.
        is_over: Cell<bool>,
    }

    // SAFETY: there are no threads here.
    unsafe impl Sync for Heap {}

    impl Heap {
        /// Makes `end` the start of free memory, where there is as much, or there can be.
        fn take_up_to(&self, end: usize) -> bool {
            let missing = end.saturating_sub(self.end.get());
            if missing > 0 {
                let pages = missing.div_ceil(PAGE).max(GROWTH);
                let before = wasm32::memory_grow::<0>(pages);
                if before == usize::MAX {
                    return false;
                }
                self.end.set((before + pages).saturating_mul(PAGE));
            }
            self.next.set(end);
            true
        }
    }

    // SAFETY: each piece starts where the one before it ends, or behind.
    unsafe impl GlobalAlloc for Heap {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let Some(start) = self.next.get().checked_next_multiple_of(layout.align()) else {
                return ptr::null_mut();
            };
            let end = start.saturating_add(layout.size());
            if self.take_up_to(end) {
                start as *mut u8
            } else {
                ptr::null_mut()
            }
        }

        unsafe fn dealloc(&self, _piece: *mut u8, _layout: Layout) {}

        unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            let start = piece as usize;
            if start + layout.size() == self.next.get() {
                // The last piece grows, or shrinks, where it is.
                let end = start.saturating_add(size);
                return if self.take_up_to(end) {
                    piece
                } else {
                    ptr::null_mut()
                };
            }
            if size <= layout.size() {
                return piece;
            }
            // SAFETY: the size is the caller's, for whom the layout is one.
            let layout_of_new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
            // SAFETY: both pieces have `layout.size()` bytes, and the new one is behind the old.
            unsafe {
                let new = self.alloc(layout_of_new);
                if !new.is_null() {
                    ptr::copy_nonoverlapping(piece, new, layout.size());
                }
                new
            }
        }
    }

    /// What engines take memory by, for parameters and for what the host hands over.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn cabi_realloc(
        piece: *mut u8,
        size: usize,
        align: usize,
        new_size: usize,
    ) -> *mut u8 {
        if HEAP.is_over.replace(false) {
            HEAP.next.set((&raw const __heap_base) as usize);
            HEAP.end
                .set(wasm32::memory_size::<0>().saturating_mul(PAGE));
        }
        if new_size == 0 {
            // Nothing is there: any address will do that is aligned, and is not null.
            return align as *mut u8;
        }
        // SAFETY: the canonical ABI passes sizes and alignments of its types.
        let new = unsafe {
            let layout = Layout::from_size_align_unchecked(size, align);
            HEAP.realloc(piece, layout, new_size)
        };
        if new.is_null() {
            wasm32::unreachable();
        }
        new
    }

    /// Gives back the memory of the call before, at the first sign of another: until then, the engine
    /// may still read its results.
    pub fn start_of_call() {
        if HEAP.is_over.replace(false) {
            HEAP.next.set((&raw const __heap_base) as usize);
            HEAP.end
                .set(wasm32::memory_size::<0>().saturating_mul(PAGE));
        }
    }

    pub fn end_of_call() {
        HEAP.is_over.set(true);
    }

    pub fn keeping_outcome(work: impl FnOnce() -> Outcome) -> Outcome {
        let before = HEAP.next.get();
        let mut outcome = work();
        HEAP.next.set(before);
        if let Ok(Output {
            reason: Some(reason),
            ..
        })
        | Err(Error::PermanentDenied(reason) | Error::Transport(reason)) = &mut outcome
        {
            // It is copied to where the free memory starts, in front of where it is now: the pieces
            // may overlap.
            // SAFETY: the memory that was given back is still there.
            unsafe {
                let length = reason.len();
                let copy = HEAP.alloc(Layout::from_size_align_unchecked(length, 1));
                ptr::copy(reason.as_ptr(), copy, length);
                *reason = String::from_raw_parts(copy, length, length);
            }
        }
        outcome
    }
}

/// A trap: the engine reports it, and the instance is not used again.
#[cfg(target_family = "wasm")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
