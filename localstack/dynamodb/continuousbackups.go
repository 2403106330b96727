package dynamodb

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxRecoveryDays is the longest and the default recovery period (API
// reference, PointInTimeRecoverySpecification).
const maxRecoveryDays = 35

// recoverySetting is the stored setting of point-in-time recovery. Restoring is
// not implemented locally; to return to an earlier state, copy the data folder.
type recoverySetting struct {
	Enabled bool
	Days    int64
	Since   float64 // Unix seconds
}

type updateBackupsInput struct {
	TableName                        *string
	PointInTimeRecoverySpecification *struct {
		PointInTimeRecoveryEnabled *bool
		RecoveryPeriodInDays       *int64
	}
}

type backupsOutput struct {
	ContinuousBackupsDescription struct {
		ContinuousBackupsStatus        string
		PointInTimeRecoveryDescription recoveryDescription
	}
}

type recoveryDescription struct {
	PointInTimeRecoveryStatus  string
	RecoveryPeriodInDays       int64   `json:",omitzero"`
	EarliestRestorableDateTime float64 `json:",omitzero"`
	LatestRestorableDateTime   float64 `json:",omitzero"`
}

// findBackupTable finds a table for the operations on backups, whose error for
// a missing table differs from that of other operations.
func (e *Engine) findBackupTable(ctx context.Context, name *string) (*store.Table, error) {
	t, err := e.findTable(ctx, name)
	if api, ok := errors.AsType[*apiError](err); ok && api.code == "ResourceNotFoundException" {
		return nil, clientError("TableNotFoundException", "Table not found: %s", *name)
	}
	return t, err
}

func (e *Engine) updateContinuousBackups(ctx context.Context, in *updateBackupsInput) (*backupsOutput, error) {
	var c checks
	want := in.PointInTimeRecoverySpecification
	c.required("pointInTimeRecoverySpecification", want != nil)
	if want != nil {
		c.required("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled",
			want.PointInTimeRecoveryEnabled != nil)
		c.value("pointInTimeRecoverySpecification.recoveryPeriodInDays", want.RecoveryPeriodInDays, 1, maxRecoveryDays)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	t, err := e.findBackupTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	err = changeSetting(e, t, settingBackups, func(s *recoverySetting) error {
		if !s.Enabled || !*want.PointInTimeRecoveryEnabled {
			s.Since = unixSeconds(e.opts.Now())
		}
		s.Enabled, s.Days = *want.PointInTimeRecoveryEnabled, maxRecoveryDays
		if want.RecoveryPeriodInDays != nil {
			s.Days = *want.RecoveryPeriodInDays
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return e.backups(t)
}

func (e *Engine) describeContinuousBackups(ctx context.Context, in *tableNameInput) (*backupsOutput, error) {
	t, err := e.findBackupTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	return e.backups(t)
}

func (e *Engine) backups(t *store.Table) (*backupsOutput, error) {
	setting, err := readSetting[recoverySetting](t.Definition(), settingBackups)
	if err != nil {
		return nil, err
	}
	out := new(backupsOutput)
	out.ContinuousBackupsDescription.ContinuousBackupsStatus = "ENABLED" // always, for every table
	d := &out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	d.PointInTimeRecoveryStatus = "DISABLED"
	if setting.Enabled {
		*d = recoveryDescription{"ENABLED", setting.Days, setting.Since, unixSeconds(e.opts.Now())}
	}
	return out, nil
}
