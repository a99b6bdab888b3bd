package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"countersign/internal/store/pgtest"
)

// The databases, as the report names them.
const (
	nameSQLite   = "SQLite"
	namePostgres = "PostgreSQL"
)

// database is one of the two, with the service that runs on it.
type database struct {
	name     string
	server   *server
	startUps []float64
	ratios   []float64 // of cycles to the POST floor right before them, one a round
	pages    []float64 // of first pages to the bare floor, one a round
	begun    int64     // verifications that the service accepted
}

// String is the database's name; empty for none.
func (d *database) String() string {
	if d == nil {
		return ""
	}
	return d.name
}

// pid is the process of the database's own server; 0 if it has none.
func (d *database) pid() int {
	if d == nil || d.server == nil {
		return 0
	}
	return d.server.database
}

// lastWords is the end of what the service logged.
func (p phase) lastWords() string {
	if p.database == nil || p.database.server == nil {
		return ""
	}
	return p.database.server.lastWords()
}

// postgresSettings are the server's own defaults, where pgtest chose smaller ones.
var postgresSettings = []string{"shared_buffers=128MB", "max_wal_size=1GB"}

// openDatabases starts PostgreSQL if it is installed. It syncs its disk, like
// SQLite.
func (b *bench) openDatabases() {
	if !strings.EqualFold(b.only, namePostgres) {
		b.databases = append(b.databases, &database{name: nameSQLite})
	}
	if strings.EqualFold(b.only, nameSQLite) {
		return
	}
	pg, err := pgtest.Run(postgresSettings...)
	if err != nil {
		log.Printf("PostgreSQL is left out: %v", err)
		return
	}
	b.postgres = pg
	b.databases = append(b.databases, &database{name: namePostgres})
}

// launch starts the service on the database of a name, made if there is none: for
// SQLite it lies in a folder of that name.
func (b *bench) launch(ctx context.Context, kind, name string) (*server, error) {
	p, err := b.place(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, b.binary, p, b.work.sink.addr())
	if err != nil && ctx.Err() == nil {
		log.Printf("starting once more, on another port: %v", err)
		s, err = startServer(ctx, b.binary, p, b.work.sink.addr())
	}
	return s, err
}

// place says where a database is.
type place struct {
	dir string // of the configuration and the key, and of SQLite's file
	url string // as the configuration names it
	pid int    // of the database's own server; 0 for SQLite
}

func (p place) file() string { return filepath.Join(p.dir, "bench.db") }

func (b *bench) place(ctx context.Context, kind, name string) (p place, err error) {
	p.dir = filepath.Join(b.folder, kind+"-"+name)
	if p.url = "sqlite:" + p.file(); kind == namePostgres {
		p.pid, p.url = b.postgres.PID(), b.urls[name]
		if p.url == "" {
			if p.url, err = b.postgres.Create(ctx, name); err != nil {
				return p, err
			}
			b.urls[name] = p.url
		}
	}
	return p, os.MkdirAll(p.dir, 0o700)
}

// measureStartUp starts the service on empty databases, where it has most to do.
func (b *bench) measureStartUp(ctx context.Context, d *database) error {
	for i := range startUps {
		s, err := b.launch(ctx, d.name, fmt.Sprintf("start_%d", i))
		if err != nil {
			return err
		}
		s.stop()
		d.startUps = append(d.startUps, milliseconds(s.startUp))
	}
	log.Printf("start-up on %s %.0f ms", d.name, median(d.startUps))
	return nil
}
