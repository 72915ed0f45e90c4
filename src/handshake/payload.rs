//! Payloads, typed by what they are worth (docs/protocol.md, section 6.5). Each is at most 4,096 bytes.

use alloc::vec::Vec;
use core::fmt;

macro_rules! payload {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq)]
        pub struct $name(Vec<u8>);

        impl $name {
            /// The bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// The bytes, taken out.
            pub fn into_bytes(self) -> Vec<u8> {
                self.0
            }
        }

        impl<B: Into<Vec<u8>>> From<B> for $name {
            fn from(bytes: B) -> Self {
                Self(bytes.into())
            }
        }

        /// Shows the length alone.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

payload! {
    /// In the first message. It comes from nobody that was proved, and everybody can read it. With a pre-shared key: from a holder of that key, or a
    /// replay of one; its holders can read it.
    Unproved
}

payload! {
    /// In the second message. It comes from the responder, which is proved. Whoever sent the first message can read it, and nobody knows yet who that is.
    ToAnybody
}

payload! {
    /// In the third message: it comes from the proved initiator, and the proved responder alone can read it. In the second of `resume`: it comes from the responder that has
    /// removed the secret, and whoever sent the first message can read it.
    Full
}

payload! {
    /// In the second message of `IK`. It comes from the responder, which is proved. Whoever holds the initiator's static key can read it, now or later: nobody has confirmed
    /// yet whose the ephemeral key is.
    ToHolder
}

payload! {
    /// In the first message of `resume`. It comes from the holder of the secret, who alone can read it besides the responder; forward secret once the responder has removed the
    /// secret. It is processed at most once, perhaps without an answer ever arriving.
    Early
}
