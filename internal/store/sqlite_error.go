package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sentences say what SQLite's numbers mean to an operator.
var sentences = map[int]string{
	sqlite3.SQLITE_FULL:     "the disk is full",
	sqlite3.SQLITE_IOERR:    "the disk fails: it may be full, over a quota, or broken",
	sqlite3.SQLITE_READONLY: "the database is read-only: let this user write to the file and to its folder",
	sqlite3.SQLITE_CANTOPEN: "the database cannot be opened: let this user read and write the file and its folder, and look whether the disk is full",
	sqlite3.SQLITE_NOTADB:   "the file is no database of SQLite; give another one, or move it away",
	sqlite3.SQLITE_CORRUPT:  "the database is damaged: restore it from a backup",
	sqlite3.SQLITE_BUSY:     "another program holds the database locked",
}

// explain puts the sentence for the operator before an error of SQLite's.
func explain(err error) error {
	if text, ok := sentences[resultCode(err)&0xff]; ok {
		return fmt.Errorf("%s: %w", text, err)
	}
	return err
}

// resultCode is SQLite's number for an error, with its details in the higher
// bytes; 0 if it is not SQLite's.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}
