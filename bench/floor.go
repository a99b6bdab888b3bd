package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// The floors: what net/http itself costs on this machine, and what it costs with
// one request to the carrier inside. No service written in Go on net/http that
// texts a code through an HTTP carrier can be faster than the second.
const (
	bareFloorPath = "/bare"
	postFloorPath = "/post"
)

type floorRequest struct {
	PhoneNumber     string `json:"phone_number"`
	VerifyProfileID string `json:"verify_profile_id"`
}

type floorAnswer struct {
	Data struct {
		ID          string `json:"id"`
		PhoneNumber string `json:"phone_number,omitempty"`
	} `json:"data"`
}

// serveFloor serves both floors until stdin ends, which it does when the bench
// goes, however it goes. Its first line on stdout is the address.
func serveFloor(stdin io.Reader, stdout io.Writer, sinkAddr string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	carrier := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 512},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+bareFloorPath, func(w http.ResponseWriter, r *http.Request) {
		answerFloor(w, r, func(floorRequest) (string, error) { return "0abb5b4f-459f-445a-bfcd-488998b7572d", nil })
	})
	mux.HandleFunc("POST "+postFloorPath, func(w http.ResponseWriter, r *http.Request) {
		answerFloor(w, r, func(in floorRequest) (string, error) {
			return textOnce(r.Context(), carrier, "http://"+sinkAddr+sinkFloorPath, in.PhoneNumber)
		})
	})
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		_ = l.Close()
	}()
	if _, err := fmt.Fprintln(stdout, l.Addr()); err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func answerFloor(w http.ResponseWriter, r *http.Request, id func(floorRequest) (string, error)) {
	var in floorRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var out floorAnswer
	var err error
	out.Data.PhoneNumber = in.PhoneNumber
	if out.Data.ID, err = id(in); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// textOnce posts one message to the carrier as a plain program would.
func textOnce(ctx context.Context, carrier *http.Client, url, to string) (id string, err error) {
	body, err := json.Marshal(map[string]string{
		"from": "+15005550006", "to": to, "text": "Your verification code is 123456.",
	})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer x")
	resp, err := carrier.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var out floorAnswer
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return "", err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	return out.Data.ID, nil
}

// floorProcess is the child that serves the floors.
type floorProcess struct {
	*child
	addr string
}

func startFloor(sinkAddr string) (*floorProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-role", "floor", "-sink", sinkAddr)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	// Held open as long as we live: its end tells the child to go.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	kid, err := startChild(cmd)
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		kid.stop()
		return nil, fmt.Errorf("the floors did not come up: %w", err)
	}
	return &floorProcess{kid, strings.TrimSpace(line)}, nil
}
