package dynamodb

import (
	"strings"
	"time"

	"github.com/sotto-chat/sotto/localstack/dynamodb/store"
)

// labelLayout is the format of a stream's label, the time when it was enabled.
const labelLayout = "2006-01-02T15:04:05.000"

// check checks the members against one another. The texts are those of
// UpdateTable.
func (s *StreamSpecification) check() error {
	switch {
	case s == nil:
		return nil
	case s.StreamEnabled && s.StreamViewType == "":
		return invalidParameter("If stream is being enabled then UpdateViewType is required")
	case !s.StreamEnabled && s.StreamViewType != "":
		return invalidParameter("If stream is being disabled, then UpdateViewType must not be specified")
	}
	return nil
}

func (c *checks) streamView(s *StreamSpecification) {
	if s != nil {
		c.oneOf("streamSpecification.streamViewType", s.StreamViewType,
			store.ViewNewImage, store.ViewOldImage, store.ViewNewAndOldImages, store.ViewKeysOnly)
	}
}

// newStream returns the stream that a specification asks for, or nil if it asks
// for none.
func (e *Engine) newStream(table string, s *StreamSpecification) *store.TableStream {
	if s == nil || !s.StreamEnabled {
		return nil
	}
	label := s.Label
	for at := e.opts.Now().UTC(); label == ""; at = at.Add(time.Millisecond) {
		text := at.Format(labelLayout)
		if _, err := e.store.Stream(table, text); err != nil { // the label is free
			label = text
		}
	}
	return &store.TableStream{Label: label, View: s.StreamViewType, Enabled: true}
}

// updateStream changes the stream of def for UpdateTable. To change the view, a
// client disables the stream and enables a new one.
func (e *Engine) updateStream(def *store.Definition, s *StreamSpecification) error {
	if s == nil {
		return nil
	}
	enabled := def.Stream != nil && def.Stream.Enabled
	switch {
	case s.StreamEnabled && enabled:
		return invalid("Table already has an enabled stream: TableName: %s", def.Name)
	case s.StreamEnabled:
		def.Stream = e.newStream(def.Name, s)
	case !enabled:
		return invalid("Table has no stream to disable: TableName: %s", def.Name)
	default:
		def.Stream = disabled(def.Stream)
	}
	return nil
}

// disabled returns a disabled copy of a stream.
func disabled(s *store.TableStream) *store.TableStream {
	rest := *s
	rest.Enabled = false
	return &rest
}

// ensureStream changes the stream of have to what want declares. A stream that
// differs only in its label stays, unless the declaration sets the label
// (labelled).
func ensureStream(have *store.Definition, want *store.TableStream, labelled bool) {
	enabled := have.Stream != nil && have.Stream.Enabled
	switch {
	case want == nil && enabled:
		have.Stream = disabled(have.Stream)
	case want == nil:
	case !enabled, have.Stream.View != want.View, labelled && have.Stream.Label != want.Label:
		have.Stream = want
	}
}

// streamARN returns the ARN of a stream.
func (e *Engine) streamARN(table, label string) string {
	return e.tableARN(table) + "/stream/" + label
}

// findStream returns the stream that an ARN names.
func (e *Engine) findStream(arn string) (*store.Stream, error) {
	_, name, ok := strings.Cut(arn, ":table/")
	table, label, found := strings.Cut(name, "/stream/")
	if !ok || !found || !strings.HasPrefix(arn, "arn:") {
		return nil, invalid("Invalid StreamArn")
	}
	st, err := e.store.Stream(table, label)
	if err != nil || arn != e.streamARN(table, label) {
		return nil, clientError("ResourceNotFoundException", "Requested resource not found: Stream: %s not found", arn)
	}
	return st, nil
}

// describeStream adds the stream to a table's description. A disabled stream
// keeps its label and ARN there.
func (d *tableDescription) describeStream(e *Engine, def *store.Definition) {
	if def.Stream == nil {
		return
	}
	d.LatestStreamLabel = def.Stream.Label
	d.LatestStreamArn = e.streamARN(def.Name, def.Stream.Label)
	if def.Stream.Enabled {
		d.StreamSpecification = &StreamSpecification{StreamEnabled: true, StreamViewType: def.Stream.View}
	}
}

func (c *checks) streamARN(member string, arn *string) {
	c.length(member, arn, 37, 1024)
}

func (c *checks) shardID(member string, id *string) {
	c.length(member, id, 28, 65)
}
