package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// The settings that are stored with a table and reported, and have no effect
// locally.
const (
	settingBackups    = "continuous-backups"
	settingThroughput = "on-demand-throughput"
	settingEncryption = "encryption"
	settingInsights   = "contributor-insights"
	settingKinesis    = "kinesis-destinations"
	settingPolicy     = "resource-policy"
)

// readSetting returns a setting of a table, or the zero T if it was never set.
func readSetting[T any](def *store.Definition, name string) (setting T, err error) {
	text, ok := def.Settings.Recorded[name]
	if !ok {
		return setting, nil
	}
	if err := json.Unmarshal(text, &setting); err != nil {
		return setting, fmt.Errorf("setting %s: %w", name, err)
	}
	return setting, nil
}

// changeSetting changes a setting of a table. If change returns an error, the
// setting stays as it was.
func changeSetting[T any](e *Engine, t *store.Table, name string, change func(*T) error) error {
	_, err := e.store.Alter(t, func(def *store.Definition) error {
		setting, err := readSetting[T](def, name)
		if err != nil {
			return err
		}
		if err := change(&setting); err != nil {
			return err
		}
		return writeSetting(&def.Settings, name, setting)
	})
	if errors.Is(err, store.ErrNoTable) {
		return noSuchTable(t.Definition().Name)
	}
	return err
}

// writeSetting encodes a setting into s.
func writeSetting(s *store.Settings, name string, setting any) error {
	text, err := json.Marshal(setting)
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	all := maps.Clone(s.Recorded) // readers may hold the old map
	if all == nil {
		all = make(map[string]json.RawMessage)
	}
	all[name] = text
	s.Recorded = all
	return nil
}
