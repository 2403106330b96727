package dynamodb

import (
	"fmt"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// EmptyTable removes all items of a table at once. The table keeps its
// definition; its stream, if any, goes on and gets no records of the removal.
// A request that uses the table meanwhile may find that it does not exist.
func (e *Engine) EmptyTable(name string) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	old, err := e.store.Drop(name, func(*store.Definition) error { return nil })
	if err != nil {
		return fmt.Errorf("empty table %s: %w", name, err)
	}
	if _, err := e.store.Create(old); err != nil {
		return fmt.Errorf("empty table %s: %w", name, err)
	}
	return nil
}
