//! Why a packet was not forwarded to a backend.
//!
//! Never changes a number: user space reads the counters by it.

/// Makes the enum, and its list with words.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal $word:literal,)+) => {
        /// Why a packet was not forwarded to a backend; the index of its counter in `DROPS`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $name = $number,)+
        }

        impl Reason {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// What a person reads.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

reasons! {
    /// To the kernel: its destination is no service.
    NoService = 0 "no-service",
    /// To the kernel: neither IPv4 nor IPv6.
    NotIp = 1 "not-ip",
    /// To the kernel, which says so to its sender: TTL or hop limit would be used up.
    TimeExceeded = 2 "time-exceeded",
    /// To the kernel: an option or an extension header that each router has to read.
    RouterOption = 3 "router-option",
    /// To the kernel, which asks for it: the hardware address of the next hop is not known.
    Unresolved = 4 "unresolved",
    /// To the kernel: the service has no backend, and its packets go the way of routes.
    NoBackendPass = 5 "no-backend-routed",
    /// An answer of a backend, given the service's address, and on to the kernel.
    Returned = 6 "returned",
    /// To its sender: an answer to an echo request.
    EchoAnswered = 7 "echo-answered",
    /// To its sender: that it was larger than the way to the backend carries.
    TooBig = 8 "too-big",
    /// To nobody: the service has no backend.
    NoBackend = 9 "no-backend",
    /// To nobody: the headers end before they are whole, or contradict each other.
    Malformed = 10 "malformed",
    /// To nobody: a fragment whose first one was not seen.
    StrayFragment = 11 "stray-fragment",
    /// To nobody: a node sent it to a prefix for services, and it would have come back.
    Guarded = 12 "guarded",
    /// To nobody: there was no room for the headers that it needs.
    NoRoom = 13 "no-room",
    /// To nobody: the maps contradict each other.
    Inconsistent = 14 "inconsistent",
    /// To the kernel: an ICMP message of another kind, or whose inner packet is of no service.
    OtherIcmp = 15 "other-icmp",
}

/// How many counters `DROPS` has: the reasons, and room for more.
pub const REASONS: usize = 32;

const _: () = assert!(Reason::ALL.len() <= REASONS);
