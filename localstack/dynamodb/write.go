package dynamodb

import (
	"maps"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/expr"
	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// decision returns what a mutation makes of an item; see [store.Mutation].
type decision = func(old attr.Item) (attr.Item, store.Action, error)

// guard is the condition of a write. showOld says whether its failure returns
// the old item.
type guard struct {
	condition *expr.Condition
	showOld   bool
}

func newGuard(c *expr.Context, src *string, onFailure string) (guard, error) {
	cond, err := condition(c, "ConditionExpression", src)
	return guard{cond, onFailure == returnAllOld}, err
}

func (g guard) check(old attr.Item) error {
	if g.condition == nil {
		return nil
	}
	ok, err := g.condition.Eval(old)
	if err != nil || ok {
		return err
	}
	if g.showOld {
		return conditionFailed(old)
	}
	return conditionFailed(nil)
}

// parseUpdate parses an optional update and an optional condition together.
func parseUpdate(p placeholders, update, cond *string, onFailure string) (*expr.Update, guard, error) {
	c, err := p.context([]parameter{{"UpdateExpression", update != nil}, {"ConditionExpression", cond != nil}})
	if err != nil {
		return nil, guard{}, err
	}
	var u *expr.Update
	if update != nil {
		if u, err = c.ParseUpdate(*update); err != nil {
			return nil, guard{}, err
		}
	}
	g, err := newGuard(c, cond, onFailure)
	if err != nil {
		return nil, guard{}, err
	}
	return u, g, c.CheckUnused()
}

// planPut checks item and returns the mutation that puts it.
func planPut(t *store.Table, item attr.Item, g guard) (store.Mutation, error) {
	def := t.Definition()
	if err := checkItem(def, item); err != nil {
		return store.Mutation{}, err
	}
	if err := checkCondition(def, g.condition); err != nil {
		return store.Mutation{}, err
	}
	return store.Mutation{
		Table: t,
		Row:   def.Row(item),
		Decide: func(old attr.Item) (attr.Item, store.Action, error) {
			return item, store.Put, g.check(old)
		},
	}, nil
}

// planDelete returns the mutation that removes the item of a key.
func planDelete(t *store.Table, key attr.Item, g guard) (store.Mutation, error) {
	return planKeyed(t, key, g, func(old attr.Item) (attr.Item, store.Action, error) {
		return nil, store.Delete, g.check(old)
	})
}

// planCheck returns a mutation that only checks its condition.
func planCheck(t *store.Table, key attr.Item, g guard) (store.Mutation, error) {
	return planKeyed(t, key, g, func(old attr.Item) (attr.Item, store.Action, error) {
		return nil, store.Keep, g.check(old)
	})
}

// planKeyed checks a key and the condition of g, which decide evaluates.
func planKeyed(t *store.Table, key attr.Item, g guard, decide decision) (store.Mutation, error) {
	def := t.Definition()
	if err := checkKey(def, key); err != nil {
		return store.Mutation{}, err
	}
	if err := checkCondition(def, g.condition); err != nil {
		return store.Mutation{}, err
	}
	return store.Mutation{Table: t, Row: def.Row(key), Decide: decide}, nil
}

// planUpdate returns the mutation that updates the item of a key and creates it
// if it is missing, unless the update only removes. A nil update only creates
// it.
func planUpdate(t *store.Table, key attr.Item, update *expr.Update, g guard) (store.Mutation, error) {
	def := t.Definition()
	if update != nil {
		for _, name := range update.Attributes() {
			if def.Key.Has(name) {
				return store.Mutation{}, invalidParameter("Cannot update attribute %s. This attribute is part of the key", name)
			}
		}
		if err := checkScalarKeys(def, update.AllPaths()); err != nil {
			return store.Mutation{}, err
		}
	}
	return planKeyed(t, key, g, func(old attr.Item) (attr.Item, store.Action, error) {
		if err := g.check(old); err != nil {
			return nil, store.Keep, err
		}
		item := old
		if item == nil {
			if update != nil && !update.Creates() {
				return nil, store.Keep, nil
			}
			item = maps.Clone(key)
		}
		if update != nil {
			var err error
			if item, err = update.Apply(item); err != nil {
				return nil, store.Keep, err
			}
		}
		return item, store.Put, checkUpdated(def, item, update)
	})
}
