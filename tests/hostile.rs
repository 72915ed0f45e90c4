//! Both ends in one place and a hostile network between: what it changes, drops, doubles, swaps, reflects, replays or makes up is noticed, in every suite.
//!
//! Everything here goes through the public interface, without IO. Messages that only somebody with the keys can make are in src/handshake/tests and
//! src/channel/stream/tests. `conformance!` below is the one list: each of its tests runs in each of its suites, as `round3::changed::…`. What concerns several
//! suites at once is in hostile/mixed.rs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod support;

#[path = "hostile/between.rs"]
mod between;
#[path = "hostile/changed.rs"]
mod changed;
#[path = "hostile/mixed.rs"]
mod mixed;
#[path = "hostile/randomness.rs"]
mod randomness;
#[path = "hostile/records.rs"]
mod records;
#[path = "hostile/settings.rs"]
mod settings;
#[path = "hostile/signer.rs"]
mod signer;
#[path = "hostile/trust.rs"]
mod trust;

use support::pair::{self, Ends};
use support::sizes::Sizes;
use twinlock::handshake::Pattern;
use twinlock::{Identity, Suite};

/// What a suite may be excused from. A test that excuses it looks here by name, and asserts the opposite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Exemption {
    /// Signing the same twice gives different bytes.
    Hedging,
    /// All randomness comes from the generator that was handed in.
    InjectedRandomness,
}

/// A suite, and what it is excused from.
struct Case {
    suite: Suite,
    exempt: &'static [Exemption],
}

impl Case {
    fn ends(&self, pattern: Pattern) -> Ends<'static> {
        Ends::new(self.suite, pattern)
    }

    fn seeded(&self, pattern: Pattern, seeds: [u64; 2]) -> Ends<'static> {
        Ends::seeded(self.suite, pattern, seeds)
    }

    fn alice(&self) -> &'static Identity {
        pair::alice(self.suite)
    }

    fn bob(&self) -> &'static Identity {
        pair::bob(self.suite)
    }

    fn eve(&self) -> &'static Identity {
        pair::eve(self.suite)
    }

    fn sizes(&self) -> &'static Sizes {
        Sizes::of(self.suite)
    }

    /// How far apart stands what is tried in one pattern. Optimised, all of it is tried once, in one of the patterns that have such a message, which look alike;
    /// where P-384 takes most of the time a part. A debug build leaves most of it out. With TWINLOCK_THOROUGH set everything is tried in every pattern.
    fn step(&self, debug: usize, patterns: usize) -> usize {
        if std::env::var_os("TWINLOCK_THOROUGH").is_some() {
            return 1;
        }
        match (cfg!(debug_assertions), self.suite.id()) {
            (false, 0x0002) => patterns * 5,
            (false, _) => patterns,
            (true, 0x0002) => debug * 3,
            (true, _) => debug,
        }
    }

    fn is_exempt(&self, from: Exemption) -> bool {
        self.exempt.contains(&from)
    }

    /// What the responder allows: this suite, and those of the same identity that need not be named.
    fn allowed(&self) -> &'static [u16] {
        match self.suite.id() {
            0x0001 | 0x0003 => &[0x0001, 0x0003],
            0x0002 => &[0x0002],
            _ => &[0x7E03],
        }
    }
}

/// First a line a suite, with what it is excused from; then the tests of each module.
macro_rules! conformance {
    ({$($(#[$built:meta])? $name:ident: $suite:ident, exempt: [$($exempt:ident),*];)*} $tests:tt) => {
        const SUITES: &[Case] = &[$($(#[$built])? Case { suite: Suite::$suite, exempt: &[$(Exemption::$exempt),*] },)*];
        $($(#[$built])? conformance! { @suite $name $suite $tests })*
    };
    (@suite $name:ident $suite:ident {$($module:ident { $($(#[$when:meta])? $test:ident)* })*}) => {
        mod $name {
            $(mod $module {
                $($(#[$when])?
                #[test]
                fn $test() {
                    crate::$module::$test(crate::case(twinlock::Suite::$suite));
                })*
            })*
        }
    };
}

fn case(suite: Suite) -> &'static Case {
    SUITES.iter().find(|case| case.suite == suite).unwrap()
}

conformance! {
    {
        level3_chacha: Level3ChaCha, exempt: [];
        level3_aes: Level3Aes, exempt: [];
        #[cfg(feature = "level5")]
        level5_aes: Level5Aes, exempt: [];
        #[cfg(feature = "round3")]
        round3: Round3, exempt: [Hedging, InjectedRandomness];
    }
    {
        between {
            a_message_is_taken_out_of_its_order
            a_reflected_message_is_taken_for_the_peers
            a_message_of_another_run_is_taken
            a_recorded_initiator_gets_a_channel
            a_recorded_responder_gets_a_channel
            somebody_between_is_taken_for_the_peer
            somebody_who_only_passes_on_changes_who_meets_whom
            somebody_between_speaks_to_one_as_the_other
            one_side_thinks_that_the_keys_are_shared_with_somebody_else
        }
        changed {
            a_flipped_byte_in_message_1_goes_unnoticed
            a_flipped_byte_in_message_2_goes_unnoticed
            a_flipped_byte_in_message_3_goes_unnoticed
            a_message_cut_or_made_longer_is_read
            a_header_before_too_long_a_body_is_looked_at
            a_frame_that_is_not_whole_is_read
            a_message_has_another_size_than_the_table
            a_value_has_another_size_than_the_table
            a_key_that_is_none_is_encapsulated_to
            nothing_is_said_in_clear_but_the_header_and_the_keys
        }
        randomness {
            a_failing_generator_makes_keys
            a_failing_generator_sends_a_handshake_message
            a_failing_generator_renews_a_key
            randomness_comes_from_elsewhere_than_the_generator_that_was_given
            a_stuck_generator_makes_two_peers_share_keys
        }
        records {
            a_flipped_byte_in_a_record_goes_unnoticed
            a_record_cut_anywhere_is_read
            a_transport_cut_between_records_is_the_end
            a_record_dropped_doubled_or_swapped_is_read
            a_reflected_record_is_taken_for_the_peers
            a_record_of_another_conversation_is_read
            a_failed_record_can_be_tried_again
            a_forged_record_is_decrypted
            a_stranger_makes_the_reader_take_memory
            two_conversations_export_the_same
            a_renewal_leaves_a_side_behind
        }
        settings {
            two_applications_with_different_prologues_meet
            a_changed_suite_or_pattern_is_gone_along_with
            strangers_to_the_psk_are_answered
            a_psk_on_one_side_only_is_left_out
            one_of_two_psks_does_not_work_while_rotating
            a_psk_alone_makes_the_keys
            a_busy_responder_does_the_work
            an_unknown_status_is_more_than_a_refusal
            a_stranger_gets_in_where_identities_are_asked_for
            a_payload_above_the_bound_is_cut
        }
        signer {
            a_signer_elsewhere_cannot_take_part
            a_wrong_signature_from_elsewhere_is_sent
            #[cfg(feature = "level5")]
            the_padding_of_a_signature_carries_something
            an_identity_without_its_key_signs
            signing_the_same_thing_twice_gives_the_same_bytes
        }
        trust {
            a_judge_accepts_somebody_else
            #[cfg(feature = "level5")]
            the_policy_of_cnsa_2_lets_another_suite_through
            an_initiator_shows_itself_to_whom_it_does_not_want
            a_refused_initiator_learns_nothing_or_too_much
            a_refusal_tells_its_reason
            an_unwanted_stranger_costs_a_signature
            an_anonymous_initiator_takes_any_responder
            a_policy_is_lost_behind_another
        }
    }
}

#[test]
fn a_suite_of_this_build_is_left_out() {
    assert_eq!(SUITES.iter().map(|case| case.suite).collect::<Vec<_>>(), Suite::ALL);
    let (excused, strict): (Vec<_>, Vec<_>) = SUITES.iter().partition(|case| !case.exempt.is_empty());
    assert!(excused.iter().all(|case| case.suite.id() == 0x7E03) && strict.len() >= 2);
}
