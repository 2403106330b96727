// Package table implements room's stores and the keyring's store on DynamoDB.
// It is the only package that knows the tables' keys and attributes, the
// conditions of writes, the items of transactions and the expiry of rows. It
// never handles a plaintext or an unwrapped key.
//
// The tables, all on demand, all but `keys` with the attribute `expires` (Unix
// seconds) as their time to live:
//
//	users        user, item      "name" | "device#THUMBPRINT"
//	memberships  user, room      USER, ROOM  |  "invited#USER", ROOM  |  "room#ROOM", "member#USER" or "invited#USER"
//	connections  connection
//	listeners    of, connection  of "room#ROOM" (a listener, or "!removed#USER") | "user#USER" (the user's list)
//	rooms        room, item      "meta"
//	messages     log, seq        ROOM#EPOCH, 1…  |  ROOM#EPOCH#USER#DEVICE#ID, 0 (an id, pointing at its seq)
//	rates        rate            "user#USER" | "device#USER#THUMBPRINT" | "room#ROOM" |
//	                             "connection#ID" | "address#HASH"
//	keys         kind, id
//
// The members of an open room are its rows USER, ROOM. Those of a closed room
// are its rows "room#ROOM", "member#USER"; the rows USER, ROOM are each user's
// list.
//
// Functions delete rows of `memberships`, `connections`, `listeners` and `keys`
// only. The rights to delete end at these tables: no function can remove a
// name, a device with its tombstone, a room or a message.
//
// Every read is strongly consistent and of a base table. DynamoDB deletes
// expired rows late: reads of connections and listeners check the expiry, and
// package room checks the retention of messages.
package table

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sotto-chat/sotto/shared/room"
)

// Names are the tables' names in a deployment.
type Names struct{ Users, Memberships, Connections, Listeners, Rooms, Messages, Rates, Keys string }

// Store implements room.Store on DynamoDB. It is safe for concurrent use.
type Store struct {
	db    *dynamodb.Client
	names Names
	now   func() time.Time
}

var _ room.Store = (*Store)(nil)

// New returns a store on the named tables. now is time.Now by default.
func New(db *dynamodb.Client, names Names, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, names: names, now: now}
}

// get reads one row, strongly consistent. Error: room.ErrNotFound.
func (s *Store) get(ctx context.Context, table string, key item, projection ...string) (item, error) {
	in := &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)}
	if len(projection) > 0 {
		in.ProjectionExpression, in.ExpressionAttributeNames = project(projection)
	}
	out, err := s.db.GetItem(ctx, in)
	if err != nil {
		return nil, outcome(err)
	}
	if len(out.Item) == 0 {
		return nil, room.ErrNotFound
	}
	return out.Item, nil
}

// query reads rows in order, strongly consistent, page by page, until visit
// returns false. Filtered pages may be empty before the last.
func (s *Store) query(ctx context.Context, in *dynamodb.QueryInput, visit func(item) bool) error {
	in.ConsistentRead = aws.Bool(true)
	for {
		out, err := s.db.Query(ctx, in)
		if err != nil {
			return outcome(err)
		}
		for _, it := range out.Items {
			if !visit(it) {
				return nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 || in.Limit != nil {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Concurrent transactions on one row cancel each other. A few attempts with
// jitter let all of them succeed.
const (
	transactAttempts = 8
	transactPause    = 20 * time.Millisecond
)

// transact writes all items or none. It tries again while other transactions on
// the same rows run or DynamoDB is throttled. Errors: those of transactOnce.
func (s *Store) transact(ctx context.Context, items ...types.TransactWriteItem) ([]types.CancellationReason, error) {
	for attempt := 1; ; attempt++ {
		reasons, err := s.transactOnce(ctx, items...)
		if !errors.Is(err, room.ErrBusy) || attempt == transactAttempts {
			return reasons, err
		}
		select {
		case <-time.After(rand.N(transactPause)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// transactOnce writes all items or none. It returns the reasons, one per item,
// with room.ErrConflict if a condition failed, and with room.ErrBusy if another
// transaction on the same rows was running or DynamoDB throttled. The SDK sends
// one idempotency token with all attempts of a call, so a retry of a write that
// succeeded gets the answer of that write.
func (s *Store) transactOnce(ctx context.Context, items ...types.TransactWriteItem) ([]types.CancellationReason,
	error) {
	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil, outcome(err)
	}
	passing := false
	for _, r := range cancelled.CancellationReasons {
		switch aws.ToString(r.Code) {
		case "ConditionalCheckFailed":
			return cancelled.CancellationReasons, room.ErrConflict
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			passing = true
		}
	}
	if passing {
		err = fmt.Errorf("%w: %w", room.ErrBusy, err)
	}
	return cancelled.CancellationReasons, err
}

// running reports whether another transaction on one of the rows was running.
func running(reasons []types.CancellationReason) bool {
	return slices.ContainsFunc(reasons, func(r types.CancellationReason) bool {
		return aws.ToString(r.Code) == "TransactionConflict"
	})
}

// outcome turns DynamoDB's errors into those of the stores: a failed condition
// into room.ErrConflict, throttling and conflicts into room.ErrBusy.
func outcome(err error) error {
	if err == nil {
		return nil
	}
	var (
		failed    *types.ConditionalCheckFailedException
		conflict  *types.TransactionConflictException
		running   *types.TransactionInProgressException
		exceeded  *types.ProvisionedThroughputExceededException
		throttled *types.ThrottlingException
		limited   *types.RequestLimitExceeded
	)
	switch {
	case errors.As(err, &failed):
		return room.ErrConflict
	case errors.As(err, &conflict), errors.As(err,
		&running), errors.As(err, &exceeded), errors.As(err, &throttled), errors.As(err, &limited):
		return fmt.Errorf("%w: %w", room.ErrBusy, err)
	}
	return err
}

// unless returns err, or nil if err is the one to ignore.
func unless(harmless, err error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// failedItem returns the row for which a condition failed, if the request asked
// for it.
func failedItem(err error) (item, bool) {
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return nil, false
	}
	return failed.Item, true
}
