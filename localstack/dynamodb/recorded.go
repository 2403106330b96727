package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// The operations on settings that mean nothing on a laptop keep what they are
// told, durably and with the table, and report it. These are the settings.
const (
	recordBackups  = "continuous-backups"
	recordBounds   = "on-demand-throughput"
	recordKey      = "encryption"
	recordInsights = "contributor-insights"
	recordKinesis  = "kinesis-destinations"
	recordPolicy   = "resource-policy"
)

// recorded reads a setting of a table; it is the zero T if it was never set.
func recorded[T any](def *store.Definition, name string) (setting T, err error) {
	text, ok := def.Settings.Recorded[name]
	if !ok {
		return setting, nil
	}
	if err := json.Unmarshal(text, &setting); err != nil {
		return setting, fmt.Errorf("setting %s: %w", name, err)
	}
	return setting, nil
}

// record changes a setting of a table; change may refuse.
func record[T any](e *Engine, t *store.Table, name string, change func(*T) error) error {
	_, err := e.store.Alter(t, func(def *store.Definition) error {
		setting, err := recorded[T](def, name)
		if err != nil {
			return err
		}
		if err := change(&setting); err != nil {
			return err
		}
		return keep(&def.Settings, name, setting)
	})
	if errors.Is(err, store.ErrNoTable) {
		return noSuchTable(t.Definition().Name)
	}
	return err
}

// keep puts a setting into s.
func keep(s *store.Settings, name string, setting any) error {
	text, err := json.Marshal(setting)
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	all := maps.Clone(s.Recorded) // others read the old ones
	if all == nil {
		all = make(map[string]json.RawMessage)
	}
	all[name] = text
	s.Recorded = all
	return nil
}
