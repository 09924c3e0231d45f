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

            /// Whether the kernel takes such a packet.
            #[inline(always)]
            #[must_use]
            pub const fn passes(self) -> bool {
                (self as u8) < Self::EchoAnswered as u8
            }

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
    /// To the kernel: an ICMP message that is not for a backend, as of Neighbor Discovery, or one whose inner packet says nothing.
    OtherIcmp = 7 "other-icmp",
    /// To its sender: an answer to an echo request.
    EchoAnswered = 8 "echo-answered",
    /// To its sender: that it was larger than the way to the backend carries.
    TooBig = 9 "too-big",
    /// To nobody: the service has no backend.
    NoBackend = 10 "no-backend",
    /// To nobody: the headers end before they are whole, or contradict each other.
    Malformed = 11 "malformed",
    /// To nobody: a fragment whose first one was not seen.
    StrayFragment = 12 "stray-fragment",
    /// To nobody: a node sent it to a prefix for services, or it would go back to the node that it comes from.
    Guarded = 13 "guarded",
    /// To nobody: there was no room for the headers that it needs.
    NoRoom = 14 "no-room",
    /// To nobody: the maps contradict each other, or the backend is of another family.
    Inconsistent = 15 "inconsistent",
    /// To nobody: it was larger than the way to the backend carries, and too many senders were told so lately.
    TooBigUntold = 16 "too-big-untold",
    /// To nobody, behind the programs: the driver of the link that it was to leave by does not take it, or cannot send it.
    NotSent = 17 "not-sent",
    /// To nobody, behind the programs: the driver of the link that it was to leave by had no room for it.
    QueueFull = 18 "queue-full",
}

/// How many counters `DROPS` has: the reasons, and room for more.
pub const REASONS: usize = 32;

const _: () = assert!(Reason::ALL.len() <= REASONS);
