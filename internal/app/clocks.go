package app

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/verify"
)

// clocked is a store whose server has a clock of its own, which all nodes can
// compare theirs with.
type clocked interface {
	Clock(context.Context) (time.Time, error)
}

// compareClocks refuses a clock that is further from the database server's than
// nodes' clocks may be from each other: such a node would take others' codes for
// expired, or its own for good too long. Where the server has no clock of its own
// there is nothing to compare.
func compareClocks(ctx context.Context, s verify.Store, now func() time.Time) error {
	server, ok := s.(clocked)
	if !ok {
		return nil
	}
	before := now()
	theirs, err := server.Clock(ctx)
	if err != nil {
		return err
	}
	after := now()
	ahead, behind := before.Sub(theirs), theirs.Sub(after)
	if wrong := max(ahead, behind); wrong > verify.ClockSlack {
		way := "ahead of"
		if behind > ahead {
			way = "behind"
		}
		return fmt.Errorf("the clock of this machine is %s %s the database server's, and %s are allowed for: set both right, by NTP",
			wrong.Round(time.Second), way, verify.ClockSlack)
	}
	return nil
}
