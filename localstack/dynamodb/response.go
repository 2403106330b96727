package dynamodb

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// responseSize is the initial buffer of a response in bytes. A response with
// items starts with a little more than their sizes.
const responseSize = 256

// response writes the members of a JSON object. It is faster than reflection.
type response struct {
	text []byte
	err  error
}

func newResponse(size int) *response {
	return &response{text: append(make([]byte, 0, responseSize+size+size/8), '{')}
}

func (a *response) name(name string) {
	if len(a.text) > 1 {
		a.text = append(a.text, ',')
	}
	a.text = append(a.text, '"')
	a.text = append(a.text, name...)
	a.text = append(a.text, '"', ':')
}

// item adds an item, unless it is nil.
func (a *response) item(name string, item attr.Item) {
	if item == nil {
		return
	}
	a.name(name)
	a.text = item.AppendJSON(a.text)
}

func (a *response) items(name string, items []attr.Item) {
	if items == nil {
		return
	}
	a.begin(name)
	for i, item := range items {
		if i > 0 {
			a.text = append(a.text, ',')
		}
		a.text = item.AppendJSON(a.text)
	}
	a.end()
}

// begin opens a list; end closes it.
func (a *response) begin(name string) {
	a.name(name)
	a.text = append(a.text, '[')
}

func (a *response) end() { a.text = append(a.text, ']') }

func (a *response) number(name string, n int) {
	a.name(name)
	a.text = strconv.AppendInt(a.text, int64(n), 10)
}

// add adds a member if present is true.
func (a *response) add(name string, present bool, v any) {
	if !present || a.err != nil {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		a.err = fmt.Errorf("encode the response: %w", err)
		return
	}
	a.name(name)
	a.text = append(a.text, text...)
}

func (a *response) finish() ([]byte, error) {
	return append(a.text, '}'), a.err
}
