// Package process proves, with the real program in real processes, what is
// promised of a service that is killed, restarted and run as several nodes:
// nothing acknowledged is lost or undone, nothing counts twice, and what a dead
// node held is taken over.
//
// The one idea is a book. Clients keep nodes under load over the Telnyx dialect,
// as an application does, and write down what they were told. Processes are killed
// at moments that are events and not times (an answer has just arrived, a carrier
// has the message and has not answered), and the book is then held against what
// the service says and what the carrier got.
//
// It holds tests alone. It sees what a client, a carrier and an operator see and
// nothing of the inside; a disk that loses writes is not its affair, since a killed
// process loses none that it made.
package process
