package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// EnsureTable makes the table that in declares, with expiry by ttlAttribute
// unless that is empty. If the table exists, its keys must agree, and the
// error names what differs; missing global secondary indexes are added and
// filled in the background, the expiry attribute is set, the stream is enabled,
// changed or disabled, and nothing is ever removed. A stream that comes again
// under its old label goes on where it ended. Calling it again changes nothing.
func (e *Engine) EnsureTable(ctx context.Context, in CreateTableInput, ttlAttribute string) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	want, err := e.define(&in)
	if err != nil {
		return fmt.Errorf("declare table: %w", err)
	}
	want.TTL = ttlAttribute
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err = e.store.Create(want); !errors.Is(err, store.ErrTableExists) {
		return err
	}
	t, err := e.store.Table(want.Name)
	if err != nil {
		return fmt.Errorf("table %s: %w", want.Name, err)
	}
	labelled := in.StreamSpecification != nil && in.StreamSpecification.Label != ""
	change := func(have *store.Definition) error {
		ensureStream(have, want.Stream, labelled)
		return extend(have, want)
	}
	if agrees(t.Definition(), change) {
		return nil
	}
	_, err = e.store.Alter(t, change)
	if err != nil {
		return fmt.Errorf("table %s: %w", want.Name, err)
	}
	return nil
}

// agrees says whether a change would change nothing and find no fault.
func agrees(have *store.Definition, change func(*store.Definition) error) bool {
	changed := have.Clone()
	err := change(changed)
	return err == nil && len(changed.Indexes) == len(have.Indexes) && changed.TTL == have.TTL &&
		changed.Stream == have.Stream
}

// extend adds to have what want has more, and refuses what cannot be added.
func extend(have, want *store.Definition) error {
	if err := sameKey("the table", have.Key, want.Key); err != nil {
		return err
	}
	for _, x := range want.Indexes {
		old := have.Index(x.Name)
		switch {
		case old == nil && x.Local:
			return fmt.Errorf("local index %s is declared, but the table was made without it; a local index cannot be added: delete the table or choose another data folder", x.Name)
		case old == nil:
			have.Indexes = append(have.Indexes, x)
			continue
		case old.Local != x.Local:
			return fmt.Errorf("index %s is declared %s, but exists as %s", x.Name, locality(x), locality(old))
		}
		if err := sameKey("index "+x.Name, old.Key, x.Key); err != nil {
			return err
		}
		if old.Projection != x.Projection || !sameNames(old.Include, x.Include) {
			return fmt.Errorf("index %s is declared with the projection %s %v, but exists with %s %v",
				x.Name, x.Projection, x.Include, old.Projection, old.Include)
		}
	}
	if want.TTL != "" {
		have.TTL = want.TTL
	}
	return nil
}

func sameKey(what string, have, want store.KeySchema) error {
	if h, w := describeKey(have), describeKey(want); h != w {
		return fmt.Errorf("%s is declared with the key %s, but exists with %s: delete the table or choose another data folder", what, w, h)
	}
	return nil
}

func describeKey(k store.KeySchema) string {
	s := fmt.Sprintf("%s (%s)", k.Hash.Name, k.Hash.Type)
	if k.Range != nil {
		s += fmt.Sprintf(", %s (%s)", k.Range.Name, k.Range.Type)
	}
	return s
}

func locality(x *store.Index) string {
	if x.Local {
		return "local"
	}
	return "global"
}

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
