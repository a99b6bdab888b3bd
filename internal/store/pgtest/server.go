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
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The owner of every server.
const (
	User     = "countersign"
	Password = "correct-horse"
)

// patience bounds how long a server may be silent, and how long it may take to end.
const patience = 30 * time.Second

// recovery bounds how long a server may say that it is starting. After a crash it
// syncs every file that it has, which takes its time on a disk that others use.
const recovery = 5 * time.Minute

// Server is a running PostgreSQL, or one that was killed.
type Server struct {
	Dir      string // holds the data folder, the socket and the log
	bin      string
	settings []string
	process  *os.Process
	gone     chan struct{} // closed when process has ended
}

// URL is the address of a database on the server.
func (s *Server) URL(database string) string { return address(s.Dir, database) }

func address(hosts, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(User, Password), Path: "/" + database,
		RawQuery: url.Values{"host": {hosts}}.Encode(),
	}
	return u.String()
}

func begin(settings []string) (*Server, error) {
	return beginWith(settings, (*Server).create)
}

// beginWith starts a server on a data folder that create makes.
func beginWith(settings []string, create func(*Server) error) (*Server, error) {
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
	if err := errors.Join(own(dir), create(s)); err != nil {
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

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// create makes the data folder.
func (s *Server) create() error {
	secret := filepath.Join(s.Dir, "password")
	if err := s.write(secret, Password); err != nil {
		return err
	}
	return s.tool("initdb", "-D", s.data(), "-U", User, "--auth=scram-sha-256", "--pwfile="+secret, "--no-sync",
		"--locale=C", "--encoding=UTF8")
}

// tool runs one of PostgreSQL's programs as the server's user.
func (s *Server) tool(name string, args ...string) error {
	id, err := identity()
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.Env = s.Dir, append(os.Environ(), "PGPASSWORD="+Password)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: id}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: %s: %w\n%s", name, err, out)
	}
	return nil
}

// write makes a file that the server may read.
func (s *Server) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return own(path)
}

// own gives a file to the server's user.
func own(path string) error {
	id, err := identity()
	if err != nil || id == nil {
		return err
	}
	if err := os.Chown(path, int(id.Uid), int(id.Gid)); err != nil {
		return fmt.Errorf("pgtest: %w", err)
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
	args := []string{"-D", s.data()}
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

// ready waits until the server takes connections. It has patience while the server
// says that it is starting.
func (s *Server) ready() error {
	late := time.Now().Add(recovery)
	for silent := time.Now().Add(patience); ; {
		err := s.greet(silent)
		if err == nil {
			return nil
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "57P03" {
			silent = time.Now().Add(patience)
		}
		again := time.NewTimer(20 * time.Millisecond)
		select {
		case <-again.C:
		case <-s.gone:
			return s.failed("ended")
		}
		if now := time.Now(); now.After(silent) || now.After(late) {
			return s.failed("does not answer: " + err.Error())
		}
	}
}

func (s *Server) greet(until time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

func (s *Server) failed(how string) error {
	log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return fmt.Errorf("pgtest: the server %s\n%s", how, bytes.Join(lines[max(0, len(lines)-10):], []byte("\n")))
}
