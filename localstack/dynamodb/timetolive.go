package dynamodb

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

type timeToLiveSpecification struct {
	AttributeName *string
	Enabled       *bool
}

type updateTimeToLiveInput struct {
	TableName               *string
	TimeToLiveSpecification *timeToLiveSpecification
}

type updateTimeToLiveOutput struct {
	TimeToLiveSpecification *timeToLiveSpecification
}

func (e *Engine) updateTimeToLive(ctx context.Context, in *updateTimeToLiveInput) (*updateTimeToLiveOutput, error) {
	var c checks
	spec := in.TimeToLiveSpecification
	c.required("timeToLiveSpecification", spec != nil)
	if spec != nil {
		c.required("timeToLiveSpecification.attributeName", spec.AttributeName != nil)
		c.length("timeToLiveSpecification.attributeName", spec.AttributeName, 1, 255)
		c.required("timeToLiveSpecification.enabled", spec.Enabled != nil)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	t, err := e.findTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := e.checkCreated(t); err != nil {
		return nil, err
	}
	_, err = e.store.Alter(t, func(def *store.Definition) error {
		switch {
		case !*spec.Enabled && def.TTL == "":
			return invalid("TimeToLive is already disabled")
		case def.TTL != "" && def.TTL != *spec.AttributeName:
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", def.TTL)
		case *spec.Enabled && def.TTL != "":
			return invalid("TimeToLive is already enabled")
		case *spec.Enabled:
			def.TTL = *spec.AttributeName
		default:
			def.TTL = ""
		}
		return nil
	})
	if errors.Is(err, store.ErrNoTable) {
		return nil, noSuchTable(*in.TableName)
	}
	if err != nil {
		return nil, err
	}
	return &updateTimeToLiveOutput{spec}, nil
}

type describeTimeToLiveOutput struct {
	TimeToLiveDescription struct {
		TimeToLiveStatus string
		AttributeName    string `json:",omitempty"`
	}
}

func (e *Engine) describeTimeToLive(ctx context.Context, in *tableNameInput) (*describeTimeToLiveOutput, error) {
	t, err := e.findTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if e.pending.has(t, "") {
		return nil, invalid("Cannot describe time to live while table is in CREATING state: Current table state is CREATING")
	}
	out := new(describeTimeToLiveOutput)
	d, def := &out.TimeToLiveDescription, t.Definition()
	d.AttributeName = def.TTL
	switch {
	case def.TTL == "":
		d.TimeToLiveStatus = "DISABLED"
	case def.TTLFill != 0:
		d.TimeToLiveStatus = "ENABLING"
	default:
		d.TimeToLiveStatus = "ENABLED"
	}
	return out, nil
}
