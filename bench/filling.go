package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver
)

// filling puts many verifications into a database that has one: each with a
// subject and a delivery of its own, over the last day or, if they are pending,
// just now. It goes past the service, which would take an hour.
type filling struct {
	rows    int
	pending bool
	now     time.Time
}

// tables in the order of filling.
var tables = []string{"subjects", "verifications", "deliveries"}

// model is a row as the service made it.
type model struct {
	table   string
	columns []string
	values  []any
}

const (
	spread   = 24 * time.Hour
	lifetime = 10 * time.Minute // of what is pending, so that it is until the end
)

func (f filling) begun(i int) time.Time {
	if f.pending {
		return f.now
	}
	return f.now.Add(-spread + spread/time.Duration(f.rows)*time.Duration(i))
}

// hashed are random bytes that are the same each time: of subject or verification i.
func hashed(kind byte, i int) [sha256.Size]byte {
	var text [9]byte
	text[0] = kind
	binary.BigEndian.PutUint64(text[1:], uint64(i))
	return sha256.Sum256(text[:])
}

func (f filling) subject(i int) []byte {
	sum := hashed('s', i)
	return sum[:16]
}

// verification is an id of version 7.
func (f filling) verification(i int) []byte {
	sum := hashed('v', i)
	id := sum[:16]
	ms := uint64(f.begun(i).UnixMilli())
	binary.BigEndian.PutUint16(id[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// row is the model's row made into that of verification i: with other keys, another
// address, and instants that lie as far from its beginning.
func (f filling) row(m *model, i int, into []any) {
	created := f.begun(i).UnixMilli()
	shift := created - m.created()
	for c, name := range m.columns {
		into[c] = m.values[c]
		switch v := m.values[c].(type) {
		case int64:
			if name != "day" && name != "hour" && v > 1e12 {
				into[c] = v + shift
			}
			if name == "expires_at" && f.pending {
				into[c] = created + lifetime.Milliseconds()
			}
		case []byte:
			switch name {
			case "key", "subject":
				into[c] = f.subject(i)
			case "id", "verification", "live":
				into[c] = f.verification(i)
			case "address": // what is sealed looks random
				sum := hashed('a', i)
				into[c] = append(append([]byte{}, v[:max(0, len(v)-len(sum))]...), sum[:min(len(v), len(sum))]...)
			}
		}
	}
}

func (m *model) created() int64 {
	for c, name := range m.columns {
		if name == "created_at" {
			at, _ := m.values[c].(int64)
			return at
		}
	}
	return 0
}

// sqlite fills a file that nobody has open.
func (f filling) sqlite(ctx context.Context, path string) (err error) {
	f.now = time.Now()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-1000000)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, table := range tables {
		m, err := sqliteModel(ctx, db, table)
		if err != nil {
			return err
		}
		if err := f.sqliteTable(ctx, db, m); err != nil {
			return err
		}
	}
	return nil
}

func sqliteModel(ctx context.Context, db *sql.DB, table string) (*model, error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := &model{table: table}
	if m.columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	m.values = make([]any, len(m.columns))
	to := make([]any, len(m.columns))
	for c := range to {
		to[c] = &m.values[c]
	}
	if !rows.Next() {
		return nil, errors.Join(fmt.Errorf("there is no row in %s", table), rows.Err())
	}
	return m, rows.Scan(to...)
}

// sqliteTable adds the rows of one table, some in each statement.
func (f filling) sqliteTable(ctx context.Context, db *sql.DB, m *model) error {
	const some, inOneTransaction = 50, 100_000
	width := len(m.columns)
	one := "(" + strings.Repeat("?,", width-1) + "?)"
	insert := "INSERT INTO " + m.table + " (" + strings.Join(m.columns, ", ") + ") VALUES "
	args := make([]any, some*width)
	for from := 0; from < f.rows; from += inOneTransaction {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for i, end := from, min(from+inOneTransaction, f.rows); i < end; {
			n := min(some, end-i)
			for k := range n {
				f.row(m, i+k, args[k*width:(k+1)*width])
			}
			i += n
			if _, err := tx.ExecContext(ctx, insert+strings.Repeat(one+",", n-1)+one, args[:n*width]...); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		f.progress(m.table, from+inOneTransaction)
	}
	return nil
}

func (f filling) progress(table string, done int) {
	if done%1_000_000 == 0 && done < f.rows {
		log.Printf("  %s: %d of %d", table, done, f.rows)
	}
}

// postgres fills a database that nobody uses, and has it vacuumed, as it would be
// if the rows had come in a day.
func (f filling) postgres(ctx context.Context, url string) error {
	f.now = time.Now()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, table := range tables {
		m, err := postgresModel(ctx, conn, table)
		if err != nil {
			return err
		}
		i, into := 0, make([]any, len(m.columns))
		next := func() ([]any, error) {
			if i == f.rows {
				return nil, nil
			}
			f.row(m, i, into)
			i++
			f.progress(table, i)
			return into, nil
		}
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{table}, m.columns, pgx.CopyFromFunc(next)); err != nil {
			return err
		}
	}
	for _, text := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func postgresModel(ctx context.Context, conn *pgx.Conn, table string) (*model, error) {
	rows, err := conn.Query(ctx, "SELECT * FROM "+pgx.Identifier{table}.Sanitize()+" LIMIT 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := &model{table: table}
	for _, d := range rows.FieldDescriptions() {
		m.columns = append(m.columns, d.Name)
	}
	if !rows.Next() {
		return nil, errors.Join(fmt.Errorf("there is no row in %s", table), rows.Err())
	}
	m.values, err = rows.Values()
	return m, err
}
