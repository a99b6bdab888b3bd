package sendertest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// serve runs a server whose handler begins when the whole request has come. Only
// then does the request's context end with the connection, too.
func serve(t *testing.T, handler func(w http.ResponseWriter, r *http.Request, body []byte)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		handler(w, r, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// answer runs a server that always answers the same.
func answer(t *testing.T, status int, body string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // some statuses have no body
	})
}

// listen runs a server that treats connections by hand, below HTTP. They stay
// open until treat closes them or the test ends.
func listen(t *testing.T, treat func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		open    []*net.TCPConn
	)
	running.Go(func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			running.Go(func() { treat(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return "http://" + listener.Addr().String()
}

// readRequest reads a whole request off a connection, or says that none came.
func readRequest(conn net.Conn) (*http.Request, bool) {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return nil, false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r, err == nil
}

// afterRequest runs a server that reads a request, writes some bytes and goes on
// as then says.
func afterRequest(t *testing.T, bytes string, then func(*net.TCPConn)) string {
	t.Helper()
	return listen(t, func(conn *net.TCPConn) {
		if _, ok := readRequest(conn); !ok {
			return
		}
		_, _ = io.WriteString(conn, bytes) // the sender may have gone
		then(conn)
	})
}

func hold(*net.TCPConn) {}

func hangUp(conn *net.TCPConn) { _ = conn.Close() }

// reset closes so that the far side is told of an error instead of an end.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
