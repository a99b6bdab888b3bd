// Package history is the proof that guesses are counted and codes accepted as
// promised when many clients ask at once, nodes fail and clocks lie. It is tests
// and nothing else.
//
// The one idea is that the whole service runs, as an operator runs it: HTTP on a
// listener, a real store, a carrier's package that speaks to an imitation of that
// carrier. The tests know only what a client is told, and judge that: an exact
// count (exact_test.go), a sequential model that every concurrent history must
// agree with (model_test.go, linear_test.go), and a true time that no node's clock
// need agree with (clock_test.go). What the core decides row by row is tested in
// package verify, and the death of processes elsewhere.
package history
