//go:build unix

package pgtest

import "context"

// Run starts a server outside of a test, for a program that measures. Stop ends it.
func Run(settings ...string) (*Server, error) { return begin(settings) }

// Stop ends the server and removes its folder.
func (s *Server) Stop() { s.stop() }

// Create makes an empty database and returns its address.
func (s *Server) Create(ctx context.Context, name string) (string, error) {
	if err := s.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return s.URL(name), nil
}

// PID is the server's process, whose children do the work.
func (s *Server) PID() int { return s.process.Pid }
