package smpp

import (
	"encoding/binary"
	"errors"
	"io"
)

// command is a command_id (SMPP v3.4, 5.1.2.1).
type command uint32

const (
	bindTransmitter   command = 0x02
	submitSM          command = 0x04
	deliverSM         command = 0x05
	unbind            command = 0x06
	bindTransceiver   command = 0x09
	outbind           command = 0x0b
	enquireLink       command = 0x15
	alertNotification command = 0x102

	response    command = 0x80000000 // of a response, with the request's other bits
	genericNack command = 0x80000000
)

// pdu is one protocol data unit (SMPP v3.4, 3.2).
type pdu struct {
	command  command
	status   status
	sequence uint32
	body     []byte
}

const (
	headerSize = 16
	// maxPDU is how long a PDU may be that we read. A receipt has some 300 bytes, and
	// the longest text that a person sends in parts is a few thousand.
	maxPDU = 16 << 10
	// maxSequence is the last sequence number (SMPP v3.4, 5.1.4).
	maxSequence = 0x7fffffff
)

// taken says whether an answer is one of success.
func (p pdu) taken() bool { return p.status == ok && p.command != genericNack }

// bytes is the PDU as it travels.
func (p pdu) bytes() []byte {
	out := make([]byte, headerSize, headerSize+len(p.body))
	binary.BigEndian.PutUint32(out, uint32(headerSize+len(p.body)))
	binary.BigEndian.PutUint32(out[4:], uint32(p.command))
	binary.BigEndian.PutUint32(out[8:], uint32(p.status))
	binary.BigEndian.PutUint32(out[12:], p.sequence)
	return append(out, p.body...)
}

// errLength ends a session: nobody can tell where the next PDU begins.
var errLength = errors.New("a PDU shorter or longer than any has to be")

// readPDU reads one PDU. With errLength comes one that has its header alone, to be
// answered.
func readPDU(r io.Reader) (pdu, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return pdu{}, err
	}
	p := pdu{
		command:  command(binary.BigEndian.Uint32(header[4:])),
		status:   status(binary.BigEndian.Uint32(header[8:])),
		sequence: binary.BigEndian.Uint32(header[12:]),
	}
	length := binary.BigEndian.Uint32(header[:])
	if length < headerSize || length > maxPDU {
		return p, errLength
	}
	p.body = make([]byte, length-headerSize)
	_, err := io.ReadFull(r, p.body)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // it broke off after the header
	}
	return p, err
}

// fields reads a body from its head. What is not there reads as nothing, and short
// says so.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n > len(f.rest) {
		f.rest, f.short = nil, true
		return nil
	}
	out := f.rest[:n]
	f.rest = f.rest[n:]
	return out
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

// maxString bounds a C-octet string. The longest here is a message_id of 65 bytes
// (SMPP v3.4, 5.2.23), and there are centres that count wrongly.
const maxString = 128

// text reads a C-octet string: up to the zero that ends it (SMPP v3.4, 3.1).
func (f *fields) text() string {
	for i, b := range f.rest[:min(len(f.rest), maxString)] {
		if b == 0 {
			return string(f.take(i + 1)[:i])
		}
	}
	f.rest, f.short = nil, true
	return ""
}

// tag is that of an optional parameter (SMPP v3.4, 5.3.2).
type tag uint16

const (
	receiptedMessageID tag = 0x001e
	networkErrorCode   tag = 0x0423
	messagePayload     tag = 0x0424
	messageState       tag = 0x0427
)

// parameters reads the optional parameters to the end of the body; of one that comes
// twice the first counts.
func (f *fields) parameters() map[tag][]byte {
	out := map[tag][]byte{}
	for len(f.rest) > 0 && !f.short {
		head := f.take(4)
		if head == nil {
			break
		}
		name := tag(binary.BigEndian.Uint16(head))
		value := f.take(int(binary.BigEndian.Uint16(head[2:])))
		if _, twice := out[name]; !twice && !f.short {
			out[name] = value
		}
	}
	return out
}

// cString appends a C-octet string. No value of ours holds a zero.
func cString(to []byte, text string) []byte { return append(append(to, text...), 0) }

// delivered is what is understood of a deliver_sm (SMPP v3.4, 4.6.1).
type delivered struct {
	source, destination string
	class               byte // esm_class
	coding              byte
	text                []byte
	parameters          map[tag][]byte
}

func readDelivered(body []byte) (delivered, bool) {
	f := &fields{rest: body}
	var d delivered
	_ = f.text() // service_type
	_ = f.take(2)
	d.source = f.text()
	_ = f.take(2)
	d.destination = f.text()
	d.class = f.byte()
	_ = f.take(2)             // protocol_id, priority_flag
	_, _ = f.text(), f.text() // schedule_delivery_time, validity_period
	_ = f.take(2)             // registered_delivery, replace_if_present_flag
	d.coding = f.byte()
	_ = f.byte() // sm_default_msg_id
	d.text = f.take(int(f.byte()))
	d.parameters = f.parameters()
	if len(d.text) == 0 {
		d.text = d.parameters[messagePayload]
	}
	return d, !f.short
}

// readMessageID reads a submit_sm_resp. A name that cannot be read is none: the
// status has said that the message was taken.
func readMessageID(body []byte) string {
	f := &fields{rest: body}
	return plain(f.text())
}

// plain returns a centre's name for a message if it can stand in a log, else nothing.
func plain(id string) string {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return ""
		}
	}
	if len(id) > maxID {
		return ""
	}
	return id
}

// maxID is how long a message_id may be without its zero (SMPP v3.4, 5.2.23).
const maxID = 64
