package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"countersign/internal/verify"
)

// Server is the PostgreSQL database at a URL, in the form of OpenPostgres.
func Server(url string) (Database, error) {
	pool, err := configure(url)
	if err != nil {
		return nil, err
	}
	c := pool.ConnConfig
	s := &server{config: c, service: c.RuntimeParams["application_name"]}
	c.RuntimeParams["application_name"] += " db"
	return s, nil
}

type server struct {
	config  *pgx.ConnConfig
	service string // what a running service calls its connections
}

// Format keeps the password out of whatever prints it.
func (d *server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.Name()) }

func (d *server) Name() string {
	c := d.config
	if strings.HasPrefix(c.Host, "/") {
		return "postgres://" + c.User + "@/" + c.Database + "?host=" + c.Host
	}
	hosts := []string{net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))}
	for _, f := range c.Fallbacks { // other hosts, and the first once more without TLS
		if h := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return "postgres://" + c.User + "@" + strings.Join(hosts, ",") + "/" + c.Database
}

// connect makes a connection that no time-out of the operator's cuts short.
func (d *server) connect(ctx context.Context) (*serverSide, error) {
	c, err := pgx.ConnectConfig(ctx, d.config.Copy())
	if err != nil {
		return nil, sentence(err, d.config)
	}
	s := &serverSide{server: d, c: c}
	err = checkVersion(c.PgConn().ParameterStatus("server_version"))
	if err == nil {
		err = makeDurable(ctx, c)
	}
	if err == nil {
		_, err = c.Exec(ctx, `SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '5s'`)
	}
	if err != nil {
		return nil, errors.Join(sentence(err, d.config), s.close(ctx))
	}
	return s, nil
}

// look shows one moment of the database, and can write nothing.
func (d *server) look(ctx context.Context) (side, error) {
	s, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.run(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// source shows one moment of a database that nobody uses meanwhile.
func (d *server) source(ctx context.Context) (_ side, err error) {
	s, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	if err := upToDate(ctx, s); err != nil {
		return nil, err
	}
	tables, err := release(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.run(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ"); err != nil {
		return nil, err
	}
	if err := s.lock(ctx, tables, "SHARE"); err != nil {
		return nil, err
	}
	var nodes int64
	const others = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1`
	if err := s.c.QueryRow(ctx, others, d.service).Scan(&nodes); err != nil {
		return nil, sentence(err, d.config)
	}
	if nodes > 0 {
		return nil, fmt.Errorf("store: %s is in use: stop every node first (%d connections), so that nothing is written while it is copied", d.Name(), nodes)
	}
	return s, nil
}

// anotherDatabase is what to do about a target that has rows.
const anotherDatabase = "name another database, or make this one anew with dropdb and createdb if nothing in it is needed"

// target opens the database and brings its schema up to date.
func (d *server) target(ctx context.Context) (target, error) {
	s, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := mustHaveNone(ctx, s, anotherDatabase); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	if err := migratePostgres(ctx, s.c); err != nil {
		return nil, errors.Join(sentence(err, d.config), s.close(ctx))
	}
	return s, nil
}

// serverSide is a connection to PostgreSQL.
type serverSide struct {
	*server
	c *pgx.Conn
}

func (s *serverSide) name() string { return s.Name() }

// close waits for a connection that was cut off to have told the server so: then
// the server undoes what was under way.
func (s *serverSide) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTime)
	defer cancel()
	err := s.c.Close(ctx)
	select {
	case <-s.c.PgConn().CleanupDone():
	case <-ctx.Done():
	}
	return wrap(err)
}

func (s *serverSide) run(ctx context.Context, text string) error {
	if _, err := s.c.Exec(ctx, text); err != nil {
		return sentence(err, s.config)
	}
	return nil
}

func (s *serverSide) version(ctx context.Context) (have, known int, err error) {
	names, err := fs.Glob(postgresMigrations, "migrations/postgres/*.sql")
	if err != nil {
		return 0, 0, err
	}
	there, err := ask[bool](ctx, s, "SELECT to_regclass('schema_migrations') IS NOT NULL")
	if err == nil && there {
		have, err = postgresVersion(ctx, s.c)
	}
	if err != nil {
		err = sentence(err, s.config)
	}
	return have, len(names), err
}

func (*serverSide) catalog() string {
	return `SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::int::bigint,
			coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
		WHERE c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations'
			AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
		ORDER BY c.oid, a.attnum`
}

func (s *serverSide) query(ctx context.Context, text string) (cursor, error) {
	rows, err := s.c.Query(ctx, text)
	if err != nil {
		return nil, sentence(err, s.config)
	}
	return &serverCursor{s, rows}, nil
}

func (s *serverSide) rows(ctx context.Context, r relation) (cursor, error) {
	return s.query(ctx, r.inOrder(`"C"`))
}

// serverCursor reads rows of PostgreSQL as they arrive.
type serverCursor struct {
	s    *serverSide
	rows pgx.Rows
}

func (c *serverCursor) next() ([]any, error) {
	if c.rows.Next() {
		row, err := c.rows.Values()
		return row, wrap(err)
	}
	if err := c.rows.Err(); err != nil {
		return nil, sentence(err, c.s.config)
	}
	return nil, io.EOF
}

func (c *serverCursor) close() error {
	c.rows.Close() // of what was not read the caller needs no word
	return nil
}

func (s *serverSide) lock(ctx context.Context, tables []relation, mode string) error {
	var names []string
	for _, r := range tables {
		names = append(names, quote(r.name))
	}
	err := s.run(ctx, "LOCK TABLE "+strings.Join(names, ", ")+" IN "+mode+" MODE")
	if err != nil {
		return fmt.Errorf("%w (does a service use %s? Stop it first)", err, s.Name())
	}
	return nil
}

func (s *serverSide) fill(ctx context.Context, tables []relation, rows func(relation) (cursor, error)) error {
	if err := s.run(ctx, "BEGIN"); err != nil {
		return err
	}
	err := s.lock(ctx, tables, "EXCLUSIVE")
	for _, r := range tables {
		if err == nil {
			err = s.fillOne(ctx, r, rows)
		}
	}
	if err != nil {
		// A connection that is lost or was cut off has been undone by the server.
		_, _ = s.c.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		return err
	}
	if _, err := s.c.Exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		if refused(err) {
			return sentence(err, s.config)
		}
		return fmt.Errorf("%w: %w", verify.ErrOutcomeUnknown, sentence(err, s.config))
	}
	return nil
}

func (s *serverSide) fillOne(ctx context.Context, r relation, rows func(relation) (cursor, error)) (err error) {
	if err := mustBeEmpty(ctx, s, anotherDatabase, r); err != nil {
		return err
	}
	from, err := rows(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	var columns []string
	for _, c := range r.columns {
		columns = append(columns, c.name)
	}
	source := &copySource{r: r, from: from}
	if _, err := s.c.CopyFrom(ctx, pgx.Identifier{r.name}, columns, source); err != nil {
		if source.err != nil {
			return source.err // which the server repeats in words of its own
		}
		return fmt.Errorf("table %s: %w", r.name, sentence(err, s.config))
	}
	return s.run(ctx, "ANALYZE "+quote(r.name)) // else the first plans know of no rows
}

// copySource hands rows to pgx.
type copySource struct {
	r    relation
	from cursor
	row  []any
	err  error
}

func (c *copySource) Next() bool {
	row, err := c.from.next()
	if err == nil {
		err = c.r.writable(row)
	}
	if errors.Is(err, io.EOF) {
		return false
	}
	c.row, c.err = row, err
	return err == nil
}

func (c *copySource) Values() ([]any, error) { return c.row, nil }
func (c *copySource) Err() error             { return c.err }

// writable refuses texts that PostgreSQL does not take, and names the row, which
// the server would not.
func (r relation) writable(row []any) error {
	for i, c := range r.columns {
		v, ok := row[i].(string)
		if ok && (strings.Contains(v, "\x00") || !utf8.ValidString(v)) {
			return fmt.Errorf("store: table %s, row %s: column %s holds a NUL byte or is not UTF-8, which PostgreSQL does not take; "+
				"correct or delete the row with the sqlite3 program", r.name, r.keyOf(row), c.name)
		}
	}
	return nil
}
