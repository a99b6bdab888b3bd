package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"countersign/internal/verify"
)

// Postgres is a verify.Store in a PostgreSQL database, which any number of
// processes may share.
type Postgres struct {
	link    *link         // the connections that commit
	read    *pgxpool.Pool // to the primary as well: a standby lags behind
	closing sync.Once
}

// Bounds of what a caller waits for.
const (
	connectTime = 5 * time.Second  // for one server to take a connection
	batchTime   = 10 * time.Second // for a batch, once begun, against a server that hangs
	readTime    = 5 * time.Second  // for a read, likewise
	walkTime    = 5 * time.Minute  // for one of the keeper's that may go through a table
)

// session is what a connection that commits asks of the server.
//
// The plans are forced to be the generic ones that go by key: every statement
// names rows by their keys, and a plan that was made while a table was small must
// not be kept when it has grown. Whoever waits for a lock, or holds locks and is
// gone without a word (a machine that froze, a cable pulled), is ended by the
// server, so that a dead node's rows are free within seconds.
var session = map[string]string{
	"plan_cache_mode":  "force_generic_plan",
	"enable_seqscan":   "off",
	"enable_hashjoin":  "off",
	"enable_mergejoin": "off",
	"jit":              "off",
	"lock_timeout":     "5s",

	"idle_in_transaction_session_timeout": "5s",
}

// OpenPostgres opens the database at a URL of the form
// postgres://user:password@host:5432/name and brings its schema up to date.
// Errors are ErrNewer and sentences for the operator; none holds the password.
func OpenPostgres(ctx context.Context, url string) (*Postgres, error) {
	config, err := configure(url)
	if err != nil {
		return nil, err
	}
	conns, err := connectAll(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	read, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, errors.Join(sentence(err, config.ConnConfig), closeAll(ctx, conns))
	}
	dial := func(ctx context.Context) (*pgConn, error) {
		c, err := dialAgain(ctx, config.ConnConfig)
		if err == nil {
			read.Reset() // what is committed in another place is read there as well
		}
		return c, err
	}
	return &Postgres{link: newLink(context.WithoutCancel(ctx), dial, conns), read: read}, nil
}

// connectAll makes the connections that commit, and brings the schema up to date
// with the first of them.
func connectAll(ctx context.Context, config *pgx.ConnConfig) ([]*pgConn, error) {
	first, err := connect(ctx, config)
	if err != nil {
		return nil, sentence(err, config)
	}
	conns := []*pgConn{first}
	if err := prepareDatabase(ctx, first); err != nil {
		return nil, errors.Join(sentence(err, config), closeAll(ctx, conns))
	}
	for len(conns) < Writers {
		c, err := dialAgain(ctx, config)
		if err != nil {
			return nil, errors.Join(err, closeAll(ctx, conns))
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func closeAll(ctx context.Context, conns []*pgConn) error {
	var errs []error
	for _, c := range conns {
		errs = append(errs, c.close(ctx))
	}
	return errors.Join(errs...)
}

func configure(url string) (*pgxpool.Config, error) {
	unreadable := errors.New("store: the database URL cannot be read; it looks like postgres://user:password@host:5432/name")
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, unreadable
	}
	// The parser's error quotes what it was given, so it is not passed on.
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, unreadable
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = int32(max(4, runtime.NumCPU()))
	}
	c := config.ConnConfig
	// Of several hosts the primary is taken, whatever the URL says: a decision
	// made elsewhere is made on rows that are out of date.
	c.ValidateConnect = takesCommits
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTime
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "countersign"
	}
	c.OnNotice = remember
	config.AfterConnect = makeDurable
	return config, nil
}

// takesCommits refuses a server that is read-only, and a primary whose commits do
// not come back since its synchronous standby is gone: it may have been replaced
// without knowing. Then the next host is tried, and callers are told at once and
// not each after a commit's wait.
func takesCommits(ctx context.Context, c *pgconn.PgConn) error {
	if err := pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, c); err != nil {
		return err
	}
	delete(c.CustomData(), warning) // such as one of collations, at the beginning
	_, err := c.Exec(ctx, pgReplicated).ReadAll()
	if ctx.Err() != nil || c.CustomData()[warning] != nil {
		return errNoStandby // else the driver makes of it that time is over
	}
	return err
}

// prepareDatabase makes a first connection ready: right version, right schema,
// statements known.
func prepareDatabase(ctx context.Context, c *pgConn) error {
	if err := checkVersion(c.PgConn().ParameterStatus("server_version")); err != nil {
		return err
	}
	if err := migratePostgres(ctx, c.Conn); err != nil {
		return err
	}
	return c.prepare(ctx)
}

func dialAgain(ctx context.Context, config *pgx.ConnConfig) (*pgConn, error) {
	// Each host has its time, so that one that hangs does not use up the next one's,
	// and then the statements have theirs.
	ctx, cancel := context.WithTimeout(ctx, config.ConnectTimeout*time.Duration(1+len(config.Fallbacks))+connectTime)
	defer cancel()
	c, err := connect(ctx, config)
	if err != nil {
		return nil, sentence(err, config)
	}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(sentence(err, config), c.close(ctx))
	}
	return c, nil
}

// makeDurable keeps a database that was set to answer before the disk does from
// making liars of us. Stricter settings than "on" stay.
func makeDurable(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false)
		WHERE current_setting('synchronous_commit') = 'off'`)
	return err
}

// Close closes the connections. Nobody may be using p. Closing twice is harmless.
func (p *Postgres) Close() (err error) {
	p.closing.Do(func() {
		err = p.link.close()
		p.read.Close()
	})
	return err
}

// warning is where a connection keeps the last warning of its server. Of a commit
// there is but one: it was told to wait for its standby no longer.
const warning = "warning"

func remember(c *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		c.CustomData()[warning] = n.Message
	}
}

// pgConn is a connection that commits.
type pgConn struct {
	*pgx.Conn
}

// connect makes a connection with the session's settings, to a primary.
func connect(ctx context.Context, config *pgx.ConnConfig) (*pgConn, error) {
	config = config.Copy()
	for name, value := range session {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	c := &pgConn{conn}
	if err := makeDurable(ctx, conn); err != nil {
		return nil, errors.Join(err, c.close(ctx))
	}
	return c, nil
}

// prepare makes the statements known to the server, so that a batch need not.
func (c *pgConn) prepare(ctx context.Context) error {
	for _, text := range pgStatements {
		if _, err := c.Prepare(ctx, text, text); err != nil {
			return fmt.Errorf("preparing a statement: %w", err)
		}
	}
	return nil
}

// close says goodbye, and does not wait long for an answer.
func (c *pgConn) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return c.Close(ctx)
}

var _ verify.Store = (*Postgres)(nil)
