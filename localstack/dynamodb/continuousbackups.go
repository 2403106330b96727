package dynamodb

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// maxRecoveryDays is how far back point-in-time recovery reaches, unless less
// is asked for.
const maxRecoveryDays = 35

// recoverySetting is what is kept of point-in-time recovery. Nothing can be
// restored: to have another state of the tables, copy the folder.
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

// backedUp finds a table for the operations on backups, which have an error of
// their own for one that is not there.
func (e *Engine) backedUp(ctx context.Context, name *string) (*store.Table, error) {
	t, err := e.named(ctx, name)
	var api *apiError
	if errors.As(err, &api) && api.code == "ResourceNotFoundException" {
		return nil, clientError("TableNotFoundException", "Table not found: %s", *name)
	}
	return t, err
}

func (e *Engine) updateContinuousBackups(ctx context.Context, in *updateBackupsInput) (*backupsOutput, error) {
	var c checks
	want := in.PointInTimeRecoverySpecification
	c.present("pointInTimeRecoverySpecification", want != nil)
	if want != nil {
		c.present("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled", want.PointInTimeRecoveryEnabled != nil)
		c.value("pointInTimeRecoverySpecification.recoveryPeriodInDays", want.RecoveryPeriodInDays, 1, maxRecoveryDays)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	t, err := e.backedUp(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	err = record(e, t, recordBackups, func(s *recoverySetting) error {
		if !s.Enabled || !*want.PointInTimeRecoveryEnabled {
			s.Since = epoch(e.opts.Now())
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
	t, err := e.backedUp(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	return e.backups(t)
}

func (e *Engine) backups(t *store.Table) (*backupsOutput, error) {
	setting, err := recorded[recoverySetting](t.Definition(), recordBackups)
	if err != nil {
		return nil, err
	}
	out := new(backupsOutput)
	out.ContinuousBackupsDescription.ContinuousBackupsStatus = "ENABLED" // always, for every table
	d := &out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	d.PointInTimeRecoveryStatus = "DISABLED"
	if setting.Enabled {
		*d = recoveryDescription{"ENABLED", setting.Days, setting.Since, epoch(e.opts.Now())}
	}
	return out, nil
}
