package smpp

import "countersign/internal/verify"

// news is a receipt for the core, and how to thank for it.
type news struct {
	receipt verify.Receipt
	thank   func(status)
}

const (
	// listeners is how many receipts the core is told of at a time.
	listeners = 8
	// maxNews is how many wait for that.
	maxNews = 1024
)

// tell hands receipts to the core. A receipt is answered afterwards, so that the centre
// repeats one that this process takes to its grave.
func (l *link) tell() {
	for n := range l.news {
		l.set.tell(n.receipt)
		if n.thank != nil {
			n.thank(ok)
		}
	}
}

// push queues what the core is to be told. There is room, as delivered sees to.
func (l *link) push(n news) bool {
	select {
	case l.news <- n:
		return true
	default:
		return false
	}
}

// taken is of a listener.
func (l *link) taken(m *sent, p pdu, late bool) {
	var early, word *verify.Receipt
	if p.taken() {
		early = l.tracks.take(m, readMessageID(p.body))
	}
	if late {
		word = l.tracks.late(m, p)
	}
	for _, r := range []*verify.Receipt{word, early} {
		if r != nil && l.set.tell != nil {
			l.push(news{receipt: *r})
		}
	}
}

// delivered is of a listener. What is no receipt, as a person's answer, is thanked for
// and dropped.
func (l *link) delivered(p pdu, reply func(status)) {
	d, whole := readDelivered(p.body)
	switch {
	case !whole:
		l.set.log.Warn("smpp: a deliver_sm that cannot be read was refused")
		reply(receiverRefuses)
		return
	case !d.isReceipt() || l.set.tell == nil:
		reply(ok)
		return
	case len(l.news) > cap(l.news)/2:
		reply(receiverBusy) // the centre tries again later
		return
	}
	w, understood := d.word()
	if !understood {
		l.set.log.Warn("smpp: a receipt says nothing that is understood")
		reply(ok)
		return
	}
	receipt := l.tracks.hear(w)
	if l.tracks.found() {
		l.set.log.Info("smpp: receipts name messages in another form than answers do; say which one as receipt_ids, so that receipts are found after a restart, too")
	}
	if receipt == nil || !l.push(news{*receipt, reply}) {
		reply(ok)
	}
}
