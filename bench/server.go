package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profileID is the profile that every request names.
const profileID = "4900017a-e7c8-e79e-0a7c-0d98f49b09cc"

// server is the measured program, running.
type server struct {
	*child
	addr    string
	apiKey  string
	startUp time.Duration // from exec to the first 200 of /healthz
	logFile string
	// database is the process of the database's own server; 0 for SQLite.
	database int
}

// buildServer makes the binary as a release does.
func buildServer(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "countersign")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "countersign/cmd/countersign")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build ./cmd/countersign: %w", err)
	}
	return binary, nil
}

// startServer runs the binary on a database, made if there is none, and waits
// until it is ready.
func startServer(ctx context.Context, binary string, p place, sinkAddr string) (*server, error) {
	s := &server{apiKey: "KEY" + rand.Text(), logFile: filepath.Join(p.dir, "server.log"), database: p.pid}
	var err error
	if s.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	config, err := s.configure(p, sinkAddr)
	if err != nil {
		return nil, err
	}
	logFile, err := os.Create(s.logFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = logFile.Close() }()
	cmd := exec.Command(binary, "serve", "--config", config)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, logFile, logFile
	begun := time.Now()
	if s.child, err = startChild(cmd); err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("%w%s", err, s.lastWords())
	}
	s.startUp = time.Since(begun)
	return s, nil
}

// configure writes the configuration and, unless there is one, the key.
func (s *server) configure(p place, sinkAddr string) (string, error) {
	key := filepath.Join(p.dir, "key")
	if _, err := os.Stat(key); err != nil {
		random := make([]byte, 32)
		_, _ = rand.Read(random)
		line := "k1 " + base64.StdEncoding.EncodeToString(random) + "\n"
		if err := os.WriteFile(key, []byte(line), 0o600); err != nil {
			return "", err
		}
	}
	text := fmt.Sprintf(`listen: %q
database: %q
key_file: %q
public_url: %q
return_urls: [%q]
api_keys: [%q]
profile_id: %q
carriers:
  - name: telnyx
    type: telnyx
    api_key: x
    from: "+15005550006"
    base_url: %q
limits: {number_per_hour: 0, number_per_day: 0, network_per_hour: 0}
log: {level: warn}
`, s.addr, p.url, key, "http://"+s.addr, returnURL, s.apiKey, profileID, "http://"+sinkAddr+"/v2")
	path := filepath.Join(p.dir, "config.yaml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// awaitReady asks /healthz until it says 200.
func (s *server) awaitReady(ctx context.Context) error {
	giveUp := time.Now().Add(15 * time.Second)
	probe := newClient(s.addr, s.apiKey)
	probe.deadline = giveUp
	defer probe.close()
	for {
		status, _, err := probe.get("/healthz")
		if err == nil && status == 200 {
			return s.isOurs(probe)
		}
		if time.Now().After(giveUp) {
			return fmt.Errorf("the server was not ready in 15 s: status %d, %w", status, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return fmt.Errorf("the server ended by itself: %s", s.cmd.ProcessState)
		case <-time.After(500 * time.Microsecond):
		}
	}
}

// isOurs says whether it was our server that answered: another program may have
// taken the port since it was found to be free.
func (s *server) isOurs(probe *client) error {
	status, _, err := probe.get("/v2/verifications/none")
	if err == nil && status == http.StatusUnauthorized {
		err = errors.New("another program listens on the server's port")
	}
	return err
}

// lastWords is the end of what the server logged, for error messages.
func (s *server) lastWords() string {
	text, err := os.ReadFile(s.logFile)
	if err != nil || len(text) == 0 {
		return ""
	}
	return "\nthe end of its log:\n" + string(text[max(0, len(text)-2000):])
}

// freeAddr finds a port that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// syncTime is the median time in which the disk under dir makes 4 KiB durable:
// the cost of a commit, and the first thing to know of a figure.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	var took []float64
	page := make([]byte, 4096)
	for range 50 {
		begun := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(begun)))
	}
	return time.Duration(median(took)), nil
}
