package store

import "errors"

var (
	// ErrConflict means that a running transaction has locked the item.
	ErrConflict = errors.New("a transaction has locked the item")
	// ErrNoTable means that the table does not exist or was dropped.
	ErrNoTable = errors.New("no such table")
	// ErrTableExists means that the name is taken.
	ErrTableExists = errors.New("table exists")
	// ErrTokenBusy means that a transaction with the same token is running.
	ErrTokenBusy = errors.New("a transaction with this token is running")
	// ErrTokenReplayed means that this transaction has already been committed.
	ErrTokenReplayed = errors.New("transaction was committed before")
	// ErrNoStream means that the stream does not exist or was removed.
	ErrNoStream = errors.New("no such stream")
	// ErrTrimmed means that records were removed before the reader read them.
	ErrTrimmed = errors.New("records were trimmed")
	// ErrTokenMismatch means that the token was used for another transaction.
	ErrTokenMismatch = errors.New("token was used for another transaction")
)
