package dynamodb

import (
	"context"
	"maps"
	"slices"
)

type kinesisInput struct {
	TableName                           *string
	StreamArn                           *string
	EnableKinesisStreamingConfiguration *kinesisConfiguration
}

type kinesisConfiguration struct {
	ApproximateCreationDateTimePrecision string
}

type kinesisOutput struct {
	TableName                           string
	StreamArn                           string
	DestinationStatus                   string
	EnableKinesisStreamingConfiguration *kinesisConfiguration `json:",omitzero"`
}

type kinesisDestinations struct {
	TableName                     string
	KinesisDataStreamDestinations []kinesisDestination
}

type kinesisDestination struct {
	StreamArn                            string
	DestinationStatus                    string
	ApproximateCreationDateTimePrecision string
}

// kinesisSetting are the destinations by ARN. They are stored and reported.
// Kinesis is not implemented locally, so no record is sent; use DynamoDB
// Streams.
type kinesisSetting map[string]kinesisDestination

func (in *kinesisInput) check() error {
	var c checks
	c.required("streamArn", in.StreamArn != nil)
	c.length("streamArn", in.StreamArn, 37, 1024)
	if in.EnableKinesisStreamingConfiguration != nil {
		c.oneOf("enableKinesisStreamingConfiguration.approximateCreationDateTimePrecision",
			in.EnableKinesisStreamingConfiguration.ApproximateCreationDateTimePrecision, "MILLISECOND", "MICROSECOND")
	}
	return c.err()
}

func (e *Engine) enableKinesisDestination(ctx context.Context, in *kinesisInput) (*kinesisOutput, error) {
	precision := "MILLISECOND"
	if x := in.EnableKinesisStreamingConfiguration; x != nil && x.ApproximateCreationDateTimePrecision != "" {
		precision = x.ApproximateCreationDateTimePrecision
	}
	out, err := e.setKinesisDestination(ctx, in, "ACTIVE", precision)
	if err == nil {
		e.opts.Log.Warn("Kinesis is not implemented locally; the destination is stored and gets no records",
			"table", out.TableName)
		out.DestinationStatus = "ENABLING"
	}
	return out, err
}

func (e *Engine) disableKinesisDestination(ctx context.Context, in *kinesisInput) (*kinesisOutput, error) {
	out, err := e.setKinesisDestination(ctx, in, "DISABLED", "")
	if err == nil {
		out.DestinationStatus = "DISABLING"
	}
	return out, err
}

// setKinesisDestination sets the status of a destination: ACTIVE if it is not
// active, DISABLED if it is active. It returns an error for any other change.
func (e *Engine) setKinesisDestination(ctx context.Context, in *kinesisInput,
	status, precision string) (*kinesisOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t, err := e.findTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	err = changeSetting(e, t, settingKinesis, func(s *kinesisSetting) error {
		old, known := (*s)[*in.StreamArn]
		if active := old.DestinationStatus == "ACTIVE"; active == (status == "ACTIVE") {
			return invalid("Table is not in a valid state to change the Kinesis streaming destination")
		}
		if *s == nil {
			*s = make(kinesisSetting)
		}
		if known && precision == "" {
			precision = old.ApproximateCreationDateTimePrecision
		}
		(*s)[*in.StreamArn] = kinesisDestination{*in.StreamArn, status, precision}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesisOutput{
		TableName:                           t.Definition().Name,
		StreamArn:                           *in.StreamArn,
		EnableKinesisStreamingConfiguration: &kinesisConfiguration{precision},
	}, nil
}

func (e *Engine) describeKinesisDestination(ctx context.Context, in *tableNameInput) (*kinesisDestinations, error) {
	t, err := e.findTable(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	s, err := readSetting[kinesisSetting](t.Definition(), settingKinesis)
	out := &kinesisDestinations{TableName: t.Definition().Name, KinesisDataStreamDestinations: []kinesisDestination{}}
	for _, arn := range slices.Sorted(maps.Keys(s)) {
		out.KinesisDataStreamDestinations = append(out.KinesisDataStreamDestinations, s[arn])
	}
	return out, err
}
