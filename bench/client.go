package main

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"time"
)

// client speaks HTTP/1.1 over one kept connection, one request at a time. It is
// written by hand because the generator shares its cores with what it measures:
// net/http's client would cost more than some of the servers here. The floors are
// asked by the same client, so the ratios owe it nothing.
type client struct {
	addr     string
	head     string // from the end of the path to the value of Content-Length
	deadline time.Time
	conn     net.Conn // nil: dial before the next request
	r        *bufio.Reader
	out      []byte
	in       message
}

func newClient(addr, bearer string) *client {
	head := " HTTP/1.1\r\nHost: " + addr +
		"\r\nAuthorization: Bearer " + bearer +
		"\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: "
	return &client{addr: addr, head: head}
}

// post sends body and returns the answer, which is valid until the next request.
// After an error, or if the other side closes, the next request dials anew.
func (c *client) post(path, body []byte) (status int, answer []byte, err error) {
	return c.do("POST ", path, body)
}

// get asks for a path without a body.
func (c *client) get(path string) (status int, answer []byte, err error) {
	return c.do("GET ", []byte(path), nil)
}

func (c *client) do(method string, path, body []byte) (int, []byte, error) {
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return 0, nil, err
		}
	}
	c.out = append(c.out[:0], method...)
	c.out = append(c.out, path...)
	c.out = append(c.out, c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if _, err := c.conn.Write(c.out); err != nil {
		c.close()
		return 0, nil, err
	}
	if err := c.in.read(c.r); err != nil {
		c.close()
		return 0, nil, broken(err)
	}
	status := c.in.status()
	if status == 0 || (c.in.length < 0 && !c.in.chunked && status != 204) {
		c.close()
		return 0, nil, fmt.Errorf("an answer without status or length: %q", c.in.first)
	}
	if c.in.closes {
		c.close()
	}
	return status, c.in.body, nil
}

func (c *client) dial() error {
	conn, err := net.DialTimeout("tcp", c.addr, 5*time.Second)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(c.deadline); err != nil {
		return err
	}
	c.conn, c.r = conn, bufio.NewReaderSize(conn, 4096)
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
