package verify

import "time"

// Lease is how long a node may keep a delivery without renewing its claim. A
// dead node's deliveries are free after it, so that they are taken over within
// ten seconds.
const Lease = 8 * time.Second

// RenewEvery is how often a node renews the lease of a delivery that takes long.
const RenewEvery = Lease / 3

// DeliveryState is where a delivery stands. It moves only forward.
type DeliveryState string

// The states.
const (
	Queued      DeliveryState = "queued"
	Sent        DeliveryState = "sent"        // a carrier took it
	Unconfirmed DeliveryState = "unconfirmed" // a carrier may have taken it
	Delivered   DeliveryState = "delivered"   // a carrier says that it has arrived
	Failed      DeliveryState = "failed"
	Dropped     DeliveryState = "dropped" // not needed any more when its turn came
)

// Delivery is one message to be sent. It holds neither address nor code: both
// come from its verification when it is sent.
type Delivery struct {
	Key       DeliveryKey
	Channel   Channel
	State     DeliveryState
	Attempt   int    // how often a node has claimed it
	Node      string // who holds the lease
	DueAt     time.Time
	Carrier   string // who took or refused it last
	CarrierID string // the carrier's name for the message
	Class     Class  // of the last refusal
	// Onward says that at DueAt another carrier is to be asked as well, unless there is
	// good word before: the hedge after silence, or failover after a receipt.
	Onward    bool
	Handovers []Handover
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Open says whether the delivery is in the outbox.
func (d Delivery) Open() bool { return d.State == Queued || d.Onward }
