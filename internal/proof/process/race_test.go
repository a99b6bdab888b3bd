//go:build race

package process

// raceArgs builds the program as the tests are built.
var raceArgs = []string{"-race"}
