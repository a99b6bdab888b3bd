package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
)

// comparison reads two databases in the order of their keys and sets row against
// row, so that it holds one of each at a time.
type comparison struct {
	ctx      context.Context
	from, to side
	count    counter
	report   Report
}

func (c *comparison) run(tables []relation) (*Report, error) {
	c.report = Report{From: c.from.name(), To: c.to.name(), Same: true}
	c.count.at.Checking, c.count.at.Rows = true, 0
	for _, r := range tables {
		c.count.at.Table = r.name
		t, err := c.table(r)
		if err != nil {
			return nil, err
		}
		c.report.Tables = append(c.report.Tables, t)
		c.report.Rows += t.Rows
		c.report.Same = c.report.Same && t.Equal == t.Rows && t.Extra == 0
	}
	return &c.report, nil
}

func (c *comparison) table(r relation) (t TableReport, err error) {
	t.Table = r.name
	from, err := c.from.rows(c.ctx, r)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := c.to.rows(c.ctx, r)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	a, errA := from.next()
	b, errB := to.next()
	for {
		for _, err := range []error{errA, errB} {
			if err != nil && !errors.Is(err, io.EOF) {
				return t, err
			}
		}
		if errA != nil && errB != nil {
			return t, nil
		}
		order := r.compare(a, b, errA, errB)
		c.judge(r, &t, a, b, order)
		if order <= 0 {
			t.Rows++
			c.count.row()
			a, errA = from.next()
		}
		if order >= 0 {
			b, errB = to.next()
		}
	}
}

// judge counts a pair of rows of one key, or a row whose key the other side lacks.
func (c *comparison) judge(r relation, t *TableReport, a, b []any, order int) {
	d := Difference{Table: r.name}
	switch {
	case order < 0:
		t.Missing++
		d.What, d.Key = "missing", r.keyOf(a)
	case order > 0:
		t.Extra++
		d.What, d.Key = "extra", r.keyOf(b)
	default:
		for i, column := range r.columns {
			if !equal(a[i], b[i]) {
				d.Columns = append(d.Columns, column.name)
			}
		}
		if len(d.Columns) == 0 {
			t.Equal++
			return
		}
		t.Different++
		d.What, d.Key = "different", r.keyOf(a)
	}
	if t.Missing+t.Extra+t.Different <= maxDifferences {
		c.report.Differences = append(c.report.Differences, d)
	}
}

// compare orders two rows by key; a side that has come to its end comes last.
func (r relation) compare(a, b []any, endA, endB error) int {
	if endA != nil || endB != nil {
		return cmp.Compare(len(b), len(a)) // the row that is there is the smaller
	}
	for _, k := range r.key {
		order := 0
		switch x := a[k].(type) {
		case []byte:
			y, _ := b[k].([]byte)
			order = bytes.Compare(x, y)
		case string:
			y, _ := b[k].(string)
			order = cmp.Compare(x, y)
		case int64:
			y, _ := b[k].(int64)
			order = cmp.Compare(x, y)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func equal(a, b any) bool {
	x, ok := a.([]byte)
	y, also := b.([]byte)
	if ok && also {
		return bytes.Equal(x, y)
	}
	return !ok && !also && a == b
}
