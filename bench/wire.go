package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// message is one HTTP/1.1 request or response as far as this program needs it.
// It is read again and again into the same memory.
type message struct {
	first   []byte // request line or status line
	body    []byte
	length  int // -1: no Content-Length
	chunked bool
	closes  bool // the other side will close the connection
}

// longestBody keeps a broken peer from filling our memory.
const longestBody = 1 << 20

var (
	headerLength     = []byte("Content-Length")
	headerEncoding   = []byte("Transfer-Encoding")
	headerConnection = []byte("Connection")
)

// read takes the next message off r. It returns io.EOF only if nothing came.
func (m *message) read(r *bufio.Reader) error {
	line, err := readLine(r)
	if err != nil {
		return err
	}
	m.first = append(m.first[:0], line...)
	m.body = m.body[:0]
	m.length, m.chunked, m.closes = -1, false, false
	for {
		line, err := readLine(r)
		if err != nil {
			return broken(err)
		}
		if len(line) == 0 {
			break
		}
		if err := m.header(line); err != nil {
			return err
		}
	}
	if m.chunked {
		return broken(m.readChunks(r))
	}
	return broken(m.readBody(r, max(0, m.length)))
}

func (m *message) header(line []byte) error {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found {
		return fmt.Errorf("no header line: %q", line)
	}
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, headerLength):
		n, err := strconv.Atoi(string(value))
		if err != nil || n < 0 || n > longestBody {
			return fmt.Errorf("a body of %q bytes", value)
		}
		m.length = n
	case bytes.EqualFold(name, headerEncoding):
		m.chunked = bytes.EqualFold(value, []byte("chunked"))
	case bytes.EqualFold(name, headerConnection):
		m.closes = bytes.EqualFold(value, []byte("close"))
	}
	return nil
}

// readBody appends n bytes to the body.
func (m *message) readBody(r *bufio.Reader, n int) error {
	have := len(m.body)
	if have+n > longestBody {
		return errors.New("the body is too long")
	}
	if cap(m.body) < have+n {
		m.body = append(make([]byte, 0, 2*(have+n)), m.body...)
	}
	m.body = m.body[:have+n]
	_, err := io.ReadFull(r, m.body[have:])
	return err
}

func (m *message) readChunks(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil {
			return fmt.Errorf("a chunk of %q bytes", size)
		}
		if n == 0 {
			return skipTrailer(r)
		}
		if err := m.readBody(r, int(n)); err != nil {
			return err
		}
		if _, err := readLine(r); err != nil {
			return err
		}
	}
}

func skipTrailer(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// status is the code of a response's status line, or 0 if it has none.
func (m *message) status() int {
	if len(m.first) < len("HTTP/1.1 200") || !bytes.HasPrefix(m.first, []byte("HTTP/1.")) {
		return 0
	}
	code := 0
	for _, d := range m.first[9:12] {
		if d < '0' || d > '9' {
			return 0
		}
		code = code*10 + int(d-'0')
	}
	return code
}

// readLine returns a line without its end. It is valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		if len(line) > 0 {
			return nil, broken(err)
		}
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// broken makes an end in the middle of a message differ from one between two.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// field returns the text of a JSON string field, found by its quoted name. It
// does not parse: the answers it reads are known, hold no escapes in these
// fields and name each of them once before any value could look like it.
func field(body []byte, quotedName string) []byte {
	at := bytes.Index(body, []byte(quotedName))
	if at < 0 {
		return nil
	}
	rest := bytes.TrimLeft(body[at+len(quotedName):], " \t\r\n")
	if len(rest) == 0 || rest[0] != ':' {
		return nil
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(rest) == 0 || rest[0] != '"' {
		return nil
	}
	end := bytes.IndexByte(rest[1:], '"')
	if end < 0 {
		return nil
	}
	return rest[1 : 1+end]
}
