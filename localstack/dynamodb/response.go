package dynamodb

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// answerSize is where the buffer of an answer begins; those with items begin
// with a little more than the items' sizes.
const answerSize = 256

// answer writes the members of a JSON object.
type answer struct {
	text []byte
	err  error
}

func newAnswer(size int) *answer {
	return &answer{text: append(make([]byte, 0, answerSize+size+size/8), '{')}
}

func (a *answer) name(name string) {
	if len(a.text) > 1 {
		a.text = append(a.text, ',')
	}
	a.text = append(a.text, '"')
	a.text = append(a.text, name...)
	a.text = append(a.text, '"', ':')
}

// item adds a member, unless it is absent.
func (a *answer) item(name string, item attr.Item) {
	if item == nil {
		return
	}
	a.name(name)
	a.text = item.AppendJSON(a.text)
}

func (a *answer) items(name string, items []attr.Item) {
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

// begin and end stand around the elements of a list.
func (a *answer) begin(name string) {
	a.name(name)
	a.text = append(a.text, '[')
}

func (a *answer) end() { a.text = append(a.text, ']') }

func (a *answer) number(name string, n int) {
	a.name(name)
	a.text = strconv.AppendInt(a.text, int64(n), 10)
}

// add adds a member of which present says whether it is there.
func (a *answer) add(name string, present bool, v any) {
	if !present || a.err != nil {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		a.err = fmt.Errorf("encode the answer: %w", err)
		return
	}
	a.name(name)
	a.text = append(a.text, text...)
}

func (a *answer) finish() ([]byte, error) {
	return append(a.text, '}'), a.err
}
