package dynamodb

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/partiql"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

type executeInput struct {
	statementInput
	NextToken              *string
	Limit                  *int64
	ReturnConsumedCapacity string
}

type executeOutput struct {
	Items            []attr.Item
	NextToken        string            `json:",omitempty"`
	LastEvaluatedKey attr.Item         `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitzero"`
}

func (e *Engine) executeStatement(ctx context.Context, in *executeInput) (*executeOutput, error) {
	var c checks
	in.check(&c, "")
	c.value("limit", in.Limit, 1, 0)
	c.returnModes(in.ReturnConsumedCapacity, "")
	if err := c.err(); err != nil {
		return nil, err
	}
	s, err := e.readStatement(ctx, &in.statementInput)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Kind == partiql.Exists:
		return nil, invalid("EXISTS is only supported in transactions")
	case s.Reads():
		return e.executeSelect(ctx, in, s)
	}
	m := meter{table: s.def.Name}
	items, err := e.executeWrite(ctx, s, &m)
	if err != nil {
		return nil, err
	}
	return &executeOutput{Items: items, ConsumedCapacity: m.report(ctx, in.ReturnConsumedCapacity)}, nil
}

func (e *Engine) executeSelect(ctx context.Context, in *executeInput, s *statement) (*executeOutput, error) {
	at, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	selected, err := newSelection(s)
	if err != nil {
		return nil, err
	}
	items, m, next, err := selected.run(ctx, e, at, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &executeOutput{Items: items, ConsumedCapacity: m.report(ctx, in.ReturnConsumedCapacity)}
	if next != nil {
		out.LastEvaluatedKey = next.Start
		out.NextToken, err = next.token()
	}
	return out, err
}

// executeWrite commits one statement, charges it to m and returns the
// attributes that RETURNING asks for.
func (e *Engine) executeWrite(ctx context.Context, s *statement, m *meter) ([]attr.Item, error) {
	mutation, update, err := s.write()
	if err != nil {
		return nil, err
	}
	change, err := e.writeOne(ctx, mutation)
	if err != nil {
		return nil, err
	}
	m.write(change)
	return s.returned(update, change), nil
}

type batchExecuteInput struct {
	Statements             []statementInput
	ReturnConsumedCapacity string
}

type batchExecuteOutput struct {
	Responses        []statementResponse
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

type statementResponse struct {
	Error     *statementError `json:",omitzero"`
	TableName string          `json:",omitempty"`
	Item      attr.Item       `json:",omitzero"`
}

type statementError struct {
	Code    string
	Message string
	Item    attr.Item `json:",omitempty"`
}

// newStatementError returns the error of one statement with the code that
// BatchExecuteStatement uses (API reference, BatchStatementError).
func newStatementError(err error) *statementError {
	api, _ := asAPIError(err)
	code := strings.TrimSuffix(api.code, "Exception")
	if code == "Validation" {
		code = "ValidationError"
	}
	return &statementError{Code: code, Message: api.message, Item: api.item}
}

// batchExecuteStatement runs the statements in order, each in a commit of its
// own. The failure of one does not affect the others.
func (e *Engine) batchExecuteStatement(ctx context.Context, in *batchExecuteInput) (*batchExecuteOutput, error) {
	var c checks
	c.required("statements", in.Statements != nil)
	if in.Statements != nil {
		c.count("statements", len(in.Statements), 1, maxBatchStatements)
	}
	for i := range in.Statements {
		in.Statements[i].check(&c, "statements."+member(i))
	}
	c.returnModes(in.ReturnConsumedCapacity, "")
	if err := c.err(); err != nil {
		return nil, err
	}
	out := &batchExecuteOutput{Responses: make([]statementResponse, len(in.Statements))}
	var ms meters
	statements := make([]*statement, len(in.Statements))
	reads, writes := 0, 0
	for i := range in.Statements {
		s, err := e.readStatement(ctx, &in.Statements[i])
		if err != nil {
			out.Responses[i].Error = newStatementError(err)
			continue
		}
		statements[i] = s
		if s.Reads() {
			reads++
		} else {
			writes++
		}
	}
	if reads > 0 && writes > 0 {
		return nil, invalid("The batch cannot contain both read and write statements")
	}
	for i, s := range statements {
		if s == nil {
			continue
		}
		r := &out.Responses[i]
		r.TableName = s.def.Name
		var err error
		if r.Item, err = e.executeInBatch(ctx, s, ms.forTable(s.def.Name)); err != nil {
			r.Error = newStatementError(err)
		}
	}
	out.ConsumedCapacity = ms.report(ctx, in.ReturnConsumedCapacity)
	return out, nil
}

// executeInBatch runs one statement of a batch, charges it to m and returns its
// item.
func (e *Engine) executeInBatch(ctx context.Context, s *statement, m *meter) (item attr.Item, err error) {
	switch {
	case s.Kind == partiql.Exists:
		return nil, invalid("EXISTS is only supported in transactions")
	case s.Reads():
		view, err := e.view([]*statement{s})
		if err != nil {
			return nil, err
		}
		defer closeView(view, &err)
		item, size, err := s.getOne(view)
		if err == nil {
			m.read(nil, readUnits(size, s.consistent))
		}
		return item, err
	}
	items, err := e.executeWrite(ctx, s, m)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[0], nil
}

type executeTransactionInput struct {
	TransactStatements     jsontext.Value // kept as text, which the idempotency token is bound to
	ClientRequestToken     *string
	ReturnConsumedCapacity string
}

type executeTransactionOutput struct {
	Responses        []itemResponse
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

func (e *Engine) executeTransaction(ctx context.Context,
	in *executeTransactionInput) (*executeTransactionOutput, error) {
	var inputs []statementInput
	if in.TransactStatements != nil {
		if err := decode(in.TransactStatements, &inputs); err != nil {
			return nil, err
		}
	}
	var c checks
	c.required("transactStatements", inputs != nil)
	if inputs != nil {
		c.count("transactStatements", len(inputs), 1, maxTransaction)
	}
	for i := range inputs {
		inputs[i].check(&c, "transactStatements."+member(i))
	}
	c.length("clientRequestToken", in.ClientRequestToken, 1, maxToken)
	c.returnModes(in.ReturnConsumedCapacity, "")
	if err := c.err(); err != nil {
		return nil, err
	}
	parsed := make([]*partiql.Statement, len(inputs))
	for i, input := range inputs {
		var err error
		if parsed[i], err = partiql.Parse(*input.Statement, input.Parameters); err != nil {
			return nil, err
		}
	}
	statements := make([]*statement, len(inputs))
	reads := 0
	for i := range inputs {
		s, err := e.bindStatement(ctx, &inputs[i], parsed[i])
		if err != nil {
			return nil, err
		}
		statements[i] = s
		if s.Reads() {
			reads++
		}
	}
	switch reads {
	case 0:
		return e.transactStatements(ctx, in, statements)
	case len(statements):
		return e.readStatements(ctx, in, statements)
	}
	return nil, invalid("The transaction cannot contain both read and write statements")
}

// readStatements reads all items from one snapshot of the store.
func (e *Engine) readStatements(ctx context.Context, in *executeTransactionInput,
	statements []*statement) (out *executeTransactionOutput, err error) {
	view, err := e.view(statements)
	if err != nil {
		return nil, err
	}
	defer closeView(view, &err)
	out = &executeTransactionOutput{Responses: make([]itemResponse, len(statements))}
	ms := meters{transactional: true}
	for i, s := range statements {
		item, size, err := s.getOne(view)
		if err != nil {
			return nil, err
		}
		ms.forTable(s.def.Name).read(nil, readUnits(size, true))
		out.Responses[i].Item = item
	}
	out.ConsumedCapacity = ms.report(ctx, in.ReturnConsumedCapacity)
	return out, nil
}

// transactStatements commits all statements or none of them.
func (e *Engine) transactStatements(ctx context.Context, in *executeTransactionInput,
	statements []*statement) (*executeTransactionOutput, error) {
	mutations, refused := make([]store.Mutation, len(statements)), make(reasons, len(statements))
	var distinct distinctItems
	for i, s := range statements {
		m, _, err := s.write()
		if isEarly(err) {
			return nil, err
		}
		if refused[i] = reasonOf(err); refused[i].failed() {
			continue
		}
		if err := distinct.add(m.Table, m.Row); err != nil {
			return nil, err
		}
		mutations[i] = m
	}
	if refused.anyFailed() {
		return nil, cancelledFor(refused)
	}
	var token *store.Token
	if in.ClientRequestToken != nil {
		var err error
		if token, err = newToken(*in.ClientRequestToken, in.TransactStatements, e.opts.Now()); err != nil {
			return nil, err
		}
	}
	ms := meters{transactional: true}
	if _, err := e.transact(ctx, mutations, token, &ms); err != nil {
		return nil, err
	}
	return &executeTransactionOutput{
		Responses:        make([]itemResponse, len(statements)),
		ConsumedCapacity: ms.report(ctx, in.ReturnConsumedCapacity),
	}, nil
}
