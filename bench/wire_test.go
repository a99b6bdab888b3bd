package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestMessageRead(t *testing.T) {
	tests := []struct {
		name, text   string
		status       int
		body         string
		closes       bool
		err          error
		otherFailure bool
	}{
		{name: "length", text: "HTTP/1.1 200 OK\r\ncontent-length:  2\r\nX: y\r\n\r\n{}", status: 200, body: "{}"},
		{name: "chunks", text: "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n", status: 201, body: "{}0123456789"},
		{name: "closing", text: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status: 400, closes: true},
		{name: "request", text: "POST /v2/messages HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", body: "x"},
		{name: "nothing", text: "", err: io.EOF},
		{name: "cut in line", text: "HTTP/1.1 2", err: io.ErrUnexpectedEOF},
		{name: "cut in headers", text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", err: io.ErrUnexpectedEOF},
		{name: "cut in body", text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", err: io.ErrUnexpectedEOF},
		{name: "cut in chunk", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", err: io.ErrUnexpectedEOF},
		{name: "negative", text: "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", otherFailure: true},
		{name: "huge", text: "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", otherFailure: true},
		{name: "huge chunk", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", otherFailure: true},
		{name: "no header", text: "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", otherFailure: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// One byte at a time: a real connection cuts where it likes.
			r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(test.text)))
			var m message
			err := m.read(r)
			if test.otherFailure {
				if err == nil {
					t.Fatal("no error")
				}
				return
			}
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err == nil && (m.status() != test.status || string(m.body) != test.body || m.closes != test.closes) {
				t.Errorf("status %d, body %q, closes %t", m.status(), m.body, m.closes)
			}
		})
	}
}

func TestMessageReadAgain(t *testing.T) {
	one := "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
	two := "HTTP/1.1 204 No Content\r\n\r\n"
	r := bufio.NewReader(strings.NewReader(one + two))
	var m message
	if err := m.read(r); err != nil || string(m.body) != "abc" {
		t.Fatalf("%q, %v", m.body, err)
	}
	if err := m.read(r); err != nil || m.status() != 204 || len(m.body) != 0 || m.closes || m.length != -1 {
		t.Fatalf("the second message keeps something of the first: %+v, %v", m, err)
	}
	if err := m.read(r); !errors.Is(err, io.EOF) {
		t.Fatalf("%v at the end, want io.EOF", err)
	}
}

func TestField(t *testing.T) {
	body := []byte(`{"data": {"verify_profile_id":"p", "id" : "v1","n":5,"response_code":"accepted"}}`)
	for name, want := range map[string]string{
		`"id"`: "v1", `"response_code"`: "accepted", `"verify_profile_id"`: "p", `"n"`: "", `"none"`: "",
	} {
		if got := string(field(body, name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, cut := range []string{``, `{"id"`, `{"id":`, `{"id":"x`} {
		if got := field([]byte(cut), `"id"`); got != nil {
			t.Errorf("%q: %q", cut, got)
		}
	}
}

func TestCodeIn(t *testing.T) {
	for text, want := range map[string]string{
		"Your verification code is 123456.":     "123456",
		"4821 is your code for 2 shops":         "4821",
		"In 10 minutes or 300 s: 12345678901 x": "",
		"no code":                               "",
		"":                                      "",
	} {
		got := codeIn([]byte(text))
		if string(got.text()) != want {
			t.Errorf("%q: %q, want %q", text, got.text(), want)
		}
	}
}
