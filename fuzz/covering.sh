#!/bin/sh
# A wrapper of rustc (RUSTC_WRAPPER) that has the library and the replay count which lines run, and leaves every dependency as it is.
case " $* " in
*" --crate-name twinlock "* | *" --crate-name twinlock_fuzz "* | *" --crate-name replay "*) exec "$@" -C instrument-coverage ;;
*) exec "$@" ;;
esac
