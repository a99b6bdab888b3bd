//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The owner of every server.
const (
	User     = "countersign"
	Password = "correct-horse"
)

// patience bounds the start and the end of a server.
const patience = 30 * time.Second

// Server is a running PostgreSQL, or one that was killed.
type Server struct {
	Dir      string // holds the data folder, the socket and the log
	bin      string
	settings []string
	process  *os.Process
	gone     chan struct{} // closed when process has ended
}

// URL is the address of a database on the server.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(User, Password), Path: "/" + database,
		RawQuery: url.Values{"host": {s.Dir}}.Encode(),
	}
	return u.String()
}

func begin(settings []string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: the path of a socket may have a hundred characters.
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	s := &Server{Dir: dir, bin: bin, settings: settings}
	if err := s.create(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.run(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// binaries finds the folder of initdb and postgres, the newest if there are several.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("pgtest: there is no PostgreSQL here: make test installs it (apt-get install postgresql)")
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4]) // zero if it is no number
	return n
}

// create makes the data folder.
func (s *Server) create() error {
	secret := filepath.Join(s.Dir, "password")
	if err := os.WriteFile(secret, []byte(Password), 0o600); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	id, err := identity()
	if err != nil {
		return err
	}
	if id != nil {
		for _, path := range []string{s.Dir, secret} {
			if err := os.Chown(path, int(id.Uid), int(id.Gid)); err != nil {
				return fmt.Errorf("pgtest: %w", err)
			}
		}
	}
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "-D", filepath.Join(s.Dir, "data"), "-U", User,
		"--auth=scram-sha-256", "--pwfile="+secret, "--no-sync", "--locale=C", "--encoding=UTF8")
	cmd.Dir = s.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: id}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: initdb: %w\n%s", err, out)
	}
	return nil
}

// identity is whom the server runs as: it refuses to be root.
func identity() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("pgtest: user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("pgtest: the tests run as root and there is no user postgres or nobody for the server")
}

// run starts the server and returns when it takes connections.
func (s *Server) run() error {
	id, err := identity()
	if err != nil {
		return err
	}
	args := []string{"-D", filepath.Join(s.Dir, "data")}
	for _, setting := range append([]string{
		"listen_addresses=", "unix_socket_directories=" + s.Dir, "shared_buffers=64MB", "max_connections=60", "max_wal_size=256MB",
	}, s.settings...) {
		args = append(args, "-c", setting)
	}
	log, err := os.OpenFile(filepath.Join(s.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	cmd.SysProcAttr = dieWithUs(&syscall.SysProcAttr{Credential: id})
	s.gone = make(chan struct{})
	started := make(chan error)
	go func(gone chan struct{}) {
		// The system ties a child's life to the thread that began it.
		runtime.LockOSThread()
		defer close(gone)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
	}(s.gone)
	if err := <-started; err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	s.process = cmd.Process
	return s.ready()
}

func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		again := time.NewTimer(20 * time.Millisecond)
		select {
		case <-again.C:
		case <-s.gone:
			return s.failed("ended")
		case <-ctx.Done():
			return s.failed("does not answer: " + err.Error())
		}
	}
}

func (s *Server) failed(how string) error {
	log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return fmt.Errorf("pgtest: the server %s\n%s", how, bytes.Join(lines[max(0, len(lines)-10):], []byte("\n")))
}

// Running says whether the server's process lives.
func (s *Server) Running() bool {
	select {
	case <-s.gone:
		return false
	default:
		return s.process != nil
	}
}

// Kill ends the server and its children as a power cut would: without a word.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if !s.Running() {
		t.Fatal("pgtest: the server does not run")
	}
	// Stopped first, it has no children that nobody has seen.
	if err := s.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	children := children(s.process.Pid)
	if err := s.process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have gone with its parent
	}
	<-s.gone
}

// Restart runs a server that was killed, on its data.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if s.Running() {
		t.Fatal("pgtest: the server runs")
	}
	// A child that was killed in the middle of a write to the disk takes a moment to
	// go, and the server does not start while one is there.
	late := time.NewTimer(patience)
	defer late.Stop()
	for err := s.run(); err != nil; err = s.run() {
		again := time.NewTimer(50 * time.Millisecond)
		select {
		case <-again.C:
		case <-late.C:
			again.Stop()
			t.Fatal(err)
		}
		if s.Running() {
			t.Fatal(err) // it runs, but does not answer
		}
	}
}

// children are the processes that pid has begun, where /proc tells.
func children(pid int) (out []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// "12 (name of it) S 1 …": the name may hold anything.
		_, rest, _ := strings.Cut(string(text[max(0, bytes.LastIndexByte(text, ')')):]), " ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			if n, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// stop ends the server and removes its folder.
func (s *Server) stop() {
	if s.process != nil && s.Running() {
		_ = s.process.Signal(syscall.SIGINT) // fast shutdown
		late := time.AfterFunc(patience, func() { _ = s.process.Kill() })
		<-s.gone
		late.Stop()
	}
	_ = os.RemoveAll(s.Dir)
}
