package dynamodb

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// Limits of TransactWriteItems and TransactGetItems (API reference).
const (
	maxTransaction = 100 // actions
	tokenLifetime  = 10 * time.Minute
	maxToken       = 36 // characters of ClientRequestToken
)

type transactWriteInput struct {
	TransactItems               jsontext.Value // kept as text, which the idempotency token is bound to
	ClientRequestToken          *string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// transactItem has exactly one of its members.
type transactItem struct {
	ConditionCheck *transactAction
	Put            *transactAction
	Update         *transactAction
	Delete         *transactAction
}

// transactAction has the members of all four kinds of actions.
type transactAction struct {
	TableName                           *string
	Key                                 attr.Item
	Item                                attr.Item
	ConditionExpression                 *string
	UpdateExpression                    *string
	ReturnValuesOnConditionCheckFailure string
	placeholders
}

type transactWriteOutput struct {
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`

	ItemCollectionMetrics map[string][]*collectionMetrics `json:",omitempty"`
}

func (e *Engine) transactWriteItems(ctx context.Context, in *transactWriteInput) (*transactWriteOutput, error) {
	items, err := in.check()
	if err != nil {
		return nil, err
	}
	mutations, refused, err := e.planTransaction(ctx, items)
	if err == nil && refused.anyFailed() {
		err = cancelledFor(refused)
	}
	if err != nil {
		return nil, err
	}
	token, err := in.token(e.opts.Now())
	if err != nil {
		return nil, err
	}
	ms := meters{transactional: true}
	changes, err := e.transact(ctx, mutations, token, &ms)
	if err != nil {
		return nil, err
	}
	out := &transactWriteOutput{ConsumedCapacity: ms.report(ctx, in.ReturnConsumedCapacity)}
	out.ItemCollectionMetrics, err = e.collections(ctx, in.ReturnItemCollectionMetrics, mutations, changes)
	return out, err
}

// transact commits all mutations or none, and charges ms. It returns no changes
// if the transaction was committed before under the same token.
func (e *Engine) transact(ctx context.Context, mutations []store.Mutation, token *store.Token,
	ms *meters) ([]store.Change, error) {
	changes, committed, err := e.store.Transact(ctx, limitBytes(mutations), token)
	switch {
	case errors.Is(err, store.ErrTokenBusy):
		return nil, clientError("TransactionInProgressException",
			"The transaction with the given request token is already in progress.")
	case errors.Is(err, store.ErrTokenMismatch):
		return nil, clientError("IdempotentParameterMismatchException",
			"The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical.")
	case errors.Is(err, store.ErrTokenReplayed):
		// The first call consumed write units; a repeated one consumes read
		// units.
		for _, m := range mutations {
			item, err := e.store.Get(m.Table, m.Row)
			if err != nil {
				return nil, err
			}
			ms.forTable(m.Table.Definition().Name).read(nil, readUnits(sizeOf(item), true))
		}
	case err != nil:
		return nil, err
	case !committed:
		return nil, cancelled(changes)
	}
	for i, c := range changes {
		ms.forTable(mutations[i].Table.Definition().Name).write(c)
	}
	return changes, nil
}

func (in *transactWriteInput) check() ([]transactItem, error) {
	var items []transactItem
	if in.TransactItems != nil {
		if err := decode(in.TransactItems, &items); err != nil {
			return nil, olderTexts.apply(err)
		}
	}
	var c checks
	c.required("transactItems", items != nil)
	if items != nil {
		c.count("transactItems", len(items), 1, maxTransaction)
	}
	c.length("clientRequestToken", in.ClientRequestToken, 1, maxToken)
	c.returnModes(in.ReturnConsumedCapacity, in.ReturnItemCollectionMetrics)
	return items, c.err()
}

// token returns the request's idempotency token, or nil without
// ClientRequestToken.
func (in *transactWriteInput) token(now time.Time) (*store.Token, error) {
	if in.ClientRequestToken == nil {
		return nil, nil
	}
	return newToken(*in.ClientRequestToken, in.TransactItems, now)
}

// newToken returns the idempotency token of a transaction, bound to the
// canonical text of its actions.
func newToken(id string, actions jsontext.Value, now time.Time) (*store.Token, error) {
	// SDKs encode the members of maps in any order.
	text := actions.Clone()
	if err := text.Canonicalize(); err != nil {
		return nil, serviceError("SerializationException", "The actions of the transaction cannot be read")
	}
	return &store.Token{
		ID:      id,
		Digest:  sha256.Sum256(text),
		Now:     now,
		Expires: now.Add(tokenLifetime),
	}, nil
}

// planTransaction checks all expressions, then finds all tables, then checks
// each action against its table. The reasons say which actions cancel the
// transaction.
func (e *Engine) planTransaction(ctx context.Context, items []transactItem) ([]store.Mutation, reasons, error) {
	actions := make([]parsedAction, len(items))
	for i, item := range items {
		var err error
		if actions[i], err = item.parse(); err != nil {
			return nil, nil, err
		}
	}
	tables := make([]*store.Table, len(items))
	for i, a := range actions {
		var err error
		if tables[i], err = e.findItemTable(ctx, a.table); err != nil {
			return nil, nil, err
		}
	}
	mutations, refused := make([]store.Mutation, len(items)), make(reasons, len(items))
	var distinct distinctItems
	for i, item := range items {
		m, err := actions[i].plan(item, tables[i])
		if isEarly(err) {
			return nil, nil, err
		}
		refused[i] = reasonOf(err)
		if refused[i].failed() {
			continue
		}
		if err := distinct.add(m.Table, m.Row); err != nil {
			return nil, nil, err
		}
		mutations[i] = m
	}
	return mutations, refused, putBytes(items)
}

// distinctItems holds the items of a transaction. Each may have one action.
type distinctItems map[transactedItem]bool

type transactedItem struct {
	table *store.Table
	row   string
}

func (t *distinctItems) add(table *store.Table, row []byte) error {
	if *t == nil {
		*t = make(distinctItems)
	}
	at := transactedItem{table, string(row)}
	if (*t)[at] {
		return invalid("Transaction request cannot include multiple operations on one item")
	}
	(*t)[at] = true
	return nil
}

// putBytes returns an error if the items of all Put actions together are too
// large.
func putBytes(items []transactItem) error {
	total := 0
	for _, item := range items {
		if item.Put != nil {
			total += item.Put.Item.Size()
		}
	}
	if total > maxTransactionBytes {
		return errTransactionBytes
	}
	return nil
}

// parsedAction is an action of which all but the table is checked.
type parsedAction struct {
	*transactAction
	table  string
	update *expr.Update
	guard  guard
}

func (item transactItem) parse() (parsedAction, error) {
	var p parsedAction
	for _, member := range []*transactAction{item.ConditionCheck, item.Put, item.Update, item.Delete} {
		if member != nil && p.transactAction != nil {
			return p, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		if member != nil {
			p.transactAction = member
		}
	}
	if p.transactAction == nil {
		return p, invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	}
	var err error
	if p.table, err = p.check(item); err != nil {
		return p, err
	}
	if item.Update == nil {
		p.UpdateExpression = nil
	}
	p.update, p.guard, err = parseUpdate(p.placeholders, p.UpdateExpression, p.ConditionExpression,
		p.ReturnValuesOnConditionCheckFailure)
	return p, err
}

// plan checks the action against its table and returns its mutation.
func (p parsedAction) plan(item transactItem, t *store.Table) (store.Mutation, error) {
	switch {
	case item.Put != nil:
		return planPut(t, p.Item, p.guard)
	case item.Update != nil:
		return planUpdate(t, p.Key, p.update, p.guard)
	case item.Delete != nil:
		return planDelete(t, p.Key, p.guard)
	default:
		return planCheck(t, p.Key, p.guard)
	}
}

// check validates the members that an action must have and returns its table's
// name.
func (a *transactAction) check(item transactItem) (table string, err error) {
	const at = "transactItems.member."
	var c checks
	table = c.table(at+"tableName", a.TableName)
	if item.Put != nil {
		c.required(at+"put.item", a.Item != nil)
	} else {
		c.required(at+"key", a.Key != nil)
	}
	if item.Update != nil {
		c.required(at+"update.updateExpression", a.UpdateExpression != nil)
	}
	if item.ConditionCheck != nil {
		c.required(at+"conditionCheck.conditionExpression", a.ConditionExpression != nil)
	}
	c.oneOf(at+"returnValuesOnConditionCheckFailure", a.ReturnValuesOnConditionCheckFailure, returnAllOld, returnNone)
	return table, c.err()
}

// limitBytes changes the mutations so that they fail when the transaction
// becomes too large.
func limitBytes(mutations []store.Mutation) []store.Mutation {
	total := 0
	out := make([]store.Mutation, len(mutations))
	for i, m := range mutations {
		out[i] = m
		out[i].Decide = func(old attr.Item) (attr.Item, store.Action, error) {
			item, action, err := m.Decide(old)
			switch action {
			case store.Put:
				total += sizeOf(item)
			default:
				total += sizeOf(old)
			}
			if err == nil && total > maxTransactionBytes {
				err = errTransactionBytes
			}
			return item, action, err
		}
	}
	return out
}
