// Package delivery proves what the service promises of its messages with several
// carriers: that one carrier's trouble is another one's message, soon and once, and that
// what waits behind a dead carrier goes when it is back.
//
// The one idea is the whole service on a real database, with carriers that are real
// servers on loopback, each of which can be made to fail in one way at a time. It gives
// no figures to rely upon: those are of the long form, on a quiet machine.
package delivery
