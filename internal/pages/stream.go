package pages

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/verify"
)

const (
	// streamEvery is how often a stream looks: what it tells is a comfort.
	streamEvery = 1500 * time.Millisecond
	// streamFor ends a stream; a browser that wants more of it comes again. It is short of
	// what proxies cut.
	streamFor = 50 * time.Second
	// maxStreams is how many there are at a time, and maxStreamsEach of one verification:
	// nobody takes all. Who comes after that goes without.
	maxStreams, maxStreamsEach = 500, 3
)

// news is what a stream tells of the newest message.
type news struct {
	State string `json:"state"`
	Text  string `json:"text"`
	Other bool   `json:"other"` // another channel is to be offered
}

// follow is GET /events: how the newest message fares, as server-sent events, to a page
// that shows the code form. It changes nothing and decides nothing.
func (at *place) follow(w http.ResponseWriter, r *http.Request) {
	v := at.visit(r)
	over := at.session != nil && at.session.StatusAt(at.p.Now()) != verify.SessionOpen
	if over || !v.begun() || v.accepted() || lookAhead(r) {
		w.WriteHeader(http.StatusNoContent) // a browser does not come again after that
		return
	}
	row, err := at.p.Engine.Verification(r.Context(), v.Verification)
	if err != nil {
		at.unreadable(w, r, err)
		return
	}
	if row == nil || row.StatusAt(at.p.Now()) != verify.Pending { // else old ones, of which anybody has many, take all streams
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if !at.p.streams.open(v.Verification) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer at.p.streams.close(v.Verification)
	ctx, cancel := context.WithTimeout(r.Context(), streamFor)
	defer cancel()
	if at.p.Stop != nil {
		defer context.AfterFunc(at.p.Stop, cancel)()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for last := (news{}); ; {
		now, over, err := at.news(ctx, v.Verification)
		if err != nil {
			return // it comes again, and is told then what is wrong
		}
		if now != last {
			if err := at.tell(w, control, now); err != nil {
				return
			}
			last = now
		}
		if over {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (at *place) tell(w http.ResponseWriter, control *http.ResponseController, n news) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	// The server's own bound on answers is for answers that are made at once.
	if err := control.SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "retry: 5000\ndata: %s\n\n", text); err != nil {
		return err
	}
	return control.Flush()
}

// news looks at the newest message; over says that nothing more will come.
func (at *place) news(ctx context.Context, id verify.ID) (n news, over bool, err error) {
	all, err := at.p.Engine.Deliveries(ctx, id)
	if err != nil || len(all) == 0 {
		return at.onItsWay("", "queued"), err == nil, err
	}
	newest := all[len(all)-1]
	switch newest.State {
	case verify.Failed:
		n = news{State: "failed", Text: at.words.labels["delivery.failed"], Other: true}
		if s := sayClass(newest.Class); at.words.has(s) {
			n.Text = at.words.sentence(s).text
		}
		if newest.Class == verify.NotMobile && newest.Channel == verify.SMS && at.offers(verify.Call) {
			n.Text = at.words.labels["delivery.call"]
		}
		return n, true, nil
	case verify.Delivered:
		return at.onItsWay(newest.Channel, "delivered"), true, nil
	case verify.Sent, verify.Unconfirmed:
		return at.onItsWay(newest.Channel, "sent"), false, nil
	}
	return at.onItsWay(newest.Channel, "queued"), false, nil
}

// onItsWay tells of a message that has not failed. A call rings: there is nothing to say.
func (at *place) onItsWay(ch verify.Channel, state string) news {
	if ch == verify.Call {
		return news{State: state}
	}
	return news{State: state, Text: at.words.labels["delivery."+state]}
}

func (at *place) offers(ch verify.Channel) bool { return slices.Contains(at.channels(false), ch) }

// streams counts those that are open.
type streams struct {
	mu   sync.Mutex
	each map[verify.ID]int
	all  int
}

// open says whether there may be one more.
func (s *streams) open(id verify.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxStreams || s.each[id] >= maxStreamsEach {
		return false
	}
	if s.each == nil {
		s.each = map[verify.ID]int{}
	}
	s.all++
	s.each[id]++
	return true
}

func (s *streams) close(id verify.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.each[id]--; s.each[id] <= 0 {
		delete(s.each, id)
	}
}
