package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// EnsureTable creates the table that in declares. Items expire by ttlAttribute
// unless it is empty. If the table exists, EnsureTable adds missing global
// secondary indexes and fills them in the background, sets the expiry
// attribute, and enables, changes or disables the stream; it never removes
// anything. A stream that is enabled again under its old label continues where
// it ended. It returns an error that names the difference if the keys, a
// projection or a local index differ. Calling it again changes nothing.
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
	if isUnchangedBy(t.Definition(), change) {
		return nil
	}
	_, err = e.store.Alter(t, change)
	if err != nil {
		return fmt.Errorf("table %s: %w", want.Name, err)
	}
	return nil
}

// isUnchangedBy reports whether change succeeds and changes nothing.
func isUnchangedBy(have *store.Definition, change func(*store.Definition) error) bool {
	changed := have.Clone()
	err := change(changed)
	return err == nil && len(changed.Indexes) == len(have.Indexes) && changed.TTL == have.TTL &&
		changed.Stream == have.Stream
}

// extend adds to have what only want has. It returns an error for what cannot
// be added.
func extend(have, want *store.Definition) error {
	if err := sameKey("the table", have.Key, want.Key); err != nil {
		return err
	}
	for _, x := range want.Indexes {
		old := have.Index(x.Name)
		switch {
		case old == nil && x.Local:
			return fmt.Errorf("local index %s is declared, but the table was created without it, and a local index cannot be added later: delete the table or choose another data folder", x.Name)
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

// describeKey returns the attributes of a key with their types. It says which
// belong to the sort key where their position does not.
func describeKey(k store.KeySchema) string {
	parts := make([]string, 0, 2)
	for i, a := range k.Attributes() {
		part := fmt.Sprintf("%s (%s)", a.Name, a.Type)
		if k.IsRange(i) && (k.MoreHash != nil || k.MoreRange != nil) {
			part = fmt.Sprintf("%s (%s, RANGE)", a.Name, a.Type)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
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
